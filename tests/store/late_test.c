/* SPDX-License-Identifier: MIT */
/* At a deadline, the answer also leaves the worker, without waiting for another event of the loop.
 * Tested from outside, through the whole service. */
#include <stdio.h>
#include <stdlib.h>

#include "support/clock.h"
#include "support/discountd.h"
#include "support/raw_http.h"
#include "support/redis_server.h"
#include "support/test.h"

#define DEADLINE_MS 150
/* Measurements; enough for a meaningful median on a busy machine. */
#define ROUNDS 9
#define LATE_MS 100

struct bench {
    struct redis_server *redis;
    struct discountd *service;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct bench));
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    discountd_stop(bench->service);
    redis_server_stop(bench->redis);
    free(bench);
    return 0;
}

static int get_status(struct bench *bench, const char *target)
{
    struct http_response response;
    int status;

    assert_true(http_request(discountd_port(bench->service), "GET", target, NULL, NULL, &response));
    status = response.status;
    http_response_fini(&response);
    return status;
}

static bool is_healthy(void *argument)
{
    return get_status(argument, "/healthy") == 200;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void an_answer_at_the_deadline_waits_for_no_other_event(void **state)
{
    struct bench *bench = *state;
    int64_t took_ms[ROUNDS];
    char store[64], deadline[64];
    const char *const variables[] = {store, deadline, "DISCOUNT_WORKERS=1", NULL};

    bench->redis = redis_server_start(NULL);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=%s", redis_server_url(bench->redis));
    snprintf(deadline, sizeof(deadline), "DISCOUNT_DEADLINE_MS=%d", DEADLINE_MS);
    bench->service = discountd_start(variables);
    for (size_t i = 0; i < ROUNDS; i++) {
        int64_t start_ms;

        assert_true(clock_wait(is_healthy, bench, CLOCK_PATIENCE_MS));
        redis_server_freeze(bench->redis);
        start_ms = clock_ms();
        assert_int_equal(get_status(bench, "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA"), 503);
        took_ms[i] = clock_ms() - start_ms;
        redis_server_thaw(bench->redis);
    }
    qsort(took_ms, ROUNDS, sizeof(took_ms[0]), by_size);
    assert_in_range(took_ms[ROUNDS / 2], DEADLINE_MS - 1, DEADLINE_MS + LATE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_at_the_deadline_waits_for_no_other_event, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("late", tests, NULL, NULL);
}
