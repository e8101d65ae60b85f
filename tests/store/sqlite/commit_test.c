/* SPDX-License-Identifier: MIT */
/* One commit for many: what it costs, what happens to everybody while it hangs, and that one bad
 * operation in it harms no other. */
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

static void submit_grants(struct scene *scene, struct str id, size_t from, size_t count)
{
    char text[16];

    for (size_t i = from; i < from + count; i++) {
        submit_grant(scene, id, crowd_user(i, text));
    }
}

/* A discount in a file whose log has begun already, which costs a sync of its own. */
static struct str given_discount(struct scene *scene)
{
    return sqlite_rig_discount(scene, 100000);
}

/* Submits a grant and a creation, and waits until the disk hangs in their commit. */
static void hang(struct scene *scene, struct str id, struct attempt *ret_asked[2])
{
    fault_vfs_hang(FAULT_LOG);
    ret_asked[0] = submit_grant(scene, id, STR("ann"));
    ret_asked[1] = submit_create(scene, &plain, (struct str){0});
    store_flush(scene->turn.store);
    CHECK(scene, fault_vfs_wait_hanging());
}

/* ---- What it costs ---- */

/* The thread begins with a handful while the others are still submitted. */
static void the_grants_of_a_turn_cost_few_syncs(void **state)
{
    struct scene *scene = sqlite_rig_open(*state, sqlite_rig_patient());
    struct str id = given_discount(scene);
    unsigned before = syncs();

    submit_grants(scene, id, 0, 500);
    CHECK(scene, scene_settle(scene));
    CHECK(scene, syncs() - before <= 20);
    CHECK_INT(scene, sqlite_rig_granted_count(scene, id), 500);
}

static void a_commit_is_as_large_as_it_may_be_and_no_larger(void **state)
{
    struct scene *scene = sqlite_rig_open(*state, sqlite_rig_patient());
    struct str id = given_discount(scene);
    unsigned before = syncs();
    struct attempt *asked[2];

    hang(scene, id, asked);
    submit_grants(scene, id, 0, 3000);
    store_flush(scene->turn.store);
    fault_vfs_mend();
    CHECK(scene, scene_settle(scene));
    CHECK_INT(scene, syncs() - before, 1 + 3);
    CHECK_INT(scene, sqlite_rig_granted_count(scene, id), 3001);
}

static void what_gathers_during_a_commit_is_the_next_one(void **state)
{
    struct scene *scene = sqlite_rig_open(*state, sqlite_rig_patient());
    struct str id = given_discount(scene);
    unsigned before = syncs();
    struct attempt *asked[2];

    hang(scene, id, asked);
    for (size_t i = 0; i < 10; i++) {
        submit_grants(scene, id, 30 * i, 30);
        store_flush(scene->turn.store);
    }
    fault_vfs_mend();
    CHECK(scene, scene_settle(scene));
    CHECK_INT(scene, syncs() - before, 2);
    CHECK_INT(scene, sqlite_rig_granted_count(scene, id), 301);
}

static void reads_cost_no_sync(void **state)
{
    struct scene *scene = sqlite_rig_open(*state, sqlite_rig_patient());
    struct str id = given_discount(scene);
    unsigned before = syncs();

    submit_get(scene, id);
    submit_list(scene, 0, 10);
    submit_grant_get(scene, id, STR("ann"));
    CHECK(scene, scene_settle(scene));
    CHECK_INT(scene, syncs() - before, 0);
}

/* ---- A commit that hangs ---- */

static bool is_done(void *argument)
{
    const struct attempt *attempt = argument;

    return attempt->done > 0;
}

static void nothing_is_answered_before_its_commit(void **state)
{
    struct scene *scene = sqlite_rig_open(*state, sqlite_rig_patient());
    struct str id = given_discount(scene);
    struct attempt *asked[2];

    hang(scene, id, asked);
    CHECK(scene, !turn_until(&scene->turn, is_done, asked[0], 100));
    CHECK(scene, !is_done(asked[1]));
    fault_vfs_mend();
    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, asked[0], STATUS_OK);
    CHECK_STATUS(scene, asked[1], STATUS_OK);
}

