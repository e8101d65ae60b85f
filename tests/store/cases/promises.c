/* SPDX-License-Identifier: MIT */
/* The six promises. Each case has the number of its promise:
 *
 *   P1  never more grants than the stock.
 *   P2  at most one grant of a discount for each user.
 *   P3  a grant that was answered is never lost.
 *   P4  repeating a request gives the same grant again.
 *   P5  "sold out" is never answered while a unit is left.
 *   P6  if the outcome is uncertain, the answer says so.
 *
 * http/crash_test.c tests P3 for a killed process. */
#include <stdlib.h>

#include "store/cases/cases.h"
#include "store/concurrent_clients.h"
#include "support/clock.h"

/* Checks that every thread got the same answer about one user. Returns whether the user was
 * granted. */
static bool answered_alike(struct store_fixture *fixture, const struct concurrent_clients *clients,
                           size_t user)
{
    const struct client_answer *one = &clients->answered[0][user];
    size_t first = 0;

    for (size_t i = 0; i < clients->threads; i++) {
        const struct client_answer *answered = &clients->answered[i][user];

        CHECK(fixture,
              answered->status == STATUS_OK || answered->status == STATUS_DISCOUNT_EXHAUSTED);
        CHECK_INT(fixture, answered->status, one->status);
        CHECK_INT(fixture, answered->granted_at_us, one->granted_at_us);
        first += answered->status == STATUS_OK && !answered->replayed;
    }
    CHECK_INT(fixture, first, one->status == STATUS_OK ? 1 : 0);
    return one->status == STATUS_OK;
}

/* Lets clients rush for a discount of this stock and checks every answer. Each thread must see the
 * same grants, once each. There must be as many as the stock, or as all users if they are fewer. */
static void rush_check(void **state, int64_t stock, size_t threads, size_t users, size_t handful)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, stock);
    struct concurrent_clients *clients =
        concurrent_clients_run(case_engine(state), id, threads, users, handful);
    int64_t granted = 0, wanted = (int64_t)users < stock ? (int64_t)users : stock;
    char text[16];

    CHECK_NOTHING(fixture, clients->broken);
    for (size_t user = 0; user < users; user++) {
        bool is_granted = answered_alike(fixture, clients, user);

        CHECK_STATUS(fixture, grant_get_now(fixture, id, concurrent_clients_user(user, text)),
                     is_granted ? STATUS_OK : STATUS_GRANT_NOT_FOUND);
        granted += is_granted;
    }
    CHECK_INT(fixture, granted, wanted);
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, wanted);
    free(clients);
}

static void p1_a_rush_over_several_workers_is_granted_the_stock_exactly(void **state)
{
    rush_check(state, 300, 4, 1000, 50);
}

static void p1_the_last_unit_goes_to_one_of_twenty_threads(void **state)
{
    rush_check(state, 1, 20, 20, 1);
}

static void p2_twenty_threads_that_ask_for_one_user_are_granted_once(void **state)
{
    rush_check(state, 20, 20, 1, 1);
}

static void p3_what_was_answered_is_there_after_a_restart(void **state)
{
    enum { USERS = 200 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, USERS);
    int64_t granted_at_us[USERS];
    char text[16], id_text[64];

    for (size_t i = 0; i < USERS; i++) {
        granted_at_us[i] =
            grant_now(fixture, id, concurrent_clients_user(i, text))->op.grant.grant.granted_at_us;
    }
    /* The fixture's texts are freed with it. */
    memcpy(id_text, id.p, id.n);
    id.p = id_text;
    fixture = case_restart(state);
    for (size_t i = 0; i < USERS; i++) {
        struct attempt *read = grant_get_now(fixture, id, concurrent_clients_user(i, text));

        CHECK_STATUS(fixture, read, STATUS_OK);
        CHECK_INT(fixture, read->op.grant.grant.granted_at_us, granted_at_us[i]);
    }
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, USERS);
}

static void p4_the_holder_of_the_last_unit_is_given_it_again_by_twenty_threads(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);
    char text[16];
    struct attempt *granted = grant_now(fixture, id, concurrent_clients_user(0, text));
    struct concurrent_clients *clients = concurrent_clients_run(case_engine(state), id, 20, 20, 20);

    CHECK_STATUS(fixture, granted, STATUS_OK);
    CHECK_NOTHING(fixture, clients->broken);
    for (size_t i = 0; i < 20; i++) {
        CHECK_INT(fixture, clients->answered[i][0].status, STATUS_OK);
        CHECK(fixture, clients->answered[i][0].replayed);
        CHECK_INT(fixture, clients->answered[i][0].granted_at_us,
                  granted->op.grant.grant.granted_at_us);
    }
    free(clients);
}

static void p5_as_many_users_as_units_are_all_granted(void **state)
{
    rush_check(state, 200, 8, 200, 7);
}

/* ---- P6: deadlines ---- */

