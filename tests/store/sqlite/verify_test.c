/* SPDX-License-Identifier: MIT */
/* The findings of a verify on valid SQLite files, and on damaged ones. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/check.h"
#include "store/findings.h"
#include "support/clock.h"
#include "support/directory.h"
#include "support/test.h"

#define SPOIL(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* A file that a store has written, with two discounts. The first has three grants of five. The
 * second was created with an idempotency key and has one grant. */
struct file {
    struct directory directory;
    char path[64], url[80];
    char first[32], second[32]; /* their ids */
};

static void store_fill(struct file *file, struct store_fixture *fixture)
{
    static const struct discount five = {
        .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 5};
    struct attempt *first = submit_create(fixture, &five, (struct str){0}), *second;

    assert_true(store_fixture_settle(fixture));
    second = submit_create(fixture, &five, STR("key"));
    assert_true(store_fixture_settle(fixture));
    submit_grant(fixture, first->op.create.discount.id, STR("ann"));
    submit_grant(fixture, first->op.create.discount.id, STR("bob"));
    submit_grant(fixture, first->op.create.discount.id, STR("eve"));
    submit_grant(fixture, second->op.create.discount.id, STR("ann"));
    assert_true(store_fixture_settle(fixture));
    memcpy(file->first, first->op.create.discount.id.p, first->op.create.discount.id.n);
    memcpy(file->second, second->op.create.discount.id.p, second->op.create.discount.id.n);
}

static int setup(void **state)
{
    static const struct store_limits limits = {.deadline_ms = CLOCK_PATIENCE_MS, .in_flight = 16};
    struct file *file = calloc(1, sizeof(*file));
    struct store_engine *engine;
    const char *fault = "";
    struct store_fixture fixture;

    assert_non_null(file);
    directory_make(&file->directory);
    snprintf(file->path, sizeof(file->path), "%s/discount.db", file->directory.path);
    snprintf(file->url, sizeof(file->url), "sqlite:%s", file->path);
    engine = store_engine_open(file->url, &fault);
    assert_non_null(engine);
    assert_true(store_engine_start(engine));
    assert_true(store_fixture_open_ready(&fixture, "sqlite", engine, limits));
    store_fill(file, &fixture);
    assert_null(store_fixture_close(&fixture));
    store_engine_close(engine);
    *state = file;
    return 0;
}

static int teardown(void **state)
{
    struct file *file = *state;

    directory_remove(&file->directory);
    free(file);
    return 0;
}

/* Runs SQL without the store, over its own connection, with every check off that SQLite can turn
 * off. A ? is replaced by the first discount's id. */