static void reads_do_not_wait_for_the_commit_that_they_come_with(void **state)
{
    struct scene *scene = sqlite_rig_open(*state, sqlite_rig_patient());
    struct str id = given_discount(scene);
    struct attempt *granted, *read;

    fault_vfs_hang(FAULT_LOG);
    granted = submit_grant(scene, id, STR("ann"));
    read = submit_get(scene, id);
    CHECK(scene, turn_until(&scene->turn, is_done, read, CLOCK_PATIENCE_MS));
    CHECK_STATUS(scene, read, STATUS_OK);
    CHECK(scene, !is_done(granted));
    fault_vfs_mend();
    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, granted, STATUS_OK);
}

/* Of what was in the commit nobody knows; what came behind it was surely not applied. */
static void behind_a_commit_that_hangs_each_is_told_what_is_known(void **state)
{
    enum { BEHIND = 6 };
    struct sqlite_rig *rig = *state;
    struct scene *scene = sqlite_rig_open(rig, hasty), patient;
    struct str id = given_discount(scene);
    struct attempt *asked[2], *behind[BEHIND], *listed;

    CHECK(scene, scene_open_ready(&patient, "sqlite", rig->engine, sqlite_rig_patient()));
    hang(scene, id, asked);
    behind[0] = submit_ping(scene);
    behind[1] = submit_create(scene, &plain, STR("a key"));
    behind[2] = submit_get(scene, id);
    behind[3] = submit_list(scene, 0, 10);
    behind[4] = submit_grant(scene, id, STR("bob"));
    behind[5] = submit_grant_get(scene, id, STR("ann"));
    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, asked[0], STATUS_UNKNOWN);
    CHECK_STATUS(scene, asked[1], STATUS_UNKNOWN);
    for (size_t i = 0; i < BEHIND; i++) {
        CHECK_STATUS(scene, behind[i], STATUS_UNAVAILABLE);
    }

    fault_vfs_mend();
    CHECK_INT(scene, sqlite_rig_granted_count(&patient, id), 1);
    listed = submit_list(&patient, 0, 10);
    CHECK(scene, scene_settle(&patient));
    CHECK_INT(scene, listed->op.list.count, 2);
    CHECK_INT(scene, sqlite_rig_grant_get(&patient, id, 0), STATUS_GRANT_NOT_FOUND);
    /* What came back late was given to nobody, and the same store works on. */
    CHECK_INT(scene, asked[0]->done, 1);
    CHECK_INT(scene, sqlite_rig_granted_count(scene, id), 1);
    assert_null(scene_close(&patient));
}

static void a_store_that_is_closed_while_a_commit_hangs_tells_what_is_known(void **state)
{
    struct sqlite_rig *rig = *state;
    struct scene *scene = sqlite_rig_open(rig, sqlite_rig_patient()), second;
    struct str id = given_discount(scene);
    struct attempt *asked[2], *behind, *unsent;

    CHECK(scene, scene_open_ready(&second, "sqlite", rig->engine, sqlite_rig_patient()));
    hang(&second, id, asked);
    behind = submit_grant(&second, id, STR("bob"));
    store_flush(second.turn.store);
    unsent = submit_grant(&second, id, STR("eve"));
    scene_end(&second);
    CHECK_STATUS(scene, asked[0], STATUS_UNKNOWN);
    CHECK_STATUS(scene, asked[1], STATUS_UNKNOWN);
    CHECK_STATUS(scene, behind, STATUS_UNAVAILABLE);
    CHECK_STATUS(scene, unsent, STATUS_UNAVAILABLE);
    assert_null(scene_free(&second));
    /* Their memory is gone when the commit comes back. */
    fault_vfs_mend();
    CHECK_INT(scene, sqlite_rig_granted_count(scene, id), 1);
}

/* The engine waits for it, and what came back to nobody goes with it. */
static void an_engine_that_is_closed_behind_a_late_commit_loses_nothing(void **state)
{
    struct sqlite_rig *rig = *state;
    struct scene *scene = sqlite_rig_open(rig, hasty);
    struct str id = given_discount(scene);
    struct attempt *asked[2], *listed;

    hang(scene, id, asked);
    CHECK(scene, scene_settle(scene));
    fault_vfs_mend();
    sqlite_rig_close(rig);
    scene = sqlite_rig_open(rig, sqlite_rig_patient());
    listed = submit_list(scene, 0, 10);
    CHECK(scene, scene_settle(scene));
    CHECK_INT(scene, listed->op.list.count, 2);
    CHECK_INT(scene, listed->op.list.discounts[0].granted_count, 1);
}

/* ---- One bad operation ---- */

