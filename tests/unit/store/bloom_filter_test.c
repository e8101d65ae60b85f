/* SPDX-License-Identifier: MIT */
#include "store/bloom_filter.h"

#include <stdio.h>

#include "store/siphash.h"
#include "support/test.h"

#define SEEDS 40

static uint64_t user_hash(uint64_t seed, const char *kind, int64_t i)
{
    const struct siphash_key key = {{seed, ~seed}};
    char text[32];
    int n = snprintf(text, sizeof(text), "%s %lld", kind, (long long)i);

    return siphash(&key, (struct str){text, (size_t)n});
}

static void fill(struct bloom_filter *filter, uint64_t seed, int64_t users)
{
    assert_true(bloom_filter_init(filter, users));
    for (int64_t i = 0; i < users; i++) {
        bloom_filter_add(filter, user_hash(seed, "in", i));
    }
}

static void check_none_is_missed(uint64_t seed, int64_t users)
{
    struct bloom_filter filter;

    fill(&filter, seed, users);
    for (int64_t i = 0; i < users; i++) {
        if (!bloom_filter_may_have(&filter, user_hash(seed, "in", i))) {
            fail_msg("seed %llu: user %lld of %lld is missed", (unsigned long long)seed,
                     (long long)i, (long long)users);
        }
    }
    bloom_filter_fini(&filter);
}

static void whoever_was_added_is_found(void **state)
{
    static const int64_t sizes[] = {1, 2, 5, 6, 63, 64, 65, 1000, 4097};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            check_none_is_missed(seed, sizes[i]);
        }
    }
    check_none_is_missed(1, 300000);
}

/* Returns how many of `asked` other users are taken for holders. */
static int64_t taken_for_holders(uint64_t seed, int64_t users, int64_t asked)
{
    struct bloom_filter filter;
    int64_t taken = 0;

    fill(&filter, seed, users);
    for (int64_t i = 0; i < asked; i++) {
        taken += bloom_filter_may_have(&filter, user_hash(seed, "out", i));
    }
    bloom_filter_fini(&filter);
    return taken;
}

static void few_others_are_taken_for_one_of_them(void **state)
{
    (void)state;
    /* The design is 1 in 1,700: about 58 of 100,000, give or take 8. The seeds are fixed. */
    assert_in_range(taken_for_holders(1, 10000, 100000), 20, 110);
    assert_in_range(taken_for_holders(2, 1000, 100000), 10, 150);
    assert_in_range(taken_for_holders(3, 300000, 100000), 20, 110);
    /* A small filter is rounded up, but it has few bits. */
    assert_in_range(taken_for_holders(4, 10, 100000), 0, 1500);
}

static void an_empty_one_has_nobody(void **state)
{
    struct bloom_filter filter;

    (void)state;
    assert_true(bloom_filter_init(&filter, 0));
    for (int64_t i = 0; i < 10000; i++) {
        assert_false(bloom_filter_may_have(&filter, user_hash(1, "out", i)));
    }
    bloom_filter_fini(&filter);
}

static void its_size_is_as_designed(void **state)
{
    (void)state;
    assert_int_equal(bloom_filter_size(0), 8);
    assert_int_equal(bloom_filter_size(1000), 2008);
    assert_int_equal(bloom_filter_size(10000000), 20000008);
}

static void too_many_users_have_none(void **state)
{
    struct bloom_filter filter;

    (void)state;
    assert_true(bloom_filter_size(1000000000) == SIZE_MAX);
    assert_true(bloom_filter_size(INT64_MAX) == SIZE_MAX);
    assert_false(bloom_filter_init(&filter, 1000000000));
    assert_null(filter.words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_was_added_is_found),
        cmocka_unit_test(few_others_are_taken_for_one_of_them),
        cmocka_unit_test(an_empty_one_has_nobody),
        cmocka_unit_test(its_size_is_as_designed),
        cmocka_unit_test(too_many_users_have_none),
    };

    return cmocka_run_group_tests_name("holder_filter", tests, NULL, NULL);
}
