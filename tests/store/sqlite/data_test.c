/* SPDX-License-Identifier: MIT */
/* What an operation stores in the file, read without the store, and what the schema refuses from
 * any writer. Also what is found after a crash, after a change of the clock, and in a damaged file.
 * */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discount/engine.h"
#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/corrupt_ones.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/clock.h"
#include "support/process.h"

static struct attempt *settled(struct store_fixture *fixture, struct attempt *attempt)
{
    CHECK(fixture, store_fixture_settle(fixture));
    return attempt;
}

/* ---- SQL without the store ---- */

/* Opens the file after the store has closed it, with foreign keys on. */
static sqlite3 *other_open(const struct sqlite_fixture *sqlite)
{
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open_v2(sqlite->path, &other, SQLITE_OPEN_READWRITE, "unix"),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "PRAGMA foreign_keys = ON", NULL, NULL, NULL), SQLITE_OK);
    return other;
}

static void execute(sqlite3 *other, const char *sql)
{
    if (sqlite3_exec(other, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(other));
    }
}

static void assert_refused(sqlite3 *other, const char *sql)
{
    int code = sqlite3_exec(other, sql, NULL, NULL, NULL);

    if (code != SQLITE_CONSTRAINT) {
        fail_msg("%s: %s, where a constraint should refuse it", sql, sqlite3_errstr(code));
    }
}

static int64_t number_of(sqlite3 *other, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number;

    assert_int_equal(sqlite3_prepare_v2(other, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* ---- The schema ---- */

/* Makes a file that the store has written: number 1 has two units and one grant, number 2 none. */
static sqlite3 *given_file(struct sqlite_fixture *sqlite)
{
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 2);

    sqlite_fixture_discount(fixture, 5);
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 1), STATUS_OK);
    sqlite_fixture_close(sqlite);
    return other_open(sqlite);
}