/* Runs SQL behind the schema's back. */
static void spoil(const struct sqlite_rig *rig, const char *sql)
{
    char text[256];
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open_v2(rig->path, &other, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    sqlite3_db_config(other, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    snprintf(text, sizeof(text), "PRAGMA ignore_check_constraints = ON; %s", sql);
    assert_int_equal(sqlite3_exec(other, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void one_bad_operation_fails_alone(void **state)
{
    enum { USERS = 20 };
    struct sqlite_rig *rig = *state;
    struct scene *scene = sqlite_rig_open(rig, sqlite_rig_patient());
    struct attempt *listed, *good[USERS], *bad, *created;
    struct str bad_id, good_id;
    char text[16];

    given_discount(scene);
    given_discount(scene);
    sqlite_rig_close(rig);
    /* No grant of it can be counted. */
    spoil(rig, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql,"
               " 'AND total_count', 'AND total_count * (number > 1)') WHERE name = 'discounts'");
    scene = sqlite_rig_open(rig, sqlite_rig_patient());
    listed = submit_list(scene, 0, 10);
    CHECK(scene, scene_settle(scene));
    bad_id = listed->op.list.discounts[0].id;
    good_id = listed->op.list.discounts[1].id;
    for (size_t i = 0; i < USERS / 2; i++) {
        good[i] = submit_grant(scene, good_id, crowd_user(i, text));
    }
    bad = submit_grant(scene, bad_id, STR("ann"));
    created = submit_create(scene, &plain, STR("a key"));
    for (size_t i = USERS / 2; i < USERS; i++) {
        good[i] = submit_grant(scene, good_id, crowd_user(i, text));
    }
    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, bad, STATUS_UNAVAILABLE);
    CHECK_STATUS(scene, created, STATUS_OK);
    CHECK(scene, !created->op.create.replayed);
    for (size_t i = 0; i < USERS; i++) {
        CHECK_STATUS(scene, good[i], STATUS_OK);
        CHECK(scene, !good[i]->op.grant.replayed);
    }
    CHECK_INT(scene, sqlite_rig_granted_count(scene, good_id), USERS);
}

/* It is refused before anything is written, so the others need not be run again for it. */
static void a_discount_that_is_corrupt_costs_the_others_nothing(void **state)
{
    enum { USERS = 10 };
    struct sqlite_rig *rig = *state;
    struct scene *scene = sqlite_rig_open(rig, sqlite_rig_patient());
    struct attempt *listed, *bad = NULL, *good[USERS];
    unsigned before;
    char text[16];

    given_discount(scene);
    given_discount(scene);
    sqlite_rig_close(rig);
    spoil(rig, "UPDATE discounts SET discount_code = printf('%.300c', 'x') WHERE number = 1");
    scene = sqlite_rig_open(rig, sqlite_rig_patient());
    given_discount(scene); /* begins the log */
    listed = submit_list(scene, 0, 10);
    CHECK(scene, scene_settle(scene));
    before = syncs();
    for (size_t i = 0; i < USERS; i++) {
        good[i] = submit_grant(scene, listed->op.list.discounts[1].id, crowd_user(i, text));
        if (i == USERS / 2) {
            bad = submit_grant(scene, listed->op.list.discounts[0].id, STR("ann"));
        }
    }
    CHECK(scene, scene_settle(scene));
    CHECK_STATUS(scene, bad, STATUS_CORRUPT);
    for (size_t i = 0; i < USERS; i++) {
        CHECK_STATUS(scene, good[i], STATUS_OK);
    }
    CHECK_INT(scene, syncs() - before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_RIG(the_grants_of_a_turn_cost_few_syncs),
        SQLITE_RIG(a_commit_is_as_large_as_it_may_be_and_no_larger),
        SQLITE_RIG(what_gathers_during_a_commit_is_the_next_one),
        SQLITE_RIG(reads_cost_no_sync),
        SQLITE_RIG(nothing_is_answered_before_its_commit),
        SQLITE_RIG(reads_do_not_wait_for_the_commit_that_they_come_with),
        SQLITE_RIG(behind_a_commit_that_hangs_each_is_told_what_is_known),
        SQLITE_RIG(a_store_that_is_closed_while_a_commit_hangs_tells_what_is_known),
        SQLITE_RIG(an_engine_that_is_closed_behind_a_late_commit_loses_nothing),
        SQLITE_RIG(one_bad_operation_fails_alone),
        SQLITE_RIG(a_discount_that_is_corrupt_costs_the_others_nothing),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("sqlite commit", tests, NULL, NULL);
}
