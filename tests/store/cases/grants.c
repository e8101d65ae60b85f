/* SPDX-License-Identifier: MIT */
/* Grants: never more than the stock, at most one per user, and the same grant for a repeated
 * request. */
#include <stdio.h>
#include <stdlib.h>

#include "discount/limits.h"
#include "store/cases/cases.h"
#include "store/concurrent_clients.h"
#include "support/clock.h"

static const int64_t hour_us = 3600000000;

/* ---- One user ---- */

static void a_first_grant_is_granted(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    int64_t before_us = now_us();
    struct attempt *granted = grant_now(fixture, id, STR("ann"));
    const struct grant *grant = &granted->op.grant.grant;

    CHECK_STATUS(fixture, granted, STATUS_OK);
    CHECK(fixture, !granted->op.grant.replayed);
    CHECK_STR(fixture, grant->discount_id, id);
    CHECK_STR(fixture, grant->discount_code, STR("A CODE"));
    CHECK_STR(fixture, grant->user_id, STR("ann"));
    CHECK(fixture, grant->granted_at_us >= before_us && grant->granted_at_us <= now_us());
}

static void a_repeated_grant_is_the_same_grant(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    struct attempt *granted = grant_now(fixture, id, STR("ann"));
    struct attempt *again = grant_now(fixture, id, STR("ann"));

    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.grant.replayed);
    CHECK_STR(fixture, again->op.grant.grant.discount_code, STR("A CODE"));
    CHECK_INT(fixture, again->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
}

static void the_same_user_twice_in_one_turn_is_granted_once(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    struct attempt *one = submit_grant(fixture, id, STR("ann"));
    struct attempt *other = submit_grant(fixture, id, STR("ann"));

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, one, STATUS_OK);
    CHECK_STATUS(fixture, other, STATUS_OK);
    CHECK(fixture, one->op.grant.replayed != other->op.grant.replayed);
    CHECK_INT(fixture, one->op.grant.grant.granted_at_us, other->op.grant.grant.granted_at_us);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, 1);
}

static void a_user_who_asks_twice_takes_one_of_the_last_two_units(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 2);
    struct attempt *one = submit_grant(fixture, id, STR("ann"));
    struct attempt *other = submit_grant(fixture, id, STR("ann"));
    struct attempt *last = submit_grant(fixture, id, STR("bob"));
    struct attempt *late = submit_grant(fixture, id, STR("eve"));

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, one, STATUS_OK);
    CHECK_STATUS(fixture, other, STATUS_OK);
    CHECK_STATUS(fixture, last, STATUS_OK);
    CHECK_STATUS(fixture, late, STATUS_DISCOUNT_EXHAUSTED);
}

static void grants_of_another_discount_are_other_grants(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str one = given_discount(fixture, 1), other = given_discount(fixture, 1);
    struct attempt *first = grant_now(fixture, one, STR("ann"));
    struct attempt *second = grant_now(fixture, other, STR("ann"));

    CHECK_STATUS(fixture, first, STATUS_OK);
    CHECK_STATUS(fixture, second, STATUS_OK);
    CHECK(fixture, !second->op.grant.replayed);
}

/* ---- Many users ---- */

static void the_last_unit_goes_to_one_of_many_users_in_one_turn(void **state)
{
    enum { USERS = 500 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);
    struct attempt *asked[USERS];
    size_t granted = 0;
    char text[16];

    for (size_t i = 0; i < USERS; i++) {
        asked[i] = submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < USERS; i++) {
        if (asked[i]->op.status == STATUS_OK) {
            granted++;
        } else {
            CHECK_STATUS(fixture, asked[i], STATUS_DISCOUNT_EXHAUSTED);
        }
    }
    CHECK_INT(fixture, granted, 1);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, 1);
}

static void more_grants_than_go_into_one_batch_are_all_granted(void **state)
{
    enum { USERS = 3 * LIMIT_GRANTS_PER_BATCH + 7 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, USERS);
    struct attempt *asked[USERS], *late;
    char text[16];

    for (size_t i = 0; i < USERS; i++) {
        asked[i] = submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    late = submit_grant(fixture, id, STR("eve"));
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < USERS; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
        CHECK(fixture, !asked[i]->op.grant.replayed);
    }
    CHECK_STATUS(fixture, late, STATUS_DISCOUNT_EXHAUSTED);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, USERS);
}

