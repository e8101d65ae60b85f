/* SPDX-License-Identifier: MIT */
/* The refusal cache alone: the backend's answers and the time are arguments. */
#include "store/refusal_cache.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#define START_MS 1000000
#define HOLDERS 1000

/* A backend with one list of holders ("user 0" and so on) for every discount. */
struct redis_fixture {
    struct refusal_cache *sold_out;
    uint64_t now_ms;
    int64_t holders;
    size_t pages; /* how many pages were asked for */
    char names[REFUSAL_CACHE_PAGE][16];
};

static int setup(void **state)
{
    static struct redis_fixture redis;

    redis = (struct redis_fixture){
        .sold_out = refusal_cache_new(), .now_ms = START_MS, .holders = HOLDERS};
    *state = &redis;
    return redis.sold_out == NULL;
}

static int teardown(void **state)
{
    struct redis_fixture *redis = *state;

    refusal_cache_free(redis->sold_out);
    return 0;
}

static struct str id_of(size_t number)
{
    static char text[32];

    snprintf(text, sizeof(text), "dsc-%021zuA", number);
    return (struct str){text, DISCOUNT_ID_LENGTH};
}

#define ID id_of(1)

static struct str user_of(char text[16], int64_t number)
{
    return (struct str){text, (size_t)snprintf(text, 16, "user %lld", (long long)number)};
}

/* ---- Answers of the backend ---- */

static void learn_answer(struct redis_fixture *redis, struct str id, struct str user,
                         enum status status, int64_t final_count, bool replayed)
{
    const struct store_op op = {
        .verb = STORE_GRANT,
        .grant = {.grant = {.discount_id = id, .user_id = user},
                  .final_count = final_count,
                  .replayed = replayed},
    };

    refusal_cache_learn(redis->sold_out, &op, status, redis->now_ms);
}

static void reply_exhausted(struct redis_fixture *redis, struct str id)
{
    learn_answer(redis, id, STR("eve"), STATUS_DISCOUNT_EXHAUSTED, redis->holders, false);
}

static void page_fill(struct redis_fixture *redis, struct store_op *op)
{
    struct grant *grants = arena_zalloc(op->arena, (op->grants.limit + 1) * sizeof(*grants));
    int64_t from = op->grants.after_us; /* holder i has the time i + 1 */

    assert_non_null(grants);
    assert_int_equal(op->grants.after_user.n == 0, from == 0);
    op->grants.count = 0;
    while (op->grants.count < op->grants.limit && from < redis->holders) {
        struct grant *grant = &grants[op->grants.count];

        grant->user_id = user_of(redis->names[op->grants.count++], from++);
        grant->granted_at_us = from;
    }
    op->grants.grants = grants;
    op->status = STATUS_OK;
}

static void page_answer(struct redis_fixture *redis, struct store_op *op)
{
    redis->pages++;
    page_fill(redis, op);
    refusal_cache_page_done(op);
}

/* Reports one refusal by the backend, and answers the page that this may load. */
static void refuse_once(struct redis_fixture *redis, struct str id)
{
    struct store_op *op;

    reply_exhausted(redis, id);
    op = refusal_cache_page(redis->sold_out, redis->now_ms);
    if (op != NULL) {
        page_answer(redis, op);
    }
}

static size_t refusals_for(int64_t holders)
{
    return (size_t)(holders / REFUSAL_CACHE_PAGE + 1) * REFUSAL_CACHE_REFUSALS;
}

static void load(struct redis_fixture *redis, struct str id)
{
    for (size_t i = 0; i < refusals_for(redis->holders); i++) {
        refuse_once(redis, id);
    }
}

/* Returns the page that the cache wants after enough refusals. The test answers it. */
static struct store_op *page_wanted(struct redis_fixture *redis, struct str id)
{
    struct store_op *op = NULL;

    for (size_t i = 0; op == NULL && i < REFUSAL_CACHE_REFUSALS; i++) {
        reply_exhausted(redis, id);
        op = refusal_cache_page(redis->sold_out, redis->now_ms);
    }
    assert_non_null(op);
    return op;
}

/* ---- Refusals ---- */

static bool asked_for(struct redis_fixture *redis, struct str id, struct str user,
                      enum status *ret_status)
{
    const struct grant grant = {.discount_id = id, .user_id = user};