static void spoil(const struct file *file, const char *sql)
{
    sqlite3 *handle = NULL;
    char *message = NULL;
    char text[1024];
    const char *blank = strchr(sql, '?');

    snprintf(text, sizeof(text),
             "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;"
             "PRAGMA writable_schema = ON; %.*s%s%s%s%s",
             (int)(blank == NULL ? strlen(sql) : (size_t)(blank - sql)), sql,
             blank == NULL ? "" : "'", blank == NULL ? "" : file->first, blank == NULL ? "" : "'",
             blank == NULL ? "" : blank + 1);
    assert_int_equal(sqlite3_open_v2(file->path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    /* A trigger refuses to set the counts, but updates them when grants are added. */
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, strstr(sql, "SET granted") == NULL,
                      NULL);
    if (sqlite3_exec(handle, text, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", text, message);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

/* Returns the number that a query gives. */
static int64_t number(const struct file *file, const char *sql)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t found;

    assert_int_equal(sqlite3_open_v2(file->path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return found;
}

/* ---- Valid files ---- */

static void a_file_that_a_store_has_written_has_no_finding(void **state)
{
    struct file *file = *state;

    findings_none(file->url, 2, 4);
}

static void a_verify_leaves_every_byte_as_it_was(void **state)
{
    struct file *file = *state;
    char *before = malloc(1 << 20), *after = malloc(1 << 20);
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(fd, before, 1 << 20, 0);

    findings_none(file->url, 2, 4);
    assert_true(n > 0 && n < 1 << 20);
    assert_int_equal(pread(fd, after, 1 << 20, 0), n);
    assert_memory_equal(before, after, (size_t)n);
    close(fd);
    free(before);
    free(after);
}

static void statistics_that_somebody_has_made_are_no_fault(void **state)
{
    struct file *file = *state;

    spoil(file, "ANALYZE");
    findings_none(file->url, 2, 4);
}

static void a_grant_may_be_older_than_its_discount(void **state)
{
    struct file *file = *state;

    spoil(file, "INSERT INTO grants SELECT 'zoe', number, created_at - 1 FROM discounts"
                " WHERE id = ?");
    findings_none(file->url, 2, 5);
}

/* Everything was made a year ahead of this machine's clock. */
static void data_of_a_clock_that_is_ahead_have_no_finding(void **state)
{
    struct file *file = *state;

    spoil(file, "DROP TRIGGER grants_do_not_change;"
                "UPDATE discounts SET created_at = created_at + 31536000000000;"
                "UPDATE grants SET granted_at = granted_at + 31536000000000;"
                "UPDATE idempotency_keys SET forgotten_from = forgotten_from + 31536000000000;"
                "CREATE TRIGGER grants_do_not_change BEFORE UPDATE ON grants BEGIN\n"
                "    SELECT raise(ABORT, 'a grant does not change');\nEND");
    findings_none(file->url, 2, 4);
}

/* The clock was an hour ahead at the first creation, and right at the second one. Its time was
 * pushed on, and its key is kept for less than a day from then. */
static void a_key_from_before_a_clock_was_set_back_has_no_finding(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET created_at = created_at + 3600000000");
    findings_none(file->url, 2, 4);
}

static void progress_reaches_its_total(void **state)
{
    struct file *file = *state;
    struct findings findings;

    findings_take(file->url, &findings);
    assert_true(findings.is_progress_valid);
    assert_true(findings.shown > 0);
    assert_int_equal(findings.done, findings.total);
    assert_true(findings.total >= 4);
    findings_drop(&findings);
}

/* ---- Counts ---- */

static void a_counter_that_is_one_too_high_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET granted_count = granted_count + 1 WHERE id = ?");
    findings_one(file->url, file->first, ": granted_count is 4, and there are 3 grants");
}

static void a_counter_that_is_one_too_low_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET granted_count = granted_count - 1 WHERE id = ?");
    findings_one(file->url, file->first, ": granted_count is 2, and there are 3 grants");
}

static void a_counter_of_a_discount_without_grants_is_looked_at_too(void **state)
{
    struct file *file = *state;

    spoil(file, "DROP TRIGGER deleted_grants_are_counted; DELETE FROM grants WHERE discount = 2");
    findings_hold(file->url, file->second, ": granted_count is 1, and there are 0 grants");
}

static void a_counter_below_nothing_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET granted_count = -1 WHERE id = ?");
    findings_hold(file->url, file->first, ": granted_count is -1, and there are 3 grants");
    findings_hold(file->url, "integrity: ", "CHECK constraint failed in discounts");
}

static void more_grants_than_stock_are_found_though_the_counter_agrees(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET total_count = 2 WHERE id = ?");
    findings_hold(file->url, file->first, ": 3 grants of a total of 2");
}

static void a_stock_of_nothing_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "DELETE FROM grants WHERE discount = 1;"
                "UPDATE discounts SET total_count = 0 WHERE id = ?");
    findings_one(file->url, file->first, ": total_count is not a valid number of units");
}

static void times_of_creation_that_go_back_are_found(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET created_at = created_at + 1000000000 WHERE id = ?");
    findings_one(file->url, file->second, ": created at 20");
}

static void a_grant_without_a_time_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "INSERT INTO grants SELECT 'zoe', number, 0 FROM discounts WHERE id = ?");
    findings_one(file->url, file->first,
                 ": was granted at an invalid time, 1970-01-01T00:00:00.000000Z, to user zoe");
}