/* So many that some ids share a slot in any table of a backend. */
static void grants_of_many_discounts_mix_in_one_turn(void **state)
{
    enum { DISCOUNTS = 80, USERS = 12, STOCK = 5 };
    struct store_fixture *fixture = case_store(state);
    struct attempt *asked[USERS][DISCOUNTS];
    struct str ids[DISCOUNTS];
    char text[16];

    for (size_t d = 0; d < DISCOUNTS; d++) {
        ids[d] = given_discount(fixture, STOCK);
    }
    for (size_t u = 0; u < USERS; u++) {
        for (size_t d = 0; d < DISCOUNTS; d++) {
            asked[u][d] = submit_grant(fixture, ids[d], concurrent_clients_user(u, text));
        }
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t d = 0; d < DISCOUNTS; d++) {
        size_t granted = 0;

        for (size_t u = 0; u < USERS; u++) {
            granted += asked[u][d]->op.status == STATUS_OK;
        }
        CHECK_INT(fixture, granted, STOCK);
        CHECK_INT(fixture, get_now(fixture, ids[d])->op.get.discount.granted_count, STOCK);
    }
}

static void every_verb_mixes_in_one_turn(void **state)
{
    enum { ROUNDS = 30 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1000);
    struct attempt *asked[ROUNDS][6];
    char text[16];

    grant_now(fixture, id, STR("ann"));
    for (size_t i = 0; i < ROUNDS; i++) {
        asked[i][0] = submit_get(fixture, id);
        asked[i][1] = submit_grant(fixture, id, concurrent_clients_user(i, text));
        asked[i][2] = submit_list(fixture, 0, 3);
        asked[i][3] = submit_grant_get(fixture, id, STR("ann"));
        asked[i][4] = submit_ping(fixture);
        asked[i][5] = submit_create(fixture, &case_discount, (struct str){0});
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < ROUNDS; i++) {
        for (size_t verb = 0; verb < 6; verb++) {
            CHECK_STATUS(fixture, asked[i][verb], STATUS_OK);
        }
        CHECK_STR(fixture, asked[i][0]->op.get.discount.discount_code, STR("A CODE"));
        CHECK(fixture, !asked[i][1]->op.grant.replayed);
    }
}

/* ---- Refusals ---- */

static void a_grant_of_an_unknown_discount_is_refused(void **state)
{
    struct store_fixture *fixture = case_store(state);

    CHECK_STATUS(fixture, grant_now(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann")),
                 STATUS_DISCOUNT_NOT_FOUND);
}

static void a_grant_before_the_start_says_how_long_it_is_until_then(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_window(fixture, now_us() + hour_us, 0);
    struct attempt *asked = grant_now(fixture, id, STR("ann"));

    CHECK_STATUS(fixture, asked, STATUS_DISCOUNT_NOT_STARTED);
    CHECK(fixture, asked->op.grant.starts_in_us <= hour_us);
    CHECK(fixture, asked->op.grant.starts_in_us > hour_us - 2 * CLOCK_PATIENCE_MS * 1000);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, 0);
}

static void a_grant_after_the_end_is_refused(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_window(fixture, 0, now_us() - 1);

    CHECK_STATUS(fixture, grant_now(fixture, id, STR("ann")), STATUS_DISCOUNT_EXPIRED);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, 0);
}

static void a_grant_of_an_exhausted_discount_is_refused(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);

    CHECK_STATUS(fixture, grant_now(fixture, id, STR("ann")), STATUS_OK);
    CHECK_STATUS(fixture, grant_now(fixture, id, STR("bob")), STATUS_DISCOUNT_EXHAUSTED);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, 1);
}

/* ---- The start and end of a window, as they pass ---- */

static bool has_come(void *argument)
{
    const int64_t *time_us = argument;

    return now_us() >= *time_us;
}

