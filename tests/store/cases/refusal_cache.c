/* SPDX-License-Identifier: MIT */
/* Discounts that nobody can be granted any more. Late requests are refused without asking the
 * store, and no other requests are. */
#include <stdlib.h>

#include "discount/limits.h"
#include "store/cases/cases.h"
#include "store/concurrent_clients.h"
#include "store/memory.h"
#include "store/refusal_cache.h"

#define HOUR_US INT64_C(3600000000)

/* Creates a discount of this stock and grants it to as many users. Returns their times. */
static struct str given_sold_out(struct store_fixture *fixture, size_t stock,
                                 int64_t *ret_granted_at_us)
{
    struct str id = given_discount(fixture, (int64_t)stock);
    struct attempt **asked = calloc(stock, sizeof(struct attempt *));
    char text[16];

    CHECK(fixture, asked != NULL);
    for (size_t i = 0; i < stock; i++) {
        asked[i] = submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < stock; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
        ret_granted_at_us[i] = asked[i]->op.grant.grant.granted_at_us;
    }
    free(asked);
    return id;
}

/* Tests stocks around the size of one page, and of many pages. */
static void check_holders(struct store_fixture *fixture, size_t stock)
{
    int64_t *granted_at_us = calloc(stock, sizeof(*granted_at_us));
    struct str id = given_sold_out(fixture, stock, granted_at_us);
    char text[16];

    memory_fill(fixture, id, STATUS_DISCOUNT_EXHAUSTED);
    for (size_t i = 0; i < stock; i++) {
        CHECK(fixture, !memory_refuses(fixture, id, concurrent_clients_user(i, text),
                                       STATUS_DISCOUNT_EXHAUSTED));
    }
    for (size_t i = 0; i < stock; i += 1 + stock / 50) {
        struct attempt *again = grant_now(fixture, id, concurrent_clients_user(i, text));

        CHECK_STATUS(fixture, again, STATUS_OK);
        CHECK(fixture, again->op.grant.replayed);
        CHECK_INT(fixture, again->op.grant.grant.granted_at_us, granted_at_us[i]);
    }
    free(granted_at_us);
}

static void holders_of_a_cached_discount_are_granted_again(void **state)
{
    static const size_t stocks[] = {1,
                                    REFUSAL_CACHE_PAGE - 1,
                                    REFUSAL_CACHE_PAGE,
                                    REFUSAL_CACHE_PAGE + 1,
                                    3 * REFUSAL_CACHE_PAGE,
                                    1000};
    struct store_fixture *fixture = case_store(state);

    for (size_t i = 0; i < sizeof(stocks) / sizeof(stocks[0]); i++) {
        check_holders(fixture, stocks[i]);
    }
}

static void who_comes_too_late_is_refused_from_cache(void **state)
{
    enum { USERS = 1000 };
    struct store_fixture *fixture = case_store(state);
    int64_t granted_at_us[100];
    struct str id = given_sold_out(fixture, 100, granted_at_us);
    size_t refused = 0;
    char text[16];

    memory_fill(fixture, id, STATUS_DISCOUNT_EXHAUSTED);
    /* The loop does not turn meanwhile, so no time passes and nothing is sent. */
    for (size_t i = 0; i < USERS; i++) {
        refused += memory_refuses(fixture, id, concurrent_clients_user(100 + i, text),
                                  STATUS_DISCOUNT_EXHAUSTED);
    }
    CHECK(fixture, refused >= USERS - 30);
}

static void the_longest_user_ids_are_cached(void **state)
{
    enum { USERS = REFUSAL_CACHE_PAGE + 10 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, USERS);
    char user[LIMIT_USER_ID];

    memset(user, 'u', sizeof(user));
    for (size_t i = 0; i < USERS; i++) {
        memcpy(user, &i, sizeof(i));
        submit_grant(fixture, id, (struct str){user, sizeof(user)});
    }
    CHECK(fixture, store_fixture_settle(fixture));
    memory_fill(fixture, id, STATUS_DISCOUNT_EXHAUSTED);
    for (size_t i = 0; i < USERS; i++) {
        memcpy(user, &i, sizeof(i));
        CHECK(fixture, !memory_refuses(fixture, id, (struct str){user, sizeof(user)},
                                       STATUS_DISCOUNT_EXHAUSTED));
    }
}

