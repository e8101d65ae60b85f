/* SPDX-License-Identifier: MIT */
/* The lists of a brand's discounts, a discount's grants and a user's grants: page by page, while
 * others are granted. */
#include <stdio.h>

#include "store/cases/cases.h"
#include "store/concurrent_clients.h"

#define NO_KEY ((struct str){NULL, 0})

/* ---- The discounts of a brand ---- */

static struct str discount_of(struct store_fixture *fixture, struct str brand)
{
    struct attempt *created = create_now(
        fixture,
        &(struct discount){.brand_id = brand, .discount_code = STR("A CODE"), .total_count = 9},
        NO_KEY);

    CHECK_STATUS(fixture, created, STATUS_OK);
    return created->op.create.discount.id;
}

static void a_brand_has_its_own_list(void **state)
{
    struct store_fixture *fixture = case_store(state);
    /* One name is the beginning of the other, and both have characters that are used in keys. */
    struct str id = discount_of(fixture, STR("lists {a")),
               other = discount_of(fixture, STR("lists {a}:b"));
    struct str second = discount_of(fixture, STR("lists {a"));
    struct attempt *of_one = submit_list_of(fixture, STR("lists {a"), 0, 10);
    struct attempt *of_other = submit_list_of(fixture, STR("lists {a}:b"), 0, 10);
    struct attempt *of_none = submit_list_of(fixture, STR("lists {"), 0, 10);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, of_one, STATUS_OK);
    CHECK_INT(fixture, of_one->op.list.count, 2);
    CHECK_STR(fixture, of_one->op.list.discounts[0].id, id);
    CHECK_STR(fixture, of_one->op.list.discounts[1].id, second);
    CHECK_STR(fixture, of_one->op.list.discounts[0].brand_id, STR("lists {a"));
    CHECK_STATUS(fixture, of_other, STATUS_OK);
    CHECK_INT(fixture, of_other->op.list.count, 1);
    CHECK_STR(fixture, of_other->op.list.discounts[0].id, other);
    CHECK_STATUS(fixture, of_none, STATUS_OK);
    CHECK_INT(fixture, of_none->op.list.count, 0);
}

static void a_brands_list_is_paged(void **state)
{
    enum { COUNT = 7 };
    struct store_fixture *fixture = case_store(state);
    struct str ids[COUNT];
    int64_t after_us = 0;

    for (size_t i = 0; i < COUNT; i++) {
        discount_of(fixture, STR("in between"));
        ids[i] = discount_of(fixture, STR("a paged brand"));
    }
    for (size_t i = 0; i < COUNT;) {
        struct attempt *page = submit_list_of(fixture, STR("a paged brand"), after_us, 3);

        CHECK(fixture, store_fixture_settle(fixture));
        CHECK_STATUS(fixture, page, STATUS_OK);
        CHECK_INT(fixture, page->op.list.count, COUNT - i < 3 ? COUNT - i : 3);
        for (size_t j = 0; j < page->op.list.count; j++) {
            CHECK_STR(fixture, page->op.list.discounts[j].id, ids[i]);
            after_us = page->op.list.discounts[j].created_at_us;
            i++;
        }
    }
}

/* ---- The grants of a discount ---- */

/* Grants all in one turn, so that many have the same time. */
static void grant_concurrently(struct store_fixture *fixture, struct str id, size_t from, size_t to)
{
    char text[16];

    for (size_t i = from; i < to; i++) {
        submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    CHECK(fixture, store_fixture_settle(fixture));
}

static bool grant_is_behind(const struct grant *grant, const struct grant *before)
{
    size_t n = grant->user_id.n < before->user_id.n ? grant->user_id.n : before->user_id.n;
    int order = memcmp(grant->user_id.p, before->user_id.p, n);

    return grant->granted_at_us > before->granted_at_us ||
           (grant->granted_at_us == before->granted_at_us &&
            (order > 0 || (order == 0 && grant->user_id.n > before->user_id.n)));
}

/* Reads all grants page by page, and grants more after each page. Returns how many came. Each must
 * come after the one before it. */
static size_t grants_walk(struct store_fixture *fixture, struct str id, size_t limit, size_t more)
{
    const struct grant *last = NULL;
    struct attempt *page;
    size_t seen = 0, granted = 1000;

    do {
        page = submit_grants_of(fixture, id, last, limit);
        CHECK(fixture, store_fixture_settle(fixture));
        CHECK_STATUS(fixture, page, STATUS_OK);
        for (size_t i = 0; i < page->op.grants.count; i++) {
            const struct grant *grant = &page->op.grants.grants[i];

            CHECK(fixture, last == NULL || grant_is_behind(grant, last));
            CHECK_STR(fixture, grant->discount_id, id);
            CHECK_STR(fixture, grant->discount_code, STR("A CODE"));
            last = grant;
            seen++;
        }
        if (granted < 1000 + more) {
            grant_concurrently(fixture, id, granted, granted + 5);
            granted += 5;
        }
    } while (page->op.grants.count == limit);
    return seen;
}

static void the_grants_of_a_discount_are_paged_with_ties_at_any_size(void **state)
{
    enum { COUNT = 60 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1000);

    grant_concurrently(fixture, id, 0, COUNT);
    for (size_t limit = 1; limit <= COUNT + 1; limit += 6) {
        CHECK_INT(fixture, grants_walk(fixture, id, limit, 0), COUNT);
    }
}

static void grants_that_come_while_paging_move_no_others(void **state)
{
    enum { COUNT = 60, MORE = 20 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1000);
    size_t seen;

    grant_concurrently(fixture, id, 0, COUNT);
    seen = grants_walk(fixture, id, 7, MORE);
    CHECK(fixture, seen >= COUNT && seen <= COUNT + MORE);
    CHECK_INT(fixture, grants_walk(fixture, id, 7, 0), COUNT + MORE);
}

static void a_discount_without_grants_has_an_empty_list(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);
    struct attempt *none = submit_grants_of(fixture, id, NULL, 10);
    struct attempt *unknown =
        submit_grants_of(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), NULL, 10);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, none, STATUS_OK);
    CHECK_INT(fixture, none->op.grants.count, 0);
    CHECK_STATUS(fixture, unknown, STATUS_DISCOUNT_NOT_FOUND);
}