static void a_grant_is_granted_from_the_start_on(void **state)
{
    struct store_fixture *fixture = case_store(state);
    int64_t starts_at_us = now_us() + 50000;
    struct str id = given_window(fixture, starts_at_us, 0);
    struct attempt *granted;

    CHECK(fixture, clock_wait(has_come, &starts_at_us, CLOCK_PATIENCE_MS));
    granted = grant_now(fixture, id, STR("ann"));
    CHECK_STATUS(fixture, granted, STATUS_OK);
    CHECK(fixture, granted->op.grant.grant.granted_at_us >= starts_at_us);
}

/* Users ask one after another until the answer changes. By the store's clock, every grant must be
 * after the start and before the end. */
static void the_start_is_one_moment(void **state)
{
    struct store_fixture *fixture = case_store(state);
    int64_t starts_at_us = now_us() + 20000;
    struct str id = given_window(fixture, starts_at_us, 0);
    struct attempt *asked;
    char text[16];

    for (size_t i = 0;; i++) {
        asked = grant_now(fixture, id, concurrent_clients_user(i, text));
        if (asked->op.status != STATUS_DISCOUNT_NOT_STARTED) {
            break;
        }
        CHECK(fixture, asked->op.grant.starts_in_us > 0);
        CHECK(fixture, asked->op.grant.starts_in_us <= 20000);
    }
    CHECK_STATUS(fixture, asked, STATUS_OK);
    CHECK(fixture, asked->op.grant.grant.granted_at_us >= starts_at_us);
    CHECK_STATUS(fixture, grant_now(fixture, id, STR("eve")), STATUS_OK);
}

static void the_end_is_one_moment(void **state)
{
    struct store_fixture *fixture = case_store(state);
    int64_t expires_at_us = now_us() + 20000;
    struct str id = given_window(fixture, 0, expires_at_us);
    struct attempt *asked;
    char text[16];

    for (size_t i = 0;; i++) {
        asked = grant_now(fixture, id, concurrent_clients_user(i, text));
        if (asked->op.status != STATUS_OK) {
            break;
        }
        CHECK(fixture, asked->op.grant.grant.granted_at_us < expires_at_us);
    }
    CHECK_STATUS(fixture, asked, STATUS_DISCOUNT_EXPIRED);
    CHECK(fixture, now_us() >= expires_at_us);
    CHECK_STATUS(fixture, grant_now(fixture, id, STR("eve")), STATUS_DISCOUNT_EXPIRED);
}

static void a_holder_is_granted_again_after_the_end(void **state)
{
    struct store_fixture *fixture = case_store(state);
    int64_t window_us = 25000, expires_at_us;
    struct attempt *granted, *again;
    struct str id;

    /* On a busy machine the window may end before the first grant comes. */
    do {
        window_us *= 2;
        CHECK(fixture, window_us < CLOCK_PATIENCE_MS * 1000);
        expires_at_us = now_us() + window_us;
        id = given_window(fixture, 0, expires_at_us);
        granted = grant_now(fixture, id, STR("ann"));
    } while (granted->op.status == STATUS_DISCOUNT_EXPIRED);
    CHECK_STATUS(fixture, granted, STATUS_OK);
    CHECK(fixture, clock_wait(has_come, &expires_at_us, CLOCK_PATIENCE_MS));
    CHECK_STATUS(fixture, grant_now(fixture, id, STR("eve")), STATUS_DISCOUNT_EXPIRED);
    again = grant_now(fixture, id, STR("ann"));
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.grant.replayed);
    CHECK_INT(fixture, again->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
}

static void a_sold_out_discount_that_is_over_is_over(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct discount discount = case_discount;
    struct attempt *created;

    discount.expires_at_us = now_us() + 20000;
    created = create_now(fixture, &discount, (struct str){0});
    grant_now(fixture, created->op.create.discount.id, STR("ann"));
    CHECK(fixture, clock_wait(has_come, &discount.expires_at_us, CLOCK_PATIENCE_MS));
    CHECK_STATUS(fixture, grant_now(fixture, created->op.create.discount.id, STR("bob")),
                 STATUS_DISCOUNT_EXPIRED);
}

