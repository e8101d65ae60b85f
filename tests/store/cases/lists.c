/* SPDX-License-Identifier: MIT */
/* The lists of discounts of a brand, of a discount's grants, and of what a user holds: page by
 * page, while others are granted. */
#include <stdio.h>

#include "store/cases/cases.h"
#include "store/concurrent_clients.h"

#define NO_KEY ((struct str){NULL, 0})

/* ---- The discounts of a brand ---- */

static struct str discount_of(struct scene *scene, struct str brand)
{
    struct attempt *created = create_now(
        scene,
        &(struct discount){.brand_id = brand, .discount_code = STR("A CODE"), .total_count = 9},
        NO_KEY);

    CHECK_STATUS(scene, created, STATUS_OK);
    return created->op.create.discount.id;
}

static void a_brand_has_its_own_list(void **state)
{
    struct scene *scene = case_scene(state);
    /* One is the beginning of the other, and has what keys are made of. */
    struct str id = discount_of(scene, STR("lists {a")),
               other = discount_of(scene, STR("lists {a}:b"));
    struct str second = discount_of(scene, STR("lists {a"));
    struct attempt *of_one = submit_list_of(scene, STR("lists {a"), 0, 10);
    struct attempt *of_other = submit_list_of(scene, STR("lists {a}:b"), 0, 10);
    struct attempt *of_none = submit_list_of(scene, STR("lists {"), 0, 10);

    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, of_one, STATUS_OK);
    CHECK_INT(scene, of_one->op.list.count, 2);
    CHECK_STR(scene, of_one->op.list.discounts[0].id, id);
    CHECK_STR(scene, of_one->op.list.discounts[1].id, second);
    CHECK_STR(scene, of_one->op.list.discounts[0].brand_id, STR("lists {a"));
    CHECK_STATUS(scene, of_other, STATUS_OK);
    CHECK_INT(scene, of_other->op.list.count, 1);
    CHECK_STR(scene, of_other->op.list.discounts[0].id, other);
    CHECK_STATUS(scene, of_none, STATUS_OK);
    CHECK_INT(scene, of_none->op.list.count, 0);
}

static void a_brands_list_is_paged(void **state)
{
    enum { COUNT = 7 };
    struct scene *scene = case_scene(state);
    struct str ids[COUNT];
    int64_t after_us = 0;

    for (size_t i = 0; i < COUNT; i++) {
        discount_of(scene, STR("in between"));
        ids[i] = discount_of(scene, STR("a paged brand"));
    }
    for (size_t i = 0; i < COUNT;) {
        struct attempt *page = submit_list_of(scene, STR("a paged brand"), after_us, 3);

        CHECK(scene, scene_settle(scene));
        CHECK_STATUS(scene, page, STATUS_OK);
        CHECK_INT(scene, page->op.list.count, COUNT - i < 3 ? COUNT - i : 3);
        for (size_t j = 0; j < page->op.list.count; j++) {
            CHECK_STR(scene, page->op.list.discounts[j].id, ids[i]);
            after_us = page->op.list.discounts[j].created_at_us;
            i++;
        }
    }
}

/* ---- The grants of a discount ---- */

/* Granted all in one turn, so that many are of one moment. */
static void grant_crowd(struct scene *scene, struct str id, size_t from, size_t to)
{
    char text[16];

    for (size_t i = from; i < to; i++) {
        submit_grant(scene, id, crowd_user(i, text));
    }
    CHECK(scene, scene_settle(scene));
}

static bool grant_is_behind(const struct grant *grant, const struct grant *before)
{
    size_t n = grant->user_id.n < before->user_id.n ? grant->user_id.n : before->user_id.n;
    int order = memcmp(grant->user_id.p, before->user_id.p, n);

    return grant->granted_at_us > before->granted_at_us ||
           (grant->granted_at_us == before->granted_at_us &&
            (order > 0 || (order == 0 && grant->user_id.n > before->user_id.n)));
}

/* Reads all grants page by page, where `between` grants more after each page; how many came. Each
 * must be behind the one before it. */
static size_t grants_walk(struct scene *scene, struct str id, size_t limit, size_t more)
{
    const struct grant *last = NULL;
    struct attempt *page;
    size_t seen = 0, granted = 1000;

    do {
        page = submit_grants_of(scene, id, last, limit);
        CHECK(scene, scene_settle(scene));
        CHECK_STATUS(scene, page, STATUS_OK);
        for (size_t i = 0; i < page->op.grants.count; i++) {
            const struct grant *grant = &page->op.grants.grants[i];

            CHECK(scene, last == NULL || grant_is_behind(grant, last));
            CHECK_STR(scene, grant->discount_id, id);
            CHECK_STR(scene, grant->discount_code, STR("A CODE"));
            last = grant;
            seen++;
        }
        if (granted < 1000 + more) {
            grant_crowd(scene, id, granted, granted + 5);
            granted += 5;
        }
    } while (page->op.grants.count == limit);
    return seen;
}

static void the_grants_of_a_discount_are_paged_with_ties_at_any_size(void **state)
{
    enum { COUNT = 60 };
    struct scene *scene = case_scene(state);
    struct str id = given_discount(scene, 1000);

    grant_crowd(scene, id, 0, COUNT);
    for (size_t limit = 1; limit <= COUNT + 1; limit += 6) {
        CHECK_INT(scene, grants_walk(scene, id, limit, 0), COUNT);
    }
}

