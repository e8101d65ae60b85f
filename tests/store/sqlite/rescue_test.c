/* SPDX-License-Identifier: MIT */
/* What is saved of a store whose files were taken: with and without the pages that SQLite has in
 * memory. */
#include "store/sqlite/rescue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite_fixture.h"
#include "support/clock.h"

#define ROWS 50

/* Opens a store of ROWS discounts, which are in the log. */
static void shop_open(const struct sqlite_fixture *sqlite, struct sqlite_db *ret_db)
{
    char error[STORE_ERROR_SIZE] = "", sql[512];

    assert_true(sqlite_db_open(sqlite->path, DB_MAY_BE_NEW, &sqlite_db_schema, ret_db, error));
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO discounts (id, brand_id, discount_code, total_count, created_at)"
             " SELECT printf('dsc-%%021dA', i), 'b', printf('%%.200c', 'c'), 5, 1000000 + i FROM n",
             ROWS);
    assert_int_equal(sqlite3_exec(ret_db->handle, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* It is closed without a last look at files that are not its own. */
static void shop_drop(struct sqlite_db *db)
{
    sqlite3_close(db->handle);
}

static void log_cut(const struct sqlite_fixture *sqlite)
{
    char log[80];

    snprintf(log, sizeof(log), "%s-wal", sqlite->path);
    assert_int_equal(truncate(log, 100), 0);
}

static int rows_of(const char *path)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    int count = -1;

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    if (sqlite3_prepare_v2(handle, "SELECT count(*) FROM discounts", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        count = sqlite3_column_int(statement, 0);
    }
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return count;
}

static bool is_there(const char *path, const char *ending)
{
    char name[SQLITE_PARTIAL_PATH + 16];
    struct stat about;

    snprintf(name, sizeof(name), "%s%s", path, ending);
    if (stat(name, &about) != 0) {
        return false;
    }
    assert_int_equal(about.st_mode & 0777, 0600);
    return true;
}

static void what_is_in_memory_alone_is_saved(void **state)
{
    struct sqlite_rescue rescue;
    const char *path = "";
    struct sqlite_db db;

    shop_open(*state, &db);
    log_cut(*state);
    assert_string_equal(sqlite_watch_look(&db.watch, &path), "was cut off");
    assert_true(sqlite_rescue_save(&db, &rescue));
    assert_true(rescue.is_whole);
    assert_true(is_there(rescue.path, ""));
    assert_false(is_there(rescue.path, "-wal"));
    assert_int_equal(rows_of(rescue.path), ROWS);
    shop_drop(&db);
}

/* Two raw copies, and no word of all being there. */
static void what_nobody_has_any_more_is_said_to_be_missing(void **state)
{
    struct sqlite_rescue rescue;
    const char *path = "";
    struct sqlite_db db;

    shop_open(*state, &db);
    log_cut(*state);
    assert_int_equal(sqlite3_db_release_memory(db.handle), SQLITE_OK);
    assert_string_equal(sqlite_watch_look(&db.watch, &path), "was cut off");
    assert_true(sqlite_rescue_save(&db, &rescue));
    assert_false(rescue.is_whole);
    assert_true(is_there(rescue.path, ""));
    assert_true(is_there(rescue.path, "-wal"));
    assert_true(rows_of(rescue.path) < ROWS);
    shop_drop(&db);
}

struct again {
    struct sqlite_db *db;
    struct sqlite_rescue rescue;
};

static bool is_saved_again(void *argument)
{
    struct again *again = argument;

    if (sqlite_rescue_save(again->db, &again->rescue)) {
        return true;
    }
    assert_non_null(strstr(again->rescue.error, "exists already"));
    return false;
}

/* In the same second it has no name of its own, and is tried again. */
static void a_copy_that_is_there_is_not_written_over(void **state)
{
    struct sqlite_rescue first;
    struct sqlite_db db;
    struct again again = {.db = &db};

    shop_open(*state, &db);
    assert_true(sqlite_rescue_save(&db, &first));
    assert_true(clock_wait(is_saved_again, &again, CLOCK_PATIENCE_MS));
    assert_string_not_equal(first.path, again.rescue.path);
    assert_int_equal(rows_of(first.path), ROWS);
    assert_int_equal(rows_of(again.rescue.path), ROWS);
    shop_drop(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(what_is_in_memory_alone_is_saved),
        SQLITE_TEST(what_nobody_has_any_more_is_said_to_be_missing),
        SQLITE_TEST(a_copy_that_is_there_is_not_written_over),
    };

    return cmocka_run_group_tests_name("sqlite rescue", tests, NULL, NULL);
}