#define SHORT_DEADLINE_MS 2

/* Opens a second store on the same engine, whose operations reach their deadline soon. */
static void hasty_open(struct store_fixture *fixture, void **state, struct store_fixture *ret_hasty)
{
    const struct store_limits limits = {.deadline_ms = SHORT_DEADLINE_MS, .in_flight = 1000};

    CHECK(fixture, store_fixture_open_ready(ret_hasty, fixture->who, case_engine(state), limits));
}

static bool has_passed(void *argument)
{
    const int64_t *end_ms = argument;

    return clock_ms() >= *end_ms;
}

/* Waits, without turning the loop, until the deadline of submitted operations is over. */
static void miss_the_deadline(void)
{
    int64_t end_ms = clock_ms() + 2 * SHORT_DEADLINE_MS;

    clock_wait(has_passed, &end_ms, CLOCK_PATIENCE_MS);
}

/* Checks that a grant was answered exactly once, and truly. */
static void answered_truly(struct store_fixture *fixture, struct str id, struct str user,
                           const struct attempt *asked)
{
    enum status read = grant_get_now(fixture, id, user)->op.status;

    CHECK_INT(fixture, asked->done, 1);
    switch (asked->op.status) {
    case STATUS_OK:
        CHECK_INT(fixture, read, STATUS_OK);
        break;
    case STATUS_UNAVAILABLE:
        CHECK_INT(fixture, read, STATUS_GRANT_NOT_FOUND);
        break;
    default:
        CHECK_STATUS(fixture, asked, STATUS_UNKNOWN);
    }
}

/* Whatever each user was answered, a repeat must give the user one grant. */
static void settles(struct store_fixture *fixture, struct str id, size_t users)
{
    char text[16];

    for (size_t i = 0; i < users; i++) {
        CHECK_STATUS(fixture, grant_now(fixture, id, concurrent_clients_user(i, text)), STATUS_OK);
    }
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, users);
}

/* Submits grants and creations, runs `meanwhile`, and checks late answers. */
static void late_check(void **state, void (*meanwhile)(struct store *store))
{
    enum { USERS = 100 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, USERS);
    struct attempt *asked[USERS], *created, *listed;
    struct store_fixture hasty;
    char text[16];

    hasty_open(fixture, state, &hasty);
    for (size_t i = 0; i < USERS; i++) {
        asked[i] = submit_grant(&hasty, id, concurrent_clients_user(i, text));
    }
    created = submit_create(&hasty, &case_discount, (struct str){0});
    listed = submit_list(&hasty, 0, 10);
    meanwhile(hasty.turn.store);
    CHECK(fixture, store_fixture_settle(&hasty));
    for (size_t i = 0; i < USERS; i++) {
        answered_truly(fixture, id, concurrent_clients_user(i, text), asked[i]);
    }
    CHECK(fixture,
          created->op.status == STATUS_UNKNOWN ||
              (created->op.status == STATUS_OK) ==
                  (get_now(fixture, created->op.create.discount.id)->op.status == STATUS_OK));
    CHECK(fixture, listed->op.status == STATUS_OK || listed->op.status == STATUS_UNAVAILABLE);
    settles(fixture, id, USERS);
    CHECK_NOTHING(&hasty, store_fixture_close(&hasty));
}

static void wait_unsent(struct store *store)
{
    (void)store; /* nothing is flushed */
    miss_the_deadline();
}

static void wait_sent(struct store *store)
{
    store_flush(store);
    miss_the_deadline();
}

static void wait_not(struct store *store)
{
    (void)store; /* the deadline passes by itself */
}

static void p6_what_is_late_before_it_was_sent_is_told_the_truth(void **state)
{
    late_check(state, wait_unsent);
}

static void p6_what_is_late_after_it_was_sent_is_told_the_truth(void **state)
{
    late_check(state, wait_sent);
}

static void p6_what_is_late_at_any_moment_is_told_the_truth(void **state)
{
    late_check(state, wait_not);
}

int cases_promises(void)
{
    const struct CMUnitTest cases[] = {
        CASE(p1_a_rush_over_several_workers_is_granted_the_stock_exactly),
        CASE(p1_the_last_unit_goes_to_one_of_twenty_threads),
        CASE(p2_twenty_threads_that_ask_for_one_user_are_granted_once),
        CASE(p3_what_was_answered_is_there_after_a_restart),
        CASE(p4_the_holder_of_the_last_unit_is_given_it_again_by_twenty_threads),
        CASE(p5_as_many_users_as_units_are_all_granted),
        CASE(p6_what_is_late_before_it_was_sent_is_told_the_truth),
        CASE(p6_what_is_late_after_it_was_sent_is_told_the_truth),
        CASE(p6_what_is_late_at_any_moment_is_told_the_truth),
    };

    return cmocka_run_group_tests_name("promises", cases, NULL, NULL);
}