static void progress_counts_discounts_too(void **state)
{
    struct file *file = *state;
    struct findings findings;

    spoil(file, "DELETE FROM grants; UPDATE discounts SET granted_count = 0");
    findings_take(file->url, &findings);
    assert_int_equal(findings.total, 2 * 2);
    assert_int_equal(findings.done, findings.total);
    findings_drop(&findings);
}

/* ---- Values that our stores never write ---- */

struct plant {
    const char *sql;          /* ? is the first discount's id */
    const char *begin, *text; /* of the finding; NULL: the first discount's id */
};

/* Plants each in its own file, where it must be the only finding. */
static void plant_each(void **state, const struct plant *plants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct file *file = *state;

        spoil(file, plants[i].sql);
        findings_one(file->url, plants[i].begin == NULL ? file->first : plants[i].begin,
                     plants[i].text);
        teardown(state);
        setup(state);
    }
}

static void a_discount_that_no_store_writes_is_found(void **state)
{
    static const char code[] = ": discount_code is empty, too long or not plain text",
                      brand[] = ": brand_id is empty, too long or not plain text",
                      id[] = ": its id does not have the form of an id";
    static const struct plant plants[] = {
        {"UPDATE discounts SET discount_code = '' WHERE id = ?", NULL, code},
        {"UPDATE discounts SET discount_code = printf('%.257c', 'x') WHERE id = ?", NULL, code},
        {"UPDATE discounts SET discount_code = CAST(x'ff' AS TEXT) WHERE id = ?", NULL, code},
        {"UPDATE discounts SET discount_code = 'a' || char(10) WHERE id = ?", NULL, code},
        {"UPDATE discounts SET brand_id = '' WHERE id = ?", NULL, brand},
        {"UPDATE discounts SET brand_id = printf('%.129c', 'x') WHERE id = ?", NULL, brand},
        {"UPDATE discounts SET brand_id = CAST(x'c0af' AS TEXT) WHERE id = ?", NULL, brand},
        {"UPDATE discounts SET id = '' WHERE id = ?", "discount number 1", id},
        {"UPDATE discounts SET id = 'garbage' WHERE id = ?", "discount number 1", id},
        {"UPDATE discounts SET id = id || 'A' WHERE id = ?", "discount number 1", id},
        {"UPDATE discounts SET total_count = 1000000001 WHERE id = ?", NULL, ": total_count is"},
        {"UPDATE discounts SET starts_at = 0 WHERE id = ?", NULL, ": starts_at is not a time"},
        {"UPDATE discounts SET starts_at = -1 WHERE id = ?", NULL, ": starts_at is not a time"},
        {"UPDATE discounts SET starts_at = 253402300800000000 WHERE id = ?", NULL,
         ": starts_at is not a time"},
        {"UPDATE discounts SET expires_at = 253402300800000000 WHERE id = ?", NULL,
         ": expires_at is not a time"},
        {"UPDATE discounts SET starts_at = 5, expires_at = 5 WHERE id = ?", NULL,
         ": expires_at is not later than starts_at"},
        {"UPDATE discounts SET created_at = 9223372036854775807 WHERE number = 2", "dsc-",
         ": created_at is not a time"},
        {"UPDATE discounts SET created_at = 253402300800000000 WHERE number = 2", "dsc-",
         ": created_at is not a time"},
    };

    plant_each(state, plants, sizeof(plants) / sizeof(plants[0]));
}

static void one_error_of_a_discount_hides_no_other(void **state)
{
    static const char *const texts[] = {
        ": created_at is not a time", ": created at 1969-12-31T23:59:59.999995Z",
        ": expires_at is not a time", ": expires_at is not later", ": discount_code is empty"};
    struct file *file = *state;

    spoil(file, "UPDATE discounts SET created_at = -5, discount_code = '', expires_at = -5"
                " WHERE id = ?");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        findings_hold(file->url, file->first, texts[i]);
    }
}