static void whoever_writes_cannot_grant_more_than_the_stock(void **state)
{
    sqlite3 *other = given_file(*state);

    execute(other, "INSERT INTO grants VALUES ('bob', 1, 5)");
    assert_int_equal(number_of(other, "SELECT granted_count FROM discounts WHERE number = 1"), 2);
    assert_refused(other, "INSERT INTO grants VALUES ('eve', 1, 6)");
    assert_refused(other, "INSERT INTO grants VALUES ('a', 2, 1), ('b', 2, 1), ('c', 2, 1),"
                          " ('d', 2, 1), ('e', 2, 1), ('f', 2, 1)");
    assert_refused(other, "UPDATE discounts SET total_count = 1 WHERE number = 1");
    assert_refused(other, "UPDATE discounts SET granted_count = 3 WHERE number = 1");
    assert_refused(other, "UPDATE discounts SET granted_count = -1 WHERE number = 1");
    assert_refused(other, "UPDATE discounts SET granted_count = 0 WHERE number = 1");
    assert_int_equal(number_of(other, "SELECT count(*) FROM grants"), 2);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void whoever_writes_cannot_grant_twice_to_one_user(void **state)
{
    sqlite3 *other = given_file(*state);

    assert_refused(other, "INSERT INTO grants VALUES ('user 1', 1, 5)");
    assert_refused(other, "INSERT INTO grants VALUES ('bob', 2, 5), ('bob', 2, 6)");
    assert_int_equal(number_of(other, "SELECT granted_count FROM discounts WHERE number = 1"), 1);
    assert_int_equal(number_of(other, "SELECT granted_count FROM discounts WHERE number = 2"), 0);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void whoever_writes_cannot_change_a_grant(void **state)
{
    sqlite3 *other = given_file(*state);

    assert_refused(other, "UPDATE grants SET granted_at = granted_at + 1");
    assert_refused(other, "UPDATE grants SET user_id = 'bob'");
    assert_refused(other, "UPDATE grants SET discount = 2");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void a_grant_that_is_taken_back_is_counted(void **state)
{
    sqlite3 *other = given_file(*state);

    execute(other, "DELETE FROM grants WHERE user_id = 'user 1'");
    assert_int_equal(number_of(other, "SELECT granted_count FROM discounts WHERE number = 1"), 0);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void whoever_writes_cannot_write_what_is_no_grant(void **state)
{
    sqlite3 *other = given_file(*state);

    assert_refused(other, "INSERT INTO grants VALUES ('bob', 99, 5)");
    assert_refused(other, "DELETE FROM discounts WHERE number = 1");
    assert_refused(other, "INSERT INTO grants VALUES ('bob', 'one', 5)");
    assert_refused(other, "INSERT INTO grants VALUES ('bob', 1, 'now')");
    assert_refused(other, "INSERT INTO grants VALUES ('bob', 1, 1.5)");
    assert_refused(other, "INSERT INTO grants VALUES (x'616263', 1, 5)");
    assert_refused(other, "INSERT INTO grants VALUES (NULL, 1, 5)");
    assert_refused(other, "INSERT INTO grants VALUES ('bob', NULL, 5)");
    assert_refused(other, "INSERT INTO grants VALUES ('bob', 1, NULL)");
    assert_int_equal(number_of(other, "SELECT count(*) FROM grants"), 1);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void whoever_writes_cannot_write_what_is_no_discount(void **state)
{
    sqlite3 *other = given_file(*state);

    assert_refused(other, "UPDATE discounts SET total_count = 'many'");
    assert_refused(other, "UPDATE discounts SET total_count = NULL");
    assert_refused(other, "UPDATE discounts SET discount_code = NULL");
    assert_refused(other, "UPDATE discounts SET id = (SELECT id FROM discounts WHERE number = 1)");
    assert_refused(other, "UPDATE discounts SET created_at = 1");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

/* ---- What is stored ---- */

static void texts_that_look_like_sql_are_texts(void **state)
{
    static const struct discount odd = {.brand_id = STR_INIT("x'; DROP TABLE discounts; --"),
                                        .discount_code = STR_INIT("\"); DELETE FROM grants; --"),
                                        .total_count = 1};
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *created =
        settled(fixture, submit_create(fixture, &odd, STR("k', 'k'); DROP TABLE grants; --")));
    struct attempt *granted = settled(
        fixture, submit_grant(fixture, created->op.create.discount.id, STR("u' OR 1 = 1; --")));
    sqlite3 *other;

    CHECK_STATUS(fixture, created, STATUS_OK);
    CHECK_STATUS(fixture, granted, STATUS_OK);
    sqlite_fixture_close(sqlite);
    other = other_open(sqlite);
    assert_int_equal(number_of(other, "SELECT count(*) FROM discounts WHERE brand_id ="
                                      " 'x''; DROP TABLE discounts; --' AND discount_code ="
                                      " '\"); DELETE FROM grants; --'"),
                     1);
    assert_int_equal(
        number_of(other, "SELECT count(*) FROM grants WHERE user_id = 'u'' OR 1 = 1; --'"), 1);
    assert_int_equal(number_of(other, "SELECT count(*) FROM idempotency_keys WHERE key ="
                                      " 'k'', ''k''); DROP TABLE grants; --'"),
                     1);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static const struct discount plain = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 7};

static void a_file_that_is_opened_again_has_everything(void **state)
{
    static const struct discount window = {.brand_id = STR_INIT("a brand"),
                                           .discount_code = STR_INIT("W"),
                                           .total_count = 7,
                                           .starts_at_us = 1700000000123456,
                                           .expires_at_us = 4102444800000001};
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *created = settled(fixture, submit_create(fixture, &window, STR("a key")));
    struct attempt *granted =
        settled(fixture, submit_grant(fixture, created->op.create.discount.id, STR("ann")));
    int64_t granted_at_us = granted->op.grant.grant.granted_at_us;
    struct attempt *again, *listed;
    const struct discount *found;

    CHECK_STATUS(fixture, granted, STATUS_OK);
    sqlite_fixture_close(sqlite);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    again = settled(fixture, submit_create(fixture, &window, STR("a key")));
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.create.replayed);
    listed = settled(fixture, submit_list(fixture, 0, 10));
    CHECK_INT(fixture, listed->op.list.count, 1);
    found = &listed->op.list.discounts[0];
    CHECK_STR(fixture, found->id, again->op.create.discount.id);
    CHECK_STR(fixture, found->discount_code, window.discount_code);
    CHECK_INT(fixture, found->starts_at_us, window.starts_at_us);
    CHECK_INT(fixture, found->expires_at_us, window.expires_at_us);
    CHECK_INT(fixture, found->granted_count, 1);
    granted = settled(fixture, submit_grant(fixture, found->id, STR("ann")));
    CHECK(fixture, granted->op.grant.replayed);
    CHECK_INT(fixture, granted->op.grant.grant.granted_at_us, granted_at_us);
}

/* This holds even if the clock went back before the last creation. */
static void a_discount_is_created_after_the_last_one(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    sqlite3 *other = given_file(sqlite);
    struct store_fixture *fixture;

    execute(other, "UPDATE discounts SET created_at = 8993721599999999 WHERE number = 2");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    for (int64_t i = 1; i <= 3; i++) {
        struct attempt *created = settled(fixture, submit_create(fixture, &plain, (struct str){0}));

        CHECK_INT(fixture, created->op.create.discount.created_at_us, 8993721599999999 + i);
    }
}

static void a_key_is_forgotten_after_its_day(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *created = settled(fixture, submit_create(fixture, &plain, STR("a key")));
    struct attempt *again;
    sqlite3 *other;
    int64_t created_at_us = created->op.create.discount.created_at_us, forgotten_us;

    settled(fixture, submit_create(fixture, &plain, STR("another key")));
    sqlite_fixture_close(sqlite);
    other = other_open(sqlite);
    forgotten_us = number_of(other, "SELECT forgotten_from FROM idempotency_keys"
                                    " WHERE key = 'a key'");
    assert_in_range(forgotten_us, created_at_us + 86400000000 - 1000000,
                    created_at_us + 86400000000);
    execute(other, "UPDATE idempotency_keys SET forgotten_from = 1");
    assert_int_equal(sqlite3_close(other), SQLITE_OK);

    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    again = settled(fixture, submit_create(fixture, &plain, STR("a key")));
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, !again->op.create.replayed);
    again = settled(fixture, submit_create(fixture, &plain, STR("a key")));
    CHECK(fixture, again->op.create.replayed);
    sqlite_fixture_close(sqlite);
    /* The other key was deleted on the way. */
    other = other_open(sqlite);
    assert_int_equal(number_of(other, "SELECT count(*) FROM idempotency_keys"), 1);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

/* ---- After a crash ---- */

#define CRASH_USERS 100

/* In a copy of this process: makes grants, and ends without closing. */
static void grant_and_die(void *argument)
{
    struct sqlite_fixture *sqlite = argument;
    const char *fault = "";
    struct store_engine *engine = store_engine_open(sqlite->url, &fault);
    struct store_fixture fixture;
    struct attempt *created;
    char text[16];

    if (engine == NULL || !store_engine_start(engine) ||
        !store_fixture_open_ready(&fixture, "sqlite", engine, sqlite_fixture_patient())) {
        _exit(EXIT_FAILURE);
    }
    created = submit_create(&fixture,
                            &(struct discount){.brand_id = STR("b"),
                                               .discount_code = STR("c"),
                                               .total_count = CRASH_USERS},
                            (struct str){0});
    store_fixture_settle(&fixture);
    for (size_t i = 0; i < CRASH_USERS; i++) {
        struct attempt *asked = submit_grant(&fixture, created->op.create.discount.id,
                                             concurrent_clients_user(i, text));

        if (!store_fixture_settle(&fixture) || asked->op.status != STATUS_OK) {
            _exit(EXIT_FAILURE);
        }
    }
    _exit(EXIT_SUCCESS);
}

/* Leaves a file with a log, and appends `garbage` to the log. */
static void crash(struct sqlite_fixture *sqlite, struct str garbage)
{
    char log[80];
    struct stat about;
    int status = -1, fd;

    assert_true(process_wait(process_fork(grant_and_die, sqlite, STDERR_FILENO), CLOCK_PATIENCE_MS,
                             &status));
    assert_int_equal(status, 0);
    snprintf(log, sizeof(log), "%s-wal", sqlite->path);
    assert_int_equal(stat(log, &about), 0);
    assert_true(about.st_size > CRASH_USERS * 4096);
    fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, garbage.p, garbage.n), garbage.n);
    close(fd);
}

static void assert_whole(struct sqlite_fixture *sqlite)
{
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *listed = settled(fixture, submit_list(fixture, 0, 10));
    struct str id;

    CHECK_INT(fixture, listed->op.list.count, 1);
    id = listed->op.list.discounts[0].id;
    CHECK_INT(fixture, listed->op.list.discounts[0].granted_count, CRASH_USERS);
    for (size_t i = 0; i < CRASH_USERS; i++) {
        CHECK_INT(fixture, sqlite_fixture_grant_get(fixture, id, i), STATUS_OK);
    }
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, CRASH_USERS), STATUS_DISCOUNT_EXHAUSTED);
}

static void a_log_that_a_crash_left_is_recovered(void **state)
{
    crash(*state, STR(""));
    assert_whole(*state);
}

static void half_a_write_at_the_end_of_the_log_is_nothing(void **state)
{
    static char garbage[3 * 4096 + 17];

    memset(garbage, 'g', sizeof(garbage));
    crash(*state, (struct str){garbage, sizeof(garbage)});
    assert_whole(*state);
}

/* ---- A damaged file ---- */

static void a_damaged_page_is_corrupt_and_not_a_crash(void **state)
{
    static char garbage[2048];
    struct sqlite_fixture *sqlite = *state;
    sqlite3 *other = given_file(sqlite);
    int64_t root = number_of(other, "SELECT rootpage FROM sqlite_schema WHERE name = 'grants'");
    struct store_fixture *fixture;
    struct attempt *listed;
    struct str id;
    int fd;

    assert_int_equal(number_of(other, "PRAGMA page_size"), sizeof(garbage));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    memset(garbage, 0xA5, sizeof(garbage));
    fd = open(sqlite->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, garbage, sizeof(garbage), (root - 1) * (off_t)sizeof(garbage)),
                     sizeof(garbage));
    close(fd);

    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    listed = settled(fixture, submit_list(fixture, 0, 10));
    CHECK_STATUS(fixture, listed, STATUS_OK);
    id = listed->op.list.discounts[0].id;
    CHECK_INT(fixture, sqlite_fixture_grant_get(fixture, id, 1), STATUS_CORRUPT);
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 2), STATUS_CORRUPT);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 1);
}