static void grants_that_come_while_paging_move_no_others(void **state)
{
    enum { COUNT = 60, MORE = 20 };
    struct scene *scene = case_scene(state);
    struct str id = given_discount(scene, 1000);
    size_t seen;

    grant_crowd(scene, id, 0, COUNT);
    seen = grants_walk(scene, id, 7, MORE);
    CHECK(scene, seen >= COUNT && seen <= COUNT + MORE);
    CHECK_INT(scene, grants_walk(scene, id, 7, 0), COUNT + MORE);
}

static void a_discount_without_grants_has_an_empty_list(void **state)
{
    struct scene *scene = case_scene(state);
    struct str id = given_discount(scene, 1);
    struct attempt *none = submit_grants_of(scene, id, NULL, 10);
    struct attempt *unknown = submit_grants_of(scene, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), NULL, 10);

    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, none, STATUS_OK);
    CHECK_INT(scene, none->op.grants.count, 0);
    CHECK_STATUS(scene, unknown, STATUS_DISCOUNT_NOT_FOUND);
}

/* A place that was never in the list: its time alone says where to go on. */
static void a_place_that_is_nobodys_goes_on_behind_its_time(void **state)
{
    struct scene *scene = case_scene(state);
    struct str id = given_discount(scene, 10);
    struct attempt *first = grant_now(scene, id, STR("ann"));
    const struct grant before = {.user_id = STR("nobody"), .granted_at_us = 1};
    const struct grant after = {.user_id = STR("nobody"),
                                .granted_at_us = first->op.grant.grant.granted_at_us + 1};
    struct attempt *all = submit_grants_of(scene, id, &before, 10);
    struct attempt *none = submit_grants_of(scene, id, &after, 10);

    CHECK(scene, scene_settle(scene));
    CHECK_INT(scene, all->op.grants.count, 1);
    CHECK_INT(scene, none->op.grants.count, 0);
}

/* ---- What a user holds ---- */

static void a_wallet_has_what_was_granted_newest_first(void **state)
{
    enum { COUNT = 9 };
    struct scene *scene = case_scene(state);
    struct str ids[COUNT];
    int64_t times[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        struct attempt *granted;

        ids[i] = given_discount(scene, 2);
        granted = grant_now(scene, ids[i], STR("wallet's owner"));
        times[i] = granted->op.grant.grant.granted_at_us;
        grant_now(scene, ids[i], STR("somebody else"));
        grant_now(scene, ids[i], STR("wallet's owner")); /* again changes nothing */
    }
    for (size_t limit = 1; limit <= COUNT + 1; limit++) {
        const struct user_grant *last = NULL;
        size_t seen = 0;
        struct attempt *page;

        do {
            page = submit_wallet_of(scene, STR("wallet's owner"), last, limit);
            CHECK(scene, scene_settle(scene));
            CHECK_STATUS(scene, page, STATUS_OK);
            for (size_t i = 0; i < page->op.wallet.count; i++) {
                last = &page->op.wallet.user_grants[i];
                seen++;
                CHECK_STR(scene, last->discount.id, ids[COUNT - seen]);
                CHECK_INT(scene, last->granted_at_us, times[COUNT - seen]);
                CHECK_STR(scene, last->discount.brand_id, STR("a brand"));
                CHECK_STR(scene, last->discount.discount_code, STR("A CODE"));
                CHECK_INT(scene, last->discount.total_count, 2);
            }
        } while (page->op.wallet.count == limit);
        CHECK_INT(scene, seen, COUNT);
    }
}

static void who_holds_nothing_has_an_empty_wallet(void **state)
{
    struct scene *scene = case_scene(state);
    struct str id = given_discount(scene, 1);
    struct attempt *refused, *wallet;

    grant_now(scene, id, STR("the first one"));
    refused = grant_now(scene, id, STR("too late for it"));
    wallet = submit_wallet_of(scene, STR("too late for it"), NULL, 10);
    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, refused, STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(scene, wallet, STATUS_OK);
    CHECK_INT(scene, wallet->op.wallet.count, 0);
}

/* What is granted while somebody pages comes in front of what he has seen. */
static void grants_that_come_while_paging_a_wallet_move_no_others(void **state)
{
    enum { COUNT = 10 };
    struct scene *scene = case_scene(state);
    const struct user_grant *last = NULL;
    struct str ids[COUNT];
    size_t seen = 0;

    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = given_discount(scene, 1);
        grant_now(scene, ids[i], STR("a paging user"));
    }
    while (seen < COUNT) {
        struct attempt *page = submit_wallet_of(scene, STR("a paging user"), last, 3);

        CHECK(scene, scene_settle(scene));
        for (size_t i = 0; i < page->op.wallet.count; i++) {
            last = &page->op.wallet.user_grants[i];
            CHECK_STR(scene, last->discount.id, ids[COUNT - 1 - seen]);
            seen++;
        }
        CHECK(scene, page->op.wallet.count > 0);
        grant_now(scene, given_discount(scene, 1), STR("a paging user"));
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