static void a_grant_that_no_store_writes_is_found(void **state)
{
    static const char user[] = ": was granted to a user whose id is empty, too long or not plain";
    static const struct plant plants[] = {
        {"INSERT INTO grants SELECT '', number, 5 FROM discounts WHERE id = ?", NULL, user},
        {"INSERT INTO grants SELECT CAST(x'80' AS TEXT), number, 5 FROM discounts WHERE id = ?",
         NULL, user},
        {"INSERT INTO grants SELECT printf('%.256c', 'u'), number, 5 FROM discounts WHERE id = ?",
         NULL, user},
        {"INSERT INTO grants SELECT 'zoe', number, -1 FROM discounts WHERE id = ?", NULL,
         ": was granted at an invalid time, 1969-12-31T23:59:59.999999Z, to user zoe"},
        {"INSERT INTO grants SELECT 'zoe', number, 253402300800000000 FROM discounts WHERE id = ?",
         NULL, ": was granted at an invalid time, +010000-01-01T00:00:00.000000Z, to user zoe"},
    };

    plant_each(state, plants, sizeof(plants) / sizeof(plants[0]));
}

static void an_idempotency_key_that_no_store_writes_is_found(void **state)
{
    static const char begin[] = "idempotency key ";
    static const struct plant plants[] = {
        {"UPDATE idempotency_keys SET brand_id = 'thief'", begin,
         "key of brand thief: it is for a discount of another brand, number 2"},
        {"UPDATE idempotency_keys SET key = ''", begin,
         "a key cannot have this length in bytes: 0"},
        {"UPDATE idempotency_keys SET key = printf('%.256c', 'k')", begin, "in bytes: 256"},
        {"UPDATE idempotency_keys SET forgotten_from = forgotten_from + 7200000000", begin,
         ": it is kept for more than a day after its first use, until 20"},
        {"UPDATE idempotency_keys SET forgotten_from = 0", begin,
         ": it is kept until an invalid time, 1970-01-01T00:00:00.000000Z"},
        {"UPDATE idempotency_keys SET forgotten_from = 9223372036854775807", begin,
         ": it is kept until an invalid time, +294247-01-10T04:00:54.775807Z"},
    };

    plant_each(state, plants, sizeof(plants) / sizeof(plants[0]));
}

/* ---- Dangling references ---- */

static void a_grant_without_its_discount_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "INSERT INTO grants VALUES ('zoe', 77, 1), ('zac', 77, 1), ('zoe', -3, 1)");
    findings_hold(file->url, "discount number 77: ", "2 grants, but there is no such discount");
    findings_hold(file->url, "discount number -3: ", "1 grants, but there is no such discount");
}

static void grants_between_two_discounts_hide_nothing_behind_them(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE idempotency_keys SET discount = 9; DELETE FROM grants WHERE discount = 2;"
                "UPDATE discounts SET number = 9 WHERE number = 2;"
                "INSERT INTO grants VALUES ('zoe', 5, 1), ('ann', 9, 1), ('zoe', 9, 1)");
    findings_one(file->url, "discount number 5: ", "1 grants");
}

static void an_idempotency_key_without_its_discount_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE idempotency_keys SET discount = 77");
    findings_one(file->url, "idempotency key key of brand a brand: ", "does not exist, number 77");
}

static void a_fault_does_a_terminal_no_harm(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE idempotency_keys SET discount = 77,"
                " key = char(27) || '[2J' || char(10) || char(155) || '\\'");
    findings_one(file->url, "idempotency key \\x1b[2J\\x0a\\xc2\\x9b\\x5c of", "");
}

static void a_fault_is_one_line_however_much_there_is_to_tell(void **state)
{
    struct file *file = *state;
    struct findings findings;

    spoil(file, "UPDATE idempotency_keys SET discount = 77,"
                " key = replace(hex(zeroblob(5000)), '0', char(7))");
    findings_take(file->url, &findings);
    assert_int_equal(findings.answered, 2);
    assert_in_range(strlen(findings.lines), 2000, 2048);
    findings_drop(&findings);
}

/* ---- The schema ---- */

static void a_trigger_that_was_dropped_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "DROP TRIGGER grants_are_counted");
    findings_one(file->url, "schema: ", "trigger grants_are_counted is missing");
}

static void an_index_that_was_dropped_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "DROP INDEX grants_of_discount");
    findings_one(file->url, "schema: ", "index grants_of_discount is missing");
}