    return refusal_cache_refuses(redis->sold_out, &grant, redis->now_ms, ret_status);
}

/* Asks twice, because the first request may be let through to the backend. */
static bool refuses(struct redis_fixture *redis, struct str id, struct str user)
{
    enum status status;

    return asked_for(redis, id, user, &status) || asked_for(redis, id, user, &status);
}

/* Returns the status that refuses a user without a grant, or OK if there is none. One user in 1,700
 * is taken for a holder, so several are tried. */
static enum status refused_as(struct redis_fixture *redis, struct str id, char ret_user[16])
{
    enum status status = STATUS_OK;

    for (int64_t i = 0; i < 16; i++) {
        struct str user = {ret_user, (size_t)snprintf(ret_user, 16, "eve %lld", (long long)i)};

        if (asked_for(redis, id, user, &status) || asked_for(redis, id, user, &status)) {
            break;
        }
    }
    return status;
}

static bool is_known(struct redis_fixture *redis, struct str id)
{
    char user[16];

    return refused_as(redis, id, user) != STATUS_OK;
}

static void a_discount_that_is_sold_out_is_refused(void **state)
{
    struct redis_fixture *redis = *state;
    char user[16];

    load(redis, ID);
    assert_int_equal(refused_as(redis, ID, user), STATUS_DISCOUNT_EXHAUSTED);
}

static void a_discount_that_is_over_is_refused_as_such(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_op *op;
    char user[16];

    redis->holders = 0;
    for (size_t i = 0; i < REFUSAL_CACHE_REFUSALS; i++) {
        learn_answer(redis, ID, STR("eve"), STATUS_DISCOUNT_EXPIRED, 0, false);
    }
    op = refusal_cache_page(redis->sold_out, redis->now_ms);
    assert_non_null(op);
    page_answer(redis, op);
    assert_int_equal(refused_as(redis, ID, user), STATUS_DISCOUNT_EXPIRED);
}

static void no_holder_is_refused(void **state)
{
    static const int64_t counts[] = {1, 2, 255, 256, 257, 511, 512, 513, HOLDERS, 5000};
    struct redis_fixture *redis = *state;
    char text[16];

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        redis->holders = counts[i];
        load(redis, id_of(i));
        assert_true(is_known(redis, id_of(i)));
        for (int64_t user = 0; user < redis->holders; user++) {
            assert_false(refuses(redis, id_of(i), user_of(text, user)));
        }
    }
}

static void another_discount_is_not_refused(void **state)
{
    struct redis_fixture *redis = *state;

    load(redis, ID);
    assert_true(is_known(redis, ID));
    assert_false(is_known(redis, id_of(2)));
}

/* ---- Loading ---- */

static void few_refusals_are_not_worth_a_page(void **state)
{
    struct redis_fixture *redis = *state;

    for (size_t i = 0; i < REFUSAL_CACHE_REFUSALS - 1; i++) {
        refuse_once(redis, ID);
    }
    assert_int_equal(redis->pages, 0);
    refuse_once(redis, ID);
    assert_int_equal(redis->pages, 1);
}

static void each_page_is_paid_for_by_refusals(void **state)
{
    struct redis_fixture *redis = *state;

    redis->holders = 1000000;
    for (size_t i = 0; i < 100 * REFUSAL_CACHE_REFUSALS; i++) {
        refuse_once(redis, ID);
        assert_int_equal(redis->pages, (i + 1) / REFUSAL_CACHE_REFUSALS);
    }
    assert_false(is_known(redis, ID));
}

static void nobody_is_refused_before_all_holders_are_known(void **state)
{
    struct redis_fixture *redis = *state;

    for (size_t i = 0; i < refusals_for(HOLDERS) - 1; i++) {
        refuse_once(redis, ID);
        assert_false(is_known(redis, ID));
    }
    refuse_once(redis, ID);
    assert_true(is_known(redis, ID));
}

static void there_is_one_page_at_a_time(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_op *op = page_wanted(redis, ID);

    for (size_t i = 0; i < 10 * REFUSAL_CACHE_REFUSALS; i++) {
        reply_exhausted(redis, ID);
        reply_exhausted(redis, id_of(2));
        assert_null(refusal_cache_page(redis->sold_out, redis->now_ms));
    }
    page_answer(redis, op);
    assert_non_null(refusal_cache_page(redis->sold_out, redis->now_ms));
    op->status = STATUS_UNAVAILABLE;
    refusal_cache_page_done(op);
}