static void a_discount_that_is_over_is_cached_as_such(void **state)
{
    struct store_fixture *fixture = case_store(state);

    memory_fill(fixture, given_window(fixture, 0, now_us() - HOUR_US), STATUS_DISCOUNT_EXPIRED);
}

/* It counts grants made in the same turn too, perhaps in the same batch. */
static void a_final_refusal_counts_every_grant(void **state)
{
    enum { USERS = 8, STOCK = 5 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, STOCK),
               over = given_window(fixture, 0, now_us() - HOUR_US);
    struct attempt *asked[USERS], *late;
    char text[16];

    for (size_t i = 0; i < USERS; i++) {
        asked[i] = submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    late = submit_grant(fixture, over, STR("eve"));
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = STOCK; i < USERS; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_DISCOUNT_EXHAUSTED);
        CHECK_INT(fixture, asked[i]->op.grant.final_count, STOCK);
    }
    CHECK_STATUS(fixture, late, STATUS_DISCOUNT_EXPIRED);
    CHECK_INT(fixture, late->op.grant.final_count, 0);
}

/* So near to its end, the next answer may differ. */
static void near_its_end_a_discount_is_not_cached(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct discount discount = case_discount;
    struct str over = given_window(fixture, 0, now_us() - 1), sold_out;

    discount.expires_at_us = now_us() + 5000000;
    sold_out = create_now(fixture, &discount, (struct str){0})->op.create.discount.id;
    CHECK_STATUS(fixture, grant_now(fixture, sold_out, STR("ann")), STATUS_OK);
    for (size_t i = 0; i < 4; i++) {
        memory_ask(fixture, over, STATUS_DISCOUNT_EXPIRED, REFUSAL_CACHE_REFUSALS,
                   REFUSAL_CACHE_REFUSALS);
        memory_ask(fixture, sold_out, STATUS_DISCOUNT_EXHAUSTED, REFUSAL_CACHE_REFUSALS,
                   REFUSAL_CACHE_REFUSALS);
        CHECK(fixture, !memory_refuses(fixture, over, STR("eve"), STATUS_DISCOUNT_EXPIRED));
        CHECK(fixture, !memory_refuses(fixture, sold_out, STR("eve"), STATUS_DISCOUNT_EXHAUSTED));
    }
}

/* Reading a page of holders takes no room from the clients' operations. */
static void reading_the_holders_puts_nobody_off(void **state)
{
    struct store_fixture *fixture = case_store_bound(state, REFUSAL_CACHE_REFUSALS);
    struct str id = given_discount(fixture, 1);

    CHECK_STATUS(fixture, grant_now(fixture, id, STR("ann")), STATUS_OK);
    memory_ask(fixture, id, STATUS_DISCOUNT_EXHAUSTED, 4 * REFUSAL_CACHE_REFUSALS,
               REFUSAL_CACHE_REFUSALS);
    memory_fill(fixture, id, STATUS_DISCOUNT_EXHAUSTED);
}

static void a_store_closes_while_it_reads_holders(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);

    CHECK_STATUS(fixture, grant_now(fixture, id, STR("ann")), STATUS_OK);
    memory_ask(fixture, id, STATUS_DISCOUNT_EXHAUSTED, REFUSAL_CACHE_REFUSALS,
               REFUSAL_CACHE_REFUSALS);
    case_restart(state);
}

int cases_refusal_cache(void)
{
    const struct CMUnitTest cases[] = {
        CASE(holders_of_a_cached_discount_are_granted_again),
        CASE(who_comes_too_late_is_refused_from_cache),
        CASE(the_longest_user_ids_are_cached),
        CASE(a_discount_that_is_over_is_cached_as_such),
        CASE(a_final_refusal_counts_every_grant),
        CASE(near_its_end_a_discount_is_not_cached),
        CASE(reading_the_holders_puts_nobody_off),
        CASE(a_store_closes_while_it_reads_holders),
    };

    return cmocka_run_group_tests_name("sold_out", cases, NULL, NULL);
}