static void a_constraint_that_was_taken_out_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "UPDATE sqlite_schema SET sql = replace(sql, 'BETWEEN 0 AND total_count',"
                " 'IS NOT NULL') WHERE name = 'discounts'");
    findings_one(file->url, "schema: ", "table discounts differs from what this service makes");
}

static void a_trigger_that_is_none_of_ours_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "CREATE TRIGGER zzz AFTER INSERT ON grants BEGIN SELECT 1; END");
    findings_one(file->url, "schema: ", "trigger zzz does not belong to this service");
}

static void a_table_that_was_dropped_is_found(void **state)
{
    struct file *file = *state;

    spoil(file, "DROP TABLE grants");
    findings_hold(file->url, "schema: ", "table grants is missing");
    findings_hold(file->url, "cannot be read: ", "no such table: grants");
    spoil(file, "PRAGMA legacy_alter_table = ON; ALTER TABLE discounts RENAME TO others");
    findings_hold(file->url, "schema: ", "table discounts is missing");
    findings_hold(file->url, "cannot be read: ", "no such table: discounts");
}

/* ---- Damage ---- */

static void a_row_that_an_index_does_not_have_is_found(void **state)
{
    struct file *file = *state;

    spoil(file,
          "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'grants_of_discount';"
          "DELETE FROM sqlite_schema WHERE name = 'grants_of_discount'");
    spoil(file, "INSERT INTO grants SELECT 'zoe', number, 5 FROM discounts WHERE id = ?");
    spoil(file, "INSERT INTO sqlite_schema SELECT * FROM kept; DROP TABLE kept");
    findings_hold(file->url, "integrity: ", "missing from index grants_of_discount");
    findings_hold(file->url, file->first, "granted_count is 4, and there are 3 grants");
}

/* Overwrites a whole page with bytes that no page holds. */
static void page_spoil(const struct file *file, int64_t page)
{
    size_t size = (size_t)number(file, "PRAGMA page_size");
    char *garbage = malloc(size);
    int fd = open(file->path, O_WRONLY | O_CLOEXEC);
    struct stat about;

    assert_non_null(garbage);
    memset(garbage, 0x5a, size);
    assert_int_equal(fstat(fd, &about), 0);
    assert_true(page >= 1 && page * (int64_t)size <= about.st_size);
    assert_int_equal(pwrite(fd, garbage, size, (page - 1) * (off_t)size), size);
    close(fd);
    free(garbage);
}

/* Damages the root page of a table or index. */
static void damage_page(const struct file *file, const char *tree)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", tree);
    page_spoil(file, number(file, sql));
}

static const struct {
    const char *tree, *name;
} trees[] = {{"discounts", "table discounts: "},
             {"discounts_of_brand", "index discounts_of_brand: "},
             {"sqlite_autoindex_discounts_1", "index sqlite_autoindex_discounts_1: "},
             {"sqlite_autoindex_discounts_2", "index sqlite_autoindex_discounts_2: "},
             {"grants", "table grants: "},
             {"grants_of_discount", "index grants_of_discount: "},
             {"idempotency_keys", "table idempotency_keys: "},
             {"idempotency_keys_by_end", "index idempotency_keys_by_end: "}};

static void a_damaged_page_is_found_wherever_it_is(void **state)
{
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        struct file *file = *state;

        damage_page(file, trees[i].tree);
        findings_hold(file->url, "integrity: ", "");
        findings_hold(file->url, trees[i].name, "cannot be read: ");
        teardown(state);
        setup(state);
    }
}

static void each_damage_is_a_line_of_its_own(void **state)
{
    struct file *file = *state;
    struct findings findings;

    damage_page(file, "grants");
    damage_page(file, "idempotency_keys");
    findings_take(file->url, &findings);
    assert_true(findings.is_whole);
    assert_null(strstr(findings.lines, "\\x0a"));
    assert_null(strstr(findings.lines, "***"));
    assert_true(findings.answered >= 2);
    findings_drop(&findings);
    findings_hold(file->url, "table grants: ", "");
    findings_hold(file->url, "table idempotency_keys: ", "");
}