static void nothing_is_read_behind_the_last_page(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_op *op;

    redis->holders = 3;
    op = page_wanted(redis, ID);
    for (size_t i = 0; i < 4 * REFUSAL_CACHE_REFUSALS; i++) {
        reply_exhausted(redis, ID);
    }
    page_answer(redis, op);
    assert_null(refusal_cache_page(redis->sold_out, redis->now_ms));
    assert_true(is_known(redis, ID));
}

/* If their number differs from the count, the data are not the same. */
static void other_holders_than_were_counted_are_not_believed(void **state)
{
    struct redis_fixture *redis = *state;

    for (int64_t wrong = -1; wrong <= 1; wrong += 2) {
        for (size_t i = 0; i < refusals_for(HOLDERS); i++) {
            struct store_op *op;

            reply_exhausted(redis, ID);
            op = refusal_cache_page(redis->sold_out, redis->now_ms);
            if (op != NULL) {
                redis->holders += wrong;
                page_answer(redis, op);
                redis->holders -= wrong;
            }
        }
        assert_false(is_known(redis, ID));
        refusal_cache_forget(redis->sold_out);
    }
}

static void a_page_that_fails_ends_the_load(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_op *op = page_wanted(redis, ID);

    page_answer(redis, op);
    op = page_wanted(redis, ID);
    op->status = STATUS_OVERLOADED;
    refusal_cache_page_done(op);
    assert_int_equal(refusal_cache_discounts(redis->sold_out), 0);
    assert_int_equal(refusal_cache_bytes(redis->sold_out), 0);
    load(redis, ID);
    assert_true(is_known(redis, ID));
}

static void a_page_of_a_load_before_is_not_added(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_op *op = page_wanted(redis, ID);

    refusal_cache_forget(redis->sold_out);
    redis->holders = 0;
    for (size_t i = 0; i < REFUSAL_CACHE_REFUSALS; i++) {
        reply_exhausted(redis, ID);
    }
    page_answer(redis, op);
    assert_false(is_known(redis, ID));
    op = refusal_cache_page(redis->sold_out, redis->now_ms);
    if (op == NULL) {
        op = page_wanted(redis, ID);
    }
    page_answer(redis, op);
    assert_true(is_known(redis, ID));
}

static void a_load_that_takes_too_long_is_begun_anew_much_later(void **state)
{
    struct redis_fixture *redis = *state;
    size_t pages;

    for (size_t i = 0; i < 2 * REFUSAL_CACHE_REFUSALS; i++) {
        refuse_once(redis, ID);
    }
    redis->now_ms += REFUSAL_CACHE_FILTER_MS + 1;
    pages = redis->pages;
    for (size_t i = 0; i < 2 * REFUSAL_CACHE_REFUSALS * REFUSAL_CACHE_REST; i++) {
        refuse_once(redis, ID);
    }
    assert_int_equal(redis->pages, pages);
    assert_int_equal(refusal_cache_bytes(redis->sold_out), 0);
    load(redis, ID);
    load(redis, ID);
    assert_true(is_known(redis, ID));
}

/* ---- Time ---- */

static void it_asks_again_four_times_a_second(void **state)
{
    struct redis_fixture *redis = *state;
    size_t let = 0;
    enum status status;
    char user[16];

    load(redis, ID);
    assert_int_equal(refused_as(redis, ID, user), STATUS_DISCOUNT_EXHAUSTED);
    for (size_t i = 0; i < 1000; i++) {
        if (!asked_for(redis, ID, str_of(user), &status)) {
            let++;
            reply_exhausted(redis, ID);
        }
        redis->now_ms++;
    }
    assert_in_range(let, 3, 4);
}

static void it_believes_nothing_older_than_a_second(void **state)
{
    struct redis_fixture *redis = *state;

    load(redis, ID);
    redis->now_ms += REFUSAL_CACHE_FRESH_MS;
    assert_true(is_known(redis, ID));
    redis->now_ms += 1;
    assert_false(is_known(redis, ID));
    reply_exhausted(redis, ID);
    assert_true(is_known(redis, ID));
}

