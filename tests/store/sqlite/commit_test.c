/* SPDX-License-Identifier: MIT */
/* One commit for many operations: its cost, what happens while it hangs, and that one bad operation
 * harms no other. */
#include <sqlite3.h>

#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/clock.h"
#include "support/fault_vfs.h"

#define SHORT_DEADLINE_MS 100

static const struct store_limits hasty = {.deadline_ms = SHORT_DEADLINE_MS, .in_flight = 1000};

static const struct discount plain = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 7};

static unsigned syncs(void)
{
    return fault_vfs_count(FAULT_LOG, FAULT_SYNC);
}

static void submit_grants(struct store_fixture *fixture, struct str id, size_t from, size_t count)
{
    char text[16];

    for (size_t i = from; i < from + count; i++) {
        submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
}

/* Creates a discount in a file whose log has already begun: beginning it costs a sync. */
static struct str given_discount(struct store_fixture *fixture)
{
    return sqlite_fixture_discount(fixture, 100000);
}

/* Submits a grant and a creation, and waits until the disk hangs in their commit. */
static void hang(struct store_fixture *fixture, struct str id, struct attempt *ret_asked[2])
{
    fault_vfs_hang(FAULT_LOG);
    ret_asked[0] = submit_grant(fixture, id, STR("ann"));
    ret_asked[1] = submit_create(fixture, &plain, (struct str){0});
    store_flush(fixture->turn.store);
    CHECK(fixture, fault_vfs_wait_hanging());
}

/* ---- What it costs ---- */

/* The thread begins with a few while the others are still being submitted. */
static void the_grants_of_a_turn_cost_few_syncs(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = given_discount(fixture);
    unsigned before = syncs();

    submit_grants(fixture, id, 0, 500);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK(fixture, syncs() - before <= 20);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 500);
}

static void a_commit_is_as_large_as_it_may_be_and_no_larger(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = given_discount(fixture);
    unsigned before = syncs();
    struct attempt *asked[2];

    hang(fixture, id, asked);
    submit_grants(fixture, id, 0, 3000);
    store_flush(fixture->turn.store);
    fault_vfs_mend();
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, syncs() - before, 1 + 3);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 3001);
}

static void what_gathers_during_a_commit_is_the_next_one(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = given_discount(fixture);
    unsigned before = syncs();
    struct attempt *asked[2];

    hang(fixture, id, asked);
    for (size_t i = 0; i < 10; i++) {
        submit_grants(fixture, id, 30 * i, 30);
        store_flush(fixture->turn.store);
    }
    fault_vfs_mend();
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, syncs() - before, 2);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 301);
}

static void reads_cost_no_sync(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = given_discount(fixture);
    unsigned before = syncs();

    submit_get(fixture, id);
    submit_list(fixture, 0, 10);
    submit_grant_get(fixture, id, STR("ann"));
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, syncs() - before, 0);
}

/* ---- A commit that hangs ---- */

static bool is_done(void *argument)
{
    const struct attempt *attempt = argument;

    return attempt->done > 0;
}

static void nothing_is_answered_before_its_commit(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = given_discount(fixture);
    struct attempt *asked[2];

    hang(fixture, id, asked);
    CHECK(fixture, !turn_until(&fixture->turn, is_done, asked[0], 100));
    CHECK(fixture, !is_done(asked[1]));
    fault_vfs_mend();
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked[0], STATUS_OK);
    CHECK_STATUS(fixture, asked[1], STATUS_OK);
}

static void reads_do_not_wait_for_the_commit_that_they_come_with(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = given_discount(fixture);
    struct attempt *granted, *read;

    fault_vfs_hang(FAULT_LOG);
    granted = submit_grant(fixture, id, STR("ann"));
    read = submit_get(fixture, id);
    CHECK(fixture, turn_until(&fixture->turn, is_done, read, CLOCK_PATIENCE_MS));
    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK(fixture, !is_done(granted));
    fault_vfs_mend();
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, granted, STATUS_OK);
}

/* Operations in the commit are in doubt. Those that came after it are certainly not applied. */
static void behind_a_commit_that_hangs_each_is_told_what_is_known(void **state)
{
    enum { BEHIND = 6 };
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, hasty), patient;
    struct str id = given_discount(fixture);
    struct attempt *asked[2], *behind[BEHIND], *listed;

    CHECK(fixture,
          store_fixture_open_ready(&patient, "sqlite", sqlite->engine, sqlite_fixture_patient()));
    hang(fixture, id, asked);
    behind[0] = submit_ping(fixture);
    behind[1] = submit_create(fixture, &plain, STR("a key"));
    behind[2] = submit_get(fixture, id);
    behind[3] = submit_list(fixture, 0, 10);
    behind[4] = submit_grant(fixture, id, STR("bob"));
    behind[5] = submit_grant_get(fixture, id, STR("ann"));
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked[0], STATUS_UNKNOWN);
    CHECK_STATUS(fixture, asked[1], STATUS_UNKNOWN);
    for (size_t i = 0; i < BEHIND; i++) {
        CHECK_STATUS(fixture, behind[i], STATUS_UNAVAILABLE);
    }

    fault_vfs_mend();
    CHECK_INT(fixture, sqlite_fixture_granted_count(&patient, id), 1);
    listed = submit_list(&patient, 0, 10);
    CHECK(fixture, store_fixture_settle(&patient));
    CHECK_INT(fixture, listed->op.list.count, 2);
    CHECK_INT(fixture, sqlite_fixture_grant_get(&patient, id, 0), STATUS_GRANT_NOT_FOUND);
    /* The late result reached no operation, and the same store works on. */
    CHECK_INT(fixture, asked[0]->done, 1);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 1);
    assert_null(store_fixture_close(&patient));
}