static void a_holder_is_granted_again_after_the_stock_is_gone(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 2);
    struct attempt *granted = grant_now(fixture, id, STR("ann"));
    struct attempt *again, *late, *last;

    grant_now(fixture, id, STR("bob"));
    again = submit_grant(fixture, id, STR("ann"));
    late = submit_grant(fixture, id, STR("eve"));
    last = submit_grant(fixture, id, STR("bob"));
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.grant.replayed);
    CHECK_INT(fixture, again->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
    CHECK_STATUS(fixture, late, STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(fixture, last, STATUS_OK);
}

/* ---- Reading a grant ---- */

static void a_grant_is_read_back(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);
    struct attempt *granted = grant_now(fixture, id, STR("ann"));
    struct attempt *read = grant_get_now(fixture, id, STR("ann"));

    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_STR(fixture, read->op.grant.grant.discount_code, STR("A CODE"));
    CHECK_INT(fixture, read->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
}

static void a_grant_that_was_not_given_is_not_found(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);

    grant_now(fixture, id, STR("ann"));
    grant_now(fixture, id, STR("eve"));
    CHECK_STATUS(fixture, grant_get_now(fixture, id, STR("bob")), STATUS_GRANT_NOT_FOUND);
    CHECK_STATUS(fixture, grant_get_now(fixture, id, STR("eve")), STATUS_GRANT_NOT_FOUND);
}

static void a_grant_of_an_unknown_discount_is_not_found(void **state)
{
    struct store_fixture *fixture = case_store(state);

    CHECK_STATUS(fixture, grant_get_now(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann")),
                 STATUS_DISCOUNT_NOT_FOUND);
}

/* ---- User ids ---- */

/* These users have this many different ids. Each is granted, read back under its own id, and
 * granted again. */
static void kept_apart(struct store_fixture *fixture, const struct str *users, size_t count)
{
    struct str id = given_discount(fixture, (int64_t)count);
    struct attempt **asked = calloc(count, sizeof(struct attempt *));

    CHECK(fixture, asked != NULL);
    for (size_t i = 0; i < count; i++) {
        asked[i] = submit_grant(fixture, id, users[i]);
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < count; i++) {
        const struct grant *grant = &asked[i]->op.grant.grant;
        struct attempt *read = grant_get_now(fixture, id, users[i]);
        struct attempt *again = grant_now(fixture, id, users[i]);

        CHECK_STATUS(fixture, asked[i], STATUS_OK);
        CHECK(fixture, !asked[i]->op.grant.replayed);
        CHECK_STR(fixture, grant->user_id, users[i]);
        CHECK_STATUS(fixture, read, STATUS_OK);
        CHECK_INT(fixture, read->op.grant.grant.granted_at_us, grant->granted_at_us);
        CHECK_STATUS(fixture, again, STATUS_OK);
        CHECK(fixture, again->op.grant.replayed);
        CHECK_INT(fixture, again->op.grant.grant.granted_at_us, grant->granted_at_us);
    }
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, count);
    free(asked);
}

static void user_ids_that_look_like_something_else_are_kept_apart(void **state)
{
    static const struct str users[] = {
        STR_INIT("User 1"),
        STR_INIT("user 1"),
        STR_INIT("User 1 "),
        STR_INIT(" User 1"),
        STR_INIT("*"),
        STR_INIT("{}"),
        STR_INIT("{a}"),
        STR_INIT("a}:{b"),
        STR_INIT("\x80\xFF\xFE"),
        STR_INIT("\x80"),
        STR_INIT("a\0b"),
        STR_INIT("a"),
        STR_INIT("%s%n"),
        STR_INIT("'; --"),
        STR_INIT("0"),
        STR_INIT("-1"),
        STR_INIT("1e3"),
        STR_INIT("nil"),
        STR_INIT("*1\r\n$4\r\nPING\r\n"),
        STR_INIT("\r\n"),
        STR_INIT("$-1"),
        STR_INIT("held 1"),
        STR_INIT("J\xC3\xBCrgen"),
    };

    kept_apart(case_store(state), users, sizeof(users) / sizeof(users[0]));
}

