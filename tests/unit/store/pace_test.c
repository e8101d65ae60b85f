/* SPDX-License-Identifier: MIT */
#include "store/pace.h"

#include "support/test.h"

/* With a deadline of 2 s an operation may be expected to wait for 500 ms. */
#define DEADLINE_MS 2000
#define PATIENCE_MS 500
#define MANY 1000

/* Returns the pace of a backend that served `served` operations in `busy_ms` of work. */
static struct pace pace_of(size_t served, uint64_t busy_ms)
{
    struct pace pace;

    pace_init(&pace, DEADLINE_MS);
    pace_keep(&pace, 1000, true);
    pace_served(&pace, served);
    pace_keep(&pace, 1000 + busy_ms, true);
    return pace;
}

static void a_fast_backend_is_not_behind(void **state)
{
    struct pace pace = pace_of(1000, 100); /* so 1,000 take 100 ms */

    (void)state;
    assert_false(pace_is_behind(&pace, MANY, 200));
}

static void a_slow_backend_is_behind(void **state)
{
    struct pace pace = pace_of(100, 100); /* so 1,000 take 1,000 ms */

    (void)state;
    assert_true(pace_is_behind(&pace, MANY, 200));
}

static void a_short_queue_is_no_evidence(void **state)
{
    struct pace pace = pace_of(1, 400);

    (void)state;
    assert_false(pace_is_behind(&pace, 64, 10000));
    assert_true(pace_is_behind(&pace, 65, 10000));
}

static void a_short_wait_is_no_evidence(void **state)
{
    struct pace pace = pace_of(1, 400);

    (void)state;
    assert_false(pace_is_behind(&pace, MANY, PATIENCE_MS / 4));
    assert_true(pace_is_behind(&pace, MANY, PATIENCE_MS / 4 + 1));
}

static void a_long_wait_is_evidence_whatever_the_pace_was(void **state)
{
    struct pace pace = pace_of(1000000, 100);

    (void)state;
    assert_false(pace_is_behind(&pace, MANY, 2 * PATIENCE_MS));
    assert_true(pace_is_behind(&pace, MANY, 2 * PATIENCE_MS + 1));
}

static void what_was_measured_long_ago_counts_little(void **state)
{
    struct pace pace = pace_of(100, 100);

    (void)state;
    for (uint64_t turn = 1; turn <= 20; turn++) {
        pace_served(&pace, 5000);
        pace_keep(&pace, 1100 + turn * PATIENCE_MS, true);
    }
    assert_true(pace.busy_ms <= PATIENCE_MS);
    assert_false(pace_is_behind(&pace, MANY, 200));
}

static void an_idle_backend_is_not_measured(void **state)
{
    struct pace pace = pace_of(100, 10);

    (void)state;
    pace_keep(&pace, 1010, false);
    pace_keep(&pace, 900000, true);
    assert_int_equal(pace.busy_ms, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_backend_is_not_behind),
        cmocka_unit_test(a_slow_backend_is_behind),
        cmocka_unit_test(a_short_queue_is_no_evidence),
        cmocka_unit_test(a_short_wait_is_no_evidence),
        cmocka_unit_test(a_long_wait_is_evidence_whatever_the_pace_was),
        cmocka_unit_test(what_was_measured_long_ago_counts_little),
        cmocka_unit_test(an_idle_backend_is_not_measured),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