static void a_store_that_is_closed_while_a_commit_hangs_tells_what_is_known(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient()), second;
    struct str id = given_discount(fixture);
    struct attempt *asked[2], *behind, *unsent;

    CHECK(fixture,
          store_fixture_open_ready(&second, "sqlite", sqlite->engine, sqlite_fixture_patient()));
    hang(&second, id, asked);
    behind = submit_grant(&second, id, STR("bob"));
    store_flush(second.turn.store);
    unsent = submit_grant(&second, id, STR("eve"));
    store_fixture_end(&second);
    CHECK_STATUS(fixture, asked[0], STATUS_UNKNOWN);
    CHECK_STATUS(fixture, asked[1], STATUS_UNKNOWN);
    CHECK_STATUS(fixture, behind, STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, unsent, STATUS_UNAVAILABLE);
    assert_null(store_fixture_free(&second));
    /* Their memory is freed when the commit returns. */
    fault_vfs_mend();
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 1);
}

/* The engine waits for the commit, and drops its results. */
static void an_engine_that_is_closed_behind_a_late_commit_loses_nothing(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, hasty);
    struct str id = given_discount(fixture);
    struct attempt *asked[2], *listed;

    hang(fixture, id, asked);
    CHECK(fixture, store_fixture_settle(fixture));
    fault_vfs_mend();
    sqlite_fixture_close(sqlite);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    listed = submit_list(fixture, 0, 10);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, listed->op.list.count, 2);
    CHECK_INT(fixture, listed->op.list.discounts[0].granted_count, 1);
}

/* ---- One bad operation ---- */

/* Runs SQL that changes even the schema. */
static void spoil(const struct sqlite_fixture *sqlite, const char *sql)
{
    char text[256];
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open_v2(sqlite->path, &other, SQLITE_OPEN_READWRITE, "unix"),
                     SQLITE_OK);
    sqlite3_db_config(other, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    snprintf(text, sizeof(text), "PRAGMA ignore_check_constraints = ON; %s", sql);
    assert_int_equal(sqlite3_exec(other, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void one_bad_operation_fails_alone(void **state)
{
    enum { USERS = 20 };
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *listed, *good[USERS], *bad, *created;
    struct str bad_id, good_id;
    char text[16];

    given_discount(fixture);
    given_discount(fixture);
    sqlite_fixture_close(sqlite);
    /* Makes it impossible to count a grant of it. */
    spoil(sqlite, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql,"
                  " 'AND total_count', 'AND total_count * (number > 1)') WHERE name = 'discounts'");
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    listed = submit_list(fixture, 0, 10);
    CHECK(fixture, store_fixture_settle(fixture));
    bad_id = listed->op.list.discounts[0].id;
    good_id = listed->op.list.discounts[1].id;
    for (size_t i = 0; i < USERS / 2; i++) {
        good[i] = submit_grant(fixture, good_id, concurrent_clients_user(i, text));
    }
    bad = submit_grant(fixture, bad_id, STR("ann"));
    created = submit_create(fixture, &plain, STR("a key"));
    for (size_t i = USERS / 2; i < USERS; i++) {
        good[i] = submit_grant(fixture, good_id, concurrent_clients_user(i, text));
    }
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, bad, STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, created, STATUS_OK);
    CHECK(fixture, !created->op.create.replayed);
    for (size_t i = 0; i < USERS; i++) {
        CHECK_STATUS(fixture, good[i], STATUS_OK);
        CHECK(fixture, !good[i]->op.grant.replayed);
    }
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, good_id), USERS);
}

/* It is refused before anything is written, so the others need not run again. */
static void a_discount_that_is_corrupt_costs_the_others_nothing(void **state)
{
    enum { USERS = 10 };
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *listed, *bad = NULL, *good[USERS];
    unsigned before;
    char text[16];

    given_discount(fixture);
    given_discount(fixture);
    sqlite_fixture_close(sqlite);
    spoil(sqlite, "UPDATE discounts SET discount_code = printf('%.300c', 'x') WHERE number = 1");
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    given_discount(fixture); /* begins the log */
    listed = submit_list(fixture, 0, 10);
    CHECK(fixture, store_fixture_settle(fixture));
    before = syncs();
    for (size_t i = 0; i < USERS; i++) {
        good[i] = submit_grant(fixture, listed->op.list.discounts[1].id,
                               concurrent_clients_user(i, text));
        if (i == USERS / 2) {
            bad = submit_grant(fixture, listed->op.list.discounts[0].id, STR("ann"));
        }
    }
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, bad, STATUS_CORRUPT);
    for (size_t i = 0; i < USERS; i++) {
        CHECK_STATUS(fixture, good[i], STATUS_OK);
    }
    CHECK_INT(fixture, syncs() - before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(the_grants_of_a_turn_cost_few_syncs),
        SQLITE_TEST(a_commit_is_as_large_as_it_may_be_and_no_larger),
        SQLITE_TEST(what_gathers_during_a_commit_is_the_next_one),
        SQLITE_TEST(reads_cost_no_sync),
        SQLITE_TEST(nothing_is_answered_before_its_commit),
        SQLITE_TEST(reads_do_not_wait_for_the_commit_that_they_come_with),
        SQLITE_TEST(behind_a_commit_that_hangs_each_is_told_what_is_known),
        SQLITE_TEST(a_store_that_is_closed_while_a_commit_hangs_tells_what_is_known),
        SQLITE_TEST(an_engine_that_is_closed_behind_a_late_commit_loses_nothing),
        SQLITE_TEST(one_bad_operation_fails_alone),
        SQLITE_TEST(a_discount_that_is_corrupt_costs_the_others_nothing),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("sqlite commit", tests, NULL, NULL);
}