static void every_byte_that_a_user_id_may_hold_makes_it_another(void **state)
{
    enum { BYTES = 256 };
    static char texts[BYTES][8];
    struct store_fixture *fixture = case_store(state);
    struct str users[4 * BYTES];

    for (size_t i = 0; i < BYTES; i++) {
        const char byte = (char)i;

        memcpy(texts[i], (char[]){byte, byte, 'a', byte, 'z'}, 5);
        users[4 * i] = (struct str){texts[i], 1};         /* alone */
        users[4 * i + 1] = (struct str){texts[i], 2};     /* twice */
        users[4 * i + 2] = (struct str){texts[i] + 1, 4}; /* in the middle and at the front */
        users[4 * i + 3] = (struct str){texts[i] + 2, 2}; /* at the end */
    }
    /* "aa" is twice an "a" in one case and an "a" after an "a" in another. */
    users[4 * 'a' + 3] = STR("aaa");
    kept_apart(fixture, users, 4 * BYTES);
}

static void the_longest_user_ids_differ_in_their_last_byte(void **state)
{
    enum { USERS = 256 };
    static char texts[USERS][LIMIT_USER_ID];
    struct store_fixture *fixture = case_store(state);
    struct str users[USERS];

    for (size_t i = 0; i < USERS; i++) {
        memset(texts[i], 'u', LIMIT_USER_ID);
        texts[i][LIMIT_USER_ID - 1] = (char)i;
        users[i] = (struct str){texts[i], LIMIT_USER_ID};
    }
    kept_apart(fixture, users, USERS);
}

static void the_largest_stock_is_granted_from(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, LIMIT_TOTAL_COUNT);
    struct attempt *read;

    CHECK_STATUS(fixture, grant_now(fixture, id, STR("ann")), STATUS_OK);
    read = get_now(fixture, id);
    CHECK_INT(fixture, read->op.get.discount.total_count, 1000000000);
    CHECK_INT(fixture, read->op.get.discount.granted_count, 1);
}

static void the_longest_user_ids_fill_a_batch(void **state)
{
    enum { USERS = 2 * LIMIT_GRANTS_PER_BATCH };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, USERS);
    struct attempt *asked[USERS];
    char user[LIMIT_USER_ID + 1];

    for (size_t i = 0; i < USERS; i++) {
        snprintf(user, sizeof(user), "%0*zu", LIMIT_USER_ID, i);
        asked[i] = submit_grant(fixture, id, (struct str){user, LIMIT_USER_ID});
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < USERS; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
        CHECK(fixture, !asked[i]->op.grant.replayed);
    }
}

int cases_grants(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_first_grant_is_granted),
        CASE(a_repeated_grant_is_the_same_grant),
        CASE(the_same_user_twice_in_one_turn_is_granted_once),
        CASE(a_user_who_asks_twice_takes_one_of_the_last_two_units),
        CASE(grants_of_another_discount_are_other_grants),
        CASE(the_last_unit_goes_to_one_of_many_users_in_one_turn),
        CASE(more_grants_than_go_into_one_batch_are_all_granted),
        CASE(grants_of_many_discounts_mix_in_one_turn),
        CASE(every_verb_mixes_in_one_turn),
        CASE(a_grant_of_an_unknown_discount_is_refused),
        CASE(a_grant_before_the_start_says_how_long_it_is_until_then),
        CASE(a_grant_after_the_end_is_refused),
        CASE(a_grant_of_an_exhausted_discount_is_refused),
        CASE(a_grant_is_granted_from_the_start_on),
        CASE(the_start_is_one_moment),
        CASE(the_end_is_one_moment),
        CASE(a_holder_is_granted_again_after_the_end),
        CASE(a_sold_out_discount_that_is_over_is_over),
        CASE(a_holder_is_granted_again_after_the_stock_is_gone),
        CASE(a_grant_is_read_back),
        CASE(a_grant_that_was_not_given_is_not_found),
        CASE(a_grant_of_an_unknown_discount_is_not_found),
        CASE(user_ids_that_look_like_something_else_are_kept_apart),
        CASE(every_byte_that_a_user_id_may_hold_makes_it_another),
        CASE(the_longest_user_ids_differ_in_their_last_byte),
        CASE(the_largest_stock_is_granted_from),
        CASE(the_longest_user_ids_fill_a_batch),
    };

    return cmocka_run_group_tests_name("grants", cases, NULL, NULL);
}