static void an_older_answer_does_not_make_a_newer_one_old(void **state)
{
    struct redis_fixture *redis = *state;

    load(redis, ID);
    redis->now_ms -= 500;
    reply_exhausted(redis, ID);
    redis->now_ms += 500 + REFUSAL_CACHE_FRESH_MS;
    assert_true(is_known(redis, ID));
}

static void a_holder_who_asks_renews_nothing(void **state)
{
    struct redis_fixture *redis = *state;
    char text[16];

    load(redis, ID);
    redis->now_ms += REFUSAL_CACHE_FRESH_MS + 1;
    learn_answer(redis, ID, user_of(text, 3), STATUS_OK, -1, true);
    assert_false(is_known(redis, ID));
    reply_exhausted(redis, ID);
    assert_true(is_known(redis, ID));
}

static void a_filter_is_loaded_anew_after_a_minute(void **state)
{
    struct redis_fixture *redis = *state;

    load(redis, ID);
    for (uint64_t ms = 0; ms < REFUSAL_CACHE_FILTER_MS; ms += 1000) {
        redis->now_ms += 1000;
        reply_exhausted(redis, ID);
        assert_true(is_known(redis, ID));
    }
    redis->now_ms += 1;
    reply_exhausted(redis, ID);
    assert_false(is_known(redis, ID));
    assert_int_equal(refusal_cache_bytes(redis->sold_out), 0);
    load(redis, ID);
    assert_true(is_known(redis, ID));
}

/* ---- Forgetting ---- */

/* Returns whether a known discount is still refused after the backend has reported this status. */
static bool is_known_after(struct redis_fixture *redis, struct str user, enum status status,
                           int64_t final_count, bool replayed)
{
    load(redis, ID);
    assert_true(is_known(redis, ID));
    learn_answer(redis, ID, user, status, final_count, replayed);
    return is_known(redis, ID);
}

static void what_is_not_as_it_was_is_forgotten(void **state)
{
    struct redis_fixture *redis = *state;

    assert_false(is_known_after(redis, STR("bob"), STATUS_OK, -1, false));
    assert_false(is_known_after(redis, STR("bob"), STATUS_DISCOUNT_NOT_FOUND, -1, false));
    assert_false(is_known_after(redis, STR("bob"), STATUS_DISCOUNT_NOT_STARTED, -1, false));
    assert_false(is_known_after(redis, STR("bob"), STATUS_DISCOUNT_EXHAUSTED, HOLDERS + 1, false));
    assert_false(is_known_after(redis, STR("bob"), STATUS_DISCOUNT_EXHAUSTED, HOLDERS - 1, false));
    assert_false(is_known_after(redis, STR("bob"), STATUS_DISCOUNT_EXPIRED, HOLDERS, false));
}

static void a_holder_who_was_not_read_is_noticed(void **state)
{
    struct redis_fixture *redis = *state;
    char user[16];

    load(redis, ID);
    assert_int_equal(refused_as(redis, ID, user), STATUS_DISCOUNT_EXHAUSTED);
    learn_answer(redis, ID, str_of(user), STATUS_OK, -1, true);
    assert_false(is_known(redis, ID));
}

static void an_outcome_without_evidence_changes_nothing(void **state)
{
    struct redis_fixture *redis = *state;
    char text[16];

    assert_true(is_known_after(redis, user_of(text, 7), STATUS_OK, -1, true));
    assert_true(is_known_after(redis, STR("bob"), STATUS_UNKNOWN, -1, false));
    assert_true(is_known_after(redis, STR("bob"), STATUS_UNAVAILABLE, -1, false));
    assert_true(is_known_after(redis, STR("bob"), STATUS_OVERLOADED, -1, false));
    assert_true(is_known_after(redis, STR("bob"), STATUS_DISCOUNT_EXHAUSTED, -1, false));
}

static void nothing_is_learnt_from_an_answer_that_is_not_final(void **state)
{
    struct redis_fixture *redis = *state;

    for (size_t i = 0; i < 10 * REFUSAL_CACHE_REFUSALS; i++) {
        learn_answer(redis, ID, STR("eve"), STATUS_DISCOUNT_EXPIRED, -1, false);
        assert_null(refusal_cache_page(redis->sold_out, redis->now_ms));
    }
    assert_int_equal(refusal_cache_discounts(redis->sold_out), 0);
}