/* A position that was never in the list: its time alone decides where the list goes on. */
static void a_place_that_is_nobodys_goes_on_behind_its_time(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    struct attempt *first = grant_now(fixture, id, STR("ann"));
    const struct grant before = {.user_id = STR("nobody"), .granted_at_us = 1};
    const struct grant after = {.user_id = STR("nobody"),
                                .granted_at_us = first->op.grant.grant.granted_at_us + 1};
    struct attempt *all = submit_grants_of(fixture, id, &before, 10);
    struct attempt *none = submit_grants_of(fixture, id, &after, 10);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, all->op.grants.count, 1);
    CHECK_INT(fixture, none->op.grants.count, 0);
}

/* ---- A user's grants ---- */

static void a_wallet_has_what_was_granted_newest_first(void **state)
{
    enum { COUNT = 9 };
    struct store_fixture *fixture = case_store(state);
    struct str ids[COUNT];
    int64_t times[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        struct attempt *granted;

        ids[i] = given_discount(fixture, 2);
        granted = grant_now(fixture, ids[i], STR("wallet's owner"));
        times[i] = granted->op.grant.grant.granted_at_us;
        grant_now(fixture, ids[i], STR("somebody else"));
        grant_now(fixture, ids[i], STR("wallet's owner")); /* granting again changes nothing */
    }
    for (size_t limit = 1; limit <= COUNT + 1; limit++) {
        const struct user_grant *last = NULL;
        size_t seen = 0;
        struct attempt *page;

        do {
            page = submit_wallet_of(fixture, STR("wallet's owner"), last, limit);
            CHECK(fixture, store_fixture_settle(fixture));
            CHECK_STATUS(fixture, page, STATUS_OK);
            for (size_t i = 0; i < page->op.wallet.count; i++) {
                last = &page->op.wallet.user_grants[i];
                seen++;
                CHECK_STR(fixture, last->discount.id, ids[COUNT - seen]);
                CHECK_INT(fixture, last->granted_at_us, times[COUNT - seen]);
                CHECK_STR(fixture, last->discount.brand_id, STR("a brand"));
                CHECK_STR(fixture, last->discount.discount_code, STR("A CODE"));
                CHECK_INT(fixture, last->discount.total_count, 2);
            }
        } while (page->op.wallet.count == limit);
        CHECK_INT(fixture, seen, COUNT);
    }
}

static void who_holds_nothing_has_an_empty_wallet(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);
    struct attempt *refused, *wallet;

    grant_now(fixture, id, STR("the first one"));
    refused = grant_now(fixture, id, STR("too late for it"));
    wallet = submit_wallet_of(fixture, STR("too late for it"), NULL, 10);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, refused, STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(fixture, wallet, STATUS_OK);
    CHECK_INT(fixture, wallet->op.wallet.count, 0);
}

/* Grants that are made while a client pages come before those that it has seen. */
static void grants_that_come_while_paging_a_wallet_move_no_others(void **state)
{
    enum { COUNT = 10 };
    struct store_fixture *fixture = case_store(state);
    const struct user_grant *last = NULL;
    struct str ids[COUNT];
    size_t seen = 0;

    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = given_discount(fixture, 1);
        grant_now(fixture, ids[i], STR("a paging user"));
    }
    while (seen < COUNT) {
        struct attempt *page = submit_wallet_of(fixture, STR("a paging user"), last, 3);

        CHECK(fixture, store_fixture_settle(fixture));
        for (size_t i = 0; i < page->op.wallet.count; i++) {
            last = &page->op.wallet.user_grants[i];
            CHECK_STR(fixture, last->discount.id, ids[COUNT - 1 - seen]);
            seen++;
        }
        CHECK(fixture, page->op.wallet.count > 0);
        grant_now(fixture, given_discount(fixture, 1), STR("a paging user"));
    }
}

int cases_lists(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_brand_has_its_own_list),
        CASE(a_brands_list_is_paged),
        CASE(the_grants_of_a_discount_are_paged_with_ties_at_any_size),
        CASE(grants_that_come_while_paging_move_no_others),
        CASE(a_discount_without_grants_has_an_empty_list),
        CASE(a_place_that_is_nobodys_goes_on_behind_its_time),
        CASE(a_wallet_has_what_was_granted_newest_first),
        CASE(who_holds_nothing_has_an_empty_wallet),
        CASE(grants_that_come_while_paging_a_wallet_move_no_others),
    };

    return cmocka_run_group_tests_name("lists", cases, NULL, NULL);
}