static void a_truncated_file_is_found(void **state)
{
    struct file *file = *state;
    struct stat about;

    assert_int_equal(stat(file->path, &about), 0);
    assert_int_equal(truncate(file->path, about.st_size / 2), 0);
    findings_one(file->url, file->path, "malformed");
}

/* ---- Data that cannot be read ---- */

static void assert_refused(const char *url, const char *text)
{
    struct findings findings;

    findings_take(url, &findings);
    assert_false(findings.is_whole);
    assert_non_null(strstr(findings.fault, text));
    assert_int_equal(findings.audit.findings, 0);
    findings_drop(&findings);
}

static void a_file_that_is_in_use_is_refused(void **state)
{
    struct file *file = *state;
    const char *fault = "";
    struct store_engine *engine = store_engine_open(file->url, &fault);

    assert_non_null(engine);
    assert_true(store_engine_start(engine));
    assert_refused(file->url, "in use by another process");
    store_engine_close(engine);
}

static void a_file_that_is_not_there_is_refused_and_not_made(void **state)
{
    struct file *file = *state;

    assert_int_equal(unlink(file->path), 0);
    assert_refused(file->url, file->path);
    assert_int_equal(access(file->path, F_OK), -1);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    struct file *file = *state;

    page_spoil(file, 1);
    assert_refused(file->url, "not a database of this service");
}

static void memory_is_refused(void **state)
{
    (void)state;
    assert_refused("sqlite::memory:", "memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPOIL(a_file_that_a_store_has_written_has_no_finding),
        SPOIL(a_verify_leaves_every_byte_as_it_was),
        SPOIL(statistics_that_somebody_has_made_are_no_fault),
        SPOIL(a_grant_may_be_older_than_its_discount),
        SPOIL(data_of_a_clock_that_is_ahead_have_no_finding),
        SPOIL(a_key_from_before_a_clock_was_set_back_has_no_finding),
        SPOIL(progress_reaches_its_total),
        SPOIL(a_counter_that_is_one_too_high_is_found),
        SPOIL(a_counter_that_is_one_too_low_is_found),
        SPOIL(a_counter_of_a_discount_without_grants_is_looked_at_too),
        SPOIL(a_counter_below_nothing_is_found),
        SPOIL(more_grants_than_stock_are_found_though_the_counter_agrees),
        SPOIL(a_stock_of_nothing_is_found),
        SPOIL(times_of_creation_that_go_back_are_found),
        SPOIL(a_grant_without_a_time_is_found),
        SPOIL(progress_counts_discounts_too),
        SPOIL(a_discount_that_no_store_writes_is_found),
        SPOIL(one_error_of_a_discount_hides_no_other),
        SPOIL(a_grant_that_no_store_writes_is_found),
        SPOIL(an_idempotency_key_that_no_store_writes_is_found),
        SPOIL(a_grant_without_its_discount_is_found),
        SPOIL(grants_between_two_discounts_hide_nothing_behind_them),
        SPOIL(an_idempotency_key_without_its_discount_is_found),
        SPOIL(a_fault_does_a_terminal_no_harm),
        SPOIL(a_fault_is_one_line_however_much_there_is_to_tell),
        SPOIL(a_trigger_that_was_dropped_is_found),
        SPOIL(an_index_that_was_dropped_is_found),
        SPOIL(a_constraint_that_was_taken_out_is_found),
        SPOIL(a_trigger_that_is_none_of_ours_is_found),
        SPOIL(a_table_that_was_dropped_is_found),
        SPOIL(a_row_that_an_index_does_not_have_is_found),
        SPOIL(a_damaged_page_is_found_wherever_it_is),
        SPOIL(each_damage_is_a_line_of_its_own),
        SPOIL(a_truncated_file_is_found),
        SPOIL(a_file_that_is_in_use_is_refused),
        SPOIL(a_file_that_is_not_there_is_refused_and_not_made),
        SPOIL(a_file_that_is_no_database_is_refused),
        cmocka_unit_test(memory_is_refused),
    };

    return cmocka_run_group_tests_name("sqlite verify", tests, NULL, NULL);
}