static void all_is_forgotten_with_the_connection(void **state)
{
    struct redis_fixture *redis = *state;

    load(redis, ID);
    load(redis, id_of(2));
    refusal_cache_forget(redis->sold_out);
    reply_exhausted(redis, ID);
    reply_exhausted(redis, id_of(2));
    assert_false(is_known(redis, ID));
    assert_false(is_known(redis, id_of(2)));
    assert_int_equal(refusal_cache_bytes(redis->sold_out), 0);
}

/* ---- Bounds ---- */

static void the_least_recently_used_discount_goes(void **state)
{
    struct redis_fixture *redis = *state;

    redis->holders = 10;
    for (size_t i = 0; i < REFUSAL_CACHE_DISCOUNTS; i++) {
        load(redis, id_of(i));
    }
    for (size_t i = 0; i < REFUSAL_CACHE_DISCOUNTS; i++) {
        assert_true(is_known(redis, id_of(i)));
    }
    assert_true(is_known(redis, id_of(0)));
    load(redis, id_of(REFUSAL_CACHE_DISCOUNTS));
    assert_int_equal(refusal_cache_discounts(redis->sold_out), REFUSAL_CACHE_DISCOUNTS);
    assert_true(is_known(redis, id_of(REFUSAL_CACHE_DISCOUNTS)));
    assert_true(is_known(redis, id_of(0)));
    assert_false(is_known(redis, id_of(1)));
    assert_true(is_known(redis, id_of(2)));
}

static void the_filters_have_a_bound(void **state)
{
    struct redis_fixture *redis = *state;

    /* Three thirds leave no room for a fourth discount. */
    redis->holders = 3400000;
    for (size_t i = 0; i < 4; i++) {
        page_answer(redis, page_wanted(redis, id_of(i)));
        assert_in_range(refusal_cache_bytes(redis->sold_out), 1, REFUSAL_CACHE_BYTES);
    }
    assert_int_equal(refusal_cache_bytes(redis->sold_out), 3 * 6800008);
}

static void a_discount_whose_filter_is_too_large_is_not_cached(void **state)
{
    struct redis_fixture *redis = *state;

    load(redis, ID);
    redis->holders = 12000000;
    for (size_t i = 0; i < 100 * REFUSAL_CACHE_REFUSALS; i++) {
        reply_exhausted(redis, id_of(2));
        assert_null(refusal_cache_page(redis->sold_out, redis->now_ms));
    }
    assert_true(is_known(redis, ID));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_discount_that_is_sold_out_is_refused),
        TEST(a_discount_that_is_over_is_refused_as_such),
        TEST(no_holder_is_refused),
        TEST(another_discount_is_not_refused),
        TEST(few_refusals_are_not_worth_a_page),
        TEST(each_page_is_paid_for_by_refusals),
        TEST(nobody_is_refused_before_all_holders_are_known),
        TEST(there_is_one_page_at_a_time),
        TEST(nothing_is_read_behind_the_last_page),
        TEST(other_holders_than_were_counted_are_not_believed),
        TEST(a_page_that_fails_ends_the_load),
        TEST(a_page_of_a_load_before_is_not_added),
        TEST(a_load_that_takes_too_long_is_begun_anew_much_later),
        TEST(it_asks_again_four_times_a_second),
        TEST(it_believes_nothing_older_than_a_second),
        TEST(an_older_answer_does_not_make_a_newer_one_old),
        TEST(a_holder_who_asks_renews_nothing),
        TEST(a_filter_is_loaded_anew_after_a_minute),
        TEST(what_is_not_as_it_was_is_forgotten),
        TEST(a_holder_who_was_not_read_is_noticed),
        TEST(an_outcome_without_evidence_changes_nothing),
        TEST(nothing_is_learnt_from_an_answer_that_is_not_final),
        TEST(all_is_forgotten_with_the_connection),
        TEST(the_least_recently_used_discount_goes),
        TEST(the_filters_have_a_bound),
        TEST(a_discount_whose_filter_is_too_large_is_not_cached),
    };

    return cmocka_run_group_tests_name("sold_out", tests, NULL, NULL);
}