/* ---- Values that our stores never write ---- */

/* Changes number 1, which user 1 was granted, and checks which requests find it corrupt. */
static void check_plant(struct sqlite_fixture *sqlite, const char *sql, int corrupt)
{
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 5);
    char kept[32] = "";
    int found;
    sqlite3 *other;

    memcpy(kept, id.p, id.n);
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 1), STATUS_OK);
    sqlite_fixture_close(sqlite);
    other = other_open(sqlite);
    execute(other, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF");
    sqlite3_db_config(other, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    execute(other, sql);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    found = corrupt_ones(fixture, str_of(kept), STR("user 1"));
    sqlite_fixture_close(sqlite);
    if (found != corrupt) {
        fail_msg("%s: corrupt are 0x%x, not 0x%x", sql, (unsigned)found, (unsigned)corrupt);
    }
    other = other_open(sqlite);
    if ((corrupt & GRANT) != 0) {
        assert_int_equal(number_of(other, "SELECT count(*) FROM grants WHERE user_id = 'new'"), 0);
    }
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(unlink(sqlite->path), 0);
}

static void what_no_store_writes_is_corrupt_and_nothing_else(void **state)
{
    static const struct {
        const char *sql;
        int corrupt;
    } plants[] = {
        {"UPDATE discounts SET discount_code = ''", ALL},
        {"UPDATE discounts SET discount_code = printf('%.257c', 'x')", ALL},
        {"UPDATE discounts SET discount_code = printf('%.2000000c', 'x')", ALL},
        {"UPDATE discounts SET discount_code = CAST(x'ff' AS TEXT)", ALL},
        {"UPDATE discounts SET discount_code = char(7)", ALL},
        {"UPDATE discounts SET brand_id = ''", SHOWN},
        {"UPDATE discounts SET brand_id = CAST(x'c3' AS TEXT)", SHOWN},
        {"UPDATE discounts SET total_count = 1000000001", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET total_count = 0", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET granted_count = -1", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET starts_at = 0", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET starts_at = -1", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET expires_at = 0", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET expires_at = 253402300800000000", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET starts_at = 7, expires_at = 7", SHOWN | GRANT | REPEAT | GRANTS},
        {"UPDATE discounts SET created_at = 0", SHOWN},
        {"UPDATE discounts SET created_at = -5", SHOWN},
        {"UPDATE discounts SET created_at = 9223372036854775807", SHOWN},
        {"INSERT INTO discounts (id, brand_id, discount_code, total_count, created_at)"
         " VALUES ('', 'b', 'c', 1, 5)",
         LIST},
        {"INSERT INTO discounts (id, brand_id, discount_code, total_count, created_at)"
         " VALUES ('garbage', 'b', 'c', 1, 9223372036854775807)",
         LIST},
        {"INSERT INTO grants VALUES ('', 1, 5)", GRANTS},
        {"INSERT INTO grants VALUES (CAST(x'80' AS TEXT), 1, 5)", GRANTS},
        {"INSERT INTO grants VALUES (printf('%.2000000c', 'u'), 1, 5)", GRANTS},
        {"INSERT INTO grants VALUES ('eve', 1, -5)", GRANTS},
        {"INSERT INTO grants VALUES ('eve', 1, 9223372036854775807)", GRANTS},
        {"UPDATE grants SET granted_at = 0", REPEAT | GRANT_GET | GRANTS | WALLET},
        {"UPDATE grants SET granted_at = 9223372036854775807",
         REPEAT | GRANT_GET | GRANTS | WALLET},
        {"INSERT INTO grants VALUES ('user 1', 77, 5)", WALLET},
    };

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        check_plant(*state, plants[i].sql, plants[i].corrupt);
    }
}

static void nothing_is_created_behind_the_last_time(void **state)
{
    static const char *const last[] = {"9223372036854775807", "253402300799999999"};

    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        struct sqlite_fixture *sqlite = *state;
        sqlite3 *other = given_file(sqlite);
        struct store_fixture *fixture;
        char sql[128];

        snprintf(sql, sizeof(sql), "UPDATE discounts SET created_at = %s WHERE number = 2",
                 last[i]);
        execute(other, sql);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
        CHECK_STATUS(fixture, settled(fixture, submit_create(fixture, &plain, (struct str){0})),
                     STATUS_CORRUPT);
        CHECK_STATUS(fixture, settled(fixture, submit_create(fixture, &plain, STR("key"))),
                     STATUS_CORRUPT);
        sqlite_fixture_close(sqlite);
        other = other_open(sqlite);
        assert_int_equal(number_of(other, "SELECT count(*) FROM discounts"), 2);
        assert_int_equal(number_of(other, "SELECT count(*) FROM idempotency_keys"), 0);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        assert_int_equal(unlink(sqlite->path), 0);
    }
}

static void a_key_of_another_brands_discount_hands_out_nothing(void **state)
{
    static const char *const plants[] = {
        "UPDATE discounts SET brand_id = 'another'",
        "UPDATE discounts SET id = 'garbage'",
        "PRAGMA foreign_keys = OFF; UPDATE idempotency_keys SET discount = 77",
    };

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        struct sqlite_fixture *sqlite = *state;
        struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
        sqlite3 *other;

        CHECK_STATUS(fixture, settled(fixture, submit_create(fixture, &plain, STR("key"))),
                     STATUS_OK);
        sqlite_fixture_close(sqlite);
        other = other_open(sqlite);
        execute(other, plants[i]);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
        CHECK_STATUS(fixture, settled(fixture, submit_create(fixture, &plain, STR("key"))),
                     STATUS_CORRUPT);
        sqlite_fixture_close(sqlite);
        assert_int_equal(unlink(sqlite->path), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(whoever_writes_cannot_grant_more_than_the_stock),
        SQLITE_TEST(whoever_writes_cannot_grant_twice_to_one_user),
        SQLITE_TEST(whoever_writes_cannot_change_a_grant),
        SQLITE_TEST(a_grant_that_is_taken_back_is_counted),
        SQLITE_TEST(whoever_writes_cannot_write_what_is_no_grant),
        SQLITE_TEST(whoever_writes_cannot_write_what_is_no_discount),
        SQLITE_TEST(texts_that_look_like_sql_are_texts),
        SQLITE_TEST(a_file_that_is_opened_again_has_everything),
        SQLITE_TEST(a_discount_is_created_after_the_last_one),
        SQLITE_TEST(a_key_is_forgotten_after_its_day),
        SQLITE_TEST(a_log_that_a_crash_left_is_recovered),
        SQLITE_TEST(half_a_write_at_the_end_of_the_log_is_nothing),
        SQLITE_TEST(a_damaged_page_is_corrupt_and_not_a_crash),
        SQLITE_TEST(what_no_store_writes_is_corrupt_and_nothing_else),
        SQLITE_TEST(nothing_is_created_behind_the_last_time),
        SQLITE_TEST(a_key_of_another_brands_discount_hands_out_nothing),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("sqlite data", tests, NULL, NULL);
}
