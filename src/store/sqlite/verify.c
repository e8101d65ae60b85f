/* SPDX-License-Identifier: MIT */
/* In: a file. Out: findings, and the numbers of discounts and grants.
 *
 *   integrity   pages, trees, every index against its table, every constraint: SQLite's own check
 *   trees       if that check found something: which tables and indexes cannot be read
 *   schema      the same tables, indexes and triggers as in a new file
 *   walk        every discount together with its grants, both in the order of its number
 *   keys        every idempotency key, and its discount
 *
 * It continues after a finding, so that one does not hide another. Memory stays bounded whatever
 * the file holds: only the two current rows of the walk are kept, and SQLite sorts in a temporary
 * file. */
#include "store/sqlite/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "discount/discount.h"
#include "discount/limits.h"
#include "discount/timestamp.h"
#include "store/audit.h"
#include "store/sqlite/db.h"
#include "store/sqlite/statement.h"

/* The interval of SQLite's progress calls, in instructions of its virtual machine. The second
 * number estimates the instructions that its integrity check takes per grant, to compute the
 * progress. SQLite 3.40 takes 17 to 21, and half as many again for a discount. */
#define INSTRUCTIONS_A_TICK 10000
#define INSTRUCTIONS_A_ROW 20
/* The number of grants between two progress reports. */
#define GRANTS_A_TICK 1024

struct look {
    struct store_audit *audit;
    sqlite3 *handle;
    uint64_t rows;         /* estimated number of discounts and grants, for the progress */
    uint64_t instructions; /* executed by the integrity check */
    char *error;           /* owned by the caller */
};

/* A statement and the result of its last step. */
struct cursor {
    sqlite3_stmt *statement;
    int code;
};

/* ---- Statements ---- */

/* Returns whether a failed statement shows that the file is damaged, which is a finding like
 * others. */
static bool is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
           code == SQLITE_ERROR; /* a table or a column is missing */
}

/* Reports the result of a statement's last step. False when it failed for a reason outside the
 * file. */
static bool look_on(const struct look *look, int code)
{
    const char *text;

    if (code == SQLITE_DONE) {
        return true;
    }
    /* ERROR comes from preparing a statement; the message is that of the last call. */
    text = code == SQLITE_ERROR ? sqlite3_errmsg(look->handle) : sqlite3_errstr(code);
    if (is_damage(code)) {
        audit_report(look->audit, "cannot be read: %s", text);
        return true;
    }
    snprintf(look->error, STORE_ERROR_SIZE, "%s", text);
    return false;
}

static bool next(struct cursor *cursor)
{
    cursor->code = sqlite3_step(cursor->statement);
    return cursor->code == SQLITE_ROW;
}

/* Runs a query. True when it has a first row. */
static bool first(sqlite3 *handle, const char *sql, struct cursor *ret_cursor)
{
    ret_cursor->statement = NULL;
    ret_cursor->code = sqlite3_prepare_v2(handle, sql, -1, &ret_cursor->statement, NULL);
    return ret_cursor->code == SQLITE_OK && next(ret_cursor);
}

static bool has_row(const struct cursor *cursor)
{
    return cursor->code == SQLITE_ROW;
}

/* Returns whether the statement has not failed. */
static bool is_readable(const struct cursor *cursor)
{
    return cursor->code == SQLITE_ROW || cursor->code == SQLITE_DONE;
}

/* Ends a query after its last row, or where it failed. */
static bool end(const struct look *look, struct cursor *cursor)
{
    bool goes_on = look_on(look, cursor->code);

    sqlite3_finalize(cursor->statement); /* its result is that of the last step */
    return goes_on;
}

static struct str text_of(const struct cursor *cursor, int column)
{
    return sqlite_statement_text(cursor->statement, column);
}

static int64_t number_of(const struct cursor *cursor, int column)
{
    return sqlite3_column_int64(cursor->statement, column);
}

/* Runs a query whose rows are texts of findings. */
static bool run_rows(const struct look *look, const char *sql)
{
    struct cursor rows;

    for (bool more = first(look->handle, sql, &rows); more; more = next(&rows)) {
        audit_add(look->audit, text_of(&rows, 0));
    }
    return end(look, &rows);
}

/* ---- Integrity ---- */

/* SQLite stops after this many findings, because it keeps the texts about pages in memory. It is a
 * PRAGMA and not a table-valued function: with the latter, versions after 3.40 take the number for
 * a table's name. */
static const char integrity_sql[] = "PRAGMA integrity_check(100000)";

/* The integrity check and the walk each visit every discount and every grant once. */
static void report_progress(const struct look *look, uint64_t done)
{
    uint64_t total = 2 * look->rows;

    look->audit->progress(look->audit->argument, done < total ? done : total, total);
}

/* Reports the progress of the walk, from the counts in the audit. */
static void report_walk(const struct look *look)
{
    report_progress(look, look->rows + look->audit->discounts + look->audit->grants);
}

static int tick(void *argument)
{
    struct look *look = argument;
    uint64_t rows;

    look->instructions += INSTRUCTIONS_A_TICK;
    rows = look->instructions / INSTRUCTIONS_A_ROW;
    report_progress(look, rows < look->rows ? rows : look->rows);
    return 0; /* continue */
}

/* If they cannot be counted, the walk reports it. */
static void count_rows(struct look *look, const char *sql)
{
    struct cursor count;

    if (first(look->handle, sql, &count)) {
        look->rows += (uint64_t)number_of(&count, 0);
    }
    sqlite3_finalize(count.statement);
}

static bool is_heading(struct str line)
{
    static const struct str stars = STR_INIT("*** ");

    return line.n >= stars.n && memcmp(line.p, stars.p, stars.n) == 0;
}

/* Findings about pages come as one text of many lines, after a heading. */
static void report_damage(const struct look *look, struct str text)
{
    while (text.n > 0) {
        const char *newline = memchr(text.p, '\n', text.n);
        size_t n = newline == NULL ? text.n : (size_t)(newline - text.p);

        if (n > 0 && !is_heading((struct str){text.p, n})) {
            audit_report(look->audit, "integrity: %.*s", (int)n, text.p);
        }
        text = str_from(text, newline == NULL ? n : n + 1);
    }
}

/* SQLite returns "ok" when it found nothing. */
static bool integrity(struct look *look)
{
    struct cursor rows;

    sqlite3_progress_handler(look->handle, INSTRUCTIONS_A_TICK, tick, look);
    for (bool more = first(look->handle, integrity_sql, &rows); more; more = next(&rows)) {
        if (!str_eq(text_of(&rows, 0), STR("ok"))) {
            report_damage(look, text_of(&rows, 0));
        }
    }
    sqlite3_progress_handler(look->handle, 0, NULL, NULL);
    return end(look, &rows);
}

/* ---- Trees ---- */

/* The integrity check names only pages. These queries read every page of the tree that they name.
 * Without the INDEXED BY clauses SQLite would count in any other tree. */
static const char trees_sql[] =
    "SELECT type || ' ' || name, CASE type"
    " WHEN 'index' THEN printf('SELECT sum(1) FROM \"%w\" INDEXED BY \"%w\"', tbl_name, name)"
    " ELSE printf('SELECT count(*) FROM \"%w\" NOT INDEXED', name) END"
    " FROM sqlite_schema WHERE rootpage > 0";

static void tree_check(const struct look *look, const struct cursor *tree)
{
    struct str name = text_of(tree, 0);
    struct cursor count;

    if (!first(look->handle, text_of(tree, 1).p, &count)) {
        audit_report(look->audit, "%.*s: cannot be read: %s", (int)name.n, name.p,
                     sqlite3_errstr(count.code));
    }
    sqlite3_finalize(count.statement);
}

static bool name_trees(const struct look *look)
{
    struct cursor trees;

    if (look->audit->findings == 0) {
        return true;
    }
    for (bool more = first(look->handle, trees_sql, &trees); more; more = next(&trees)) {
        tree_check(look, &trees);
    }
    return end(look, &trees);
}

/* ---- Schema ---- */

/* Without the statistics tables, which another program may add with ANALYZE. */
static const char schema_sql[] = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema"
                                 " WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY 1";

static void report_object(const struct look *look, const struct cursor *at, const char *what)
{
    struct str name = text_of(at, 0);

    audit_report(look->audit, "schema: the %.*s %s", (int)name.n, name.p, what);
}

static int compare(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* Compares an object with an expected one by name: negative when it comes before it, 0 when it is
 * the same. */
static int order_of(const struct cursor *found, const struct cursor *wanted)
{
    if (!has_row(found)) {
        return 1;
    }
    return has_row(wanted) ? compare(text_of(found, 0), text_of(wanted, 0)) : -1;
}

static void compare_schemas(const struct look *look, struct cursor *found, struct cursor *wanted)
{
    while (has_row(found) || has_row(wanted)) {
        int order = order_of(found, wanted);

        if (order < 0) {
            report_object(look, found, "does not belong to this service");
        } else if (order > 0) {
            report_object(look, wanted, "is missing");
        } else if (!str_eq(text_of(found, 1), text_of(wanted, 1))) {
            report_object(look, found, "differs from what this service makes");
        }
        if (order <= 0) {
            next(found);
        }
        if (order >= 0) {
            next(wanted);
        }
    }
}

static bool schema(const struct look *look)
{
    struct cursor found, wanted;
    struct sqlite_db fresh;
    bool goes_on;

    if (!sqlite_db_open(":memory:", DB_MAY_BE_NEW, &sqlite_db_schema, &fresh, look->error)) {
        return false;
    }
    first(look->handle, schema_sql, &found);
    first(fresh.handle, schema_sql, &wanted);
    compare_schemas(look, &found, &wanted);
    sqlite3_finalize(wanted.statement); /* a query of our own tables in memory */
    goes_on = end(look, &found);
    sqlite_db_close(&fresh);
    return goes_on;
}

/* ---- The walk ---- */

/* The column after those of the discount. */
#define DISCOUNT_NUMBER ROW_DISCOUNT_COLUMNS
static const char discounts_sql[] =
    "SELECT " ROW_DISCOUNT ", number FROM discounts ORDER BY number";
/* The index has all columns, in this order. */
static const char grants_sql[] = "SELECT discount, granted_at, user_id FROM grants"
                                 " ORDER BY discount";

/* The name of a discount in a finding. */
#define NAME_SIZE 192

/* Its id, or its number when the id is not valid. */
static void name_put(int64_t number, struct str id, char ret_name[NAME_SIZE])
{
    if (discount_id_is_valid(id)) {
        snprintf(ret_name, NAME_SIZE, "%.*s", (int)id.n, id.p);
    } else {
        snprintf(ret_name, NAME_SIZE, "discount number %" PRId64, number);
    }
}

/* Checks the user and the time of a grant. A grant may be older than its discount, because clocks
 * are set back, but it must have a valid time. */
static void grant_check(const struct look *look, const struct cursor *grant, const char *name)
{
    int64_t granted_at_us = number_of(grant, 1);
    struct str user = text_of(grant, 2);
    int n = user.n < LIMIT_USER_ID ? (int)user.n : LIMIT_USER_ID;
    char time[TIMESTAMP_SIZE];

    if (!user_id_is_valid(user)) {
        audit_report(
            look->audit,
            "%s: was granted to a user whose id is empty, too long or not plain text: %.*s", name,
            n, user.p);
    }
    if (!timestamp_is_valid(granted_at_us)) {
        timestamp_format(granted_at_us, time);
        audit_report(look->audit, "%s: was granted at an invalid time, %s, to user %.*s", name,
                     time, n, user.p);
    }
}

/* Checks the next grants, all those of one discount, and returns their number. */
static int64_t grants_pass(const struct look *look, struct cursor *grants, const char *name)
{
    int64_t number = number_of(grants, 0), count = 0;

    do {
        grant_check(look, grants, name);
        count++;
        look->audit->grants++;
        if (count % GRANTS_A_TICK == 0) {
            report_walk(look);
        }
    } while (next(grants) && number_of(grants, 0) == number);
    return count;
}

static void discount_check(const struct look *look, const struct discount *discount,
                           int64_t granted, int64_t newest_us, const char *name)
{
    char time[TIMESTAMP_SIZE], time_before[TIMESTAMP_SIZE];
    struct store_audit *audit = look->audit;
    const char *error;

    for (size_t at = 0; (error = discount_next_error(discount, &at)) != NULL;) {
        audit_report(audit, "%s: %s", name, error);
    }
    if (granted > discount->total_count) {
        audit_report(audit, "%s: %" PRId64 " grants of a total of %" PRId64, name, granted,
                     discount->total_count);
    }
    if (discount->granted_count != granted) {
        audit_report(audit, "%s: granted_count is %" PRId64 ", and there are %" PRId64 " grants",
                     name, discount->granted_count, granted);
    }
    if (discount->created_at_us <= newest_us) {
        timestamp_format(discount->created_at_us, time);
        timestamp_format(newest_us, time_before);
        audit_report(audit, "%s: created at %s, and the one before it at %s", name, time,
                     time_before);
    }
}

/* Checks a discount and its grants. Its texts stay valid while the grants are read. */
static void discount_pass(const struct look *look, struct cursor *discounts, struct cursor *grants,
                          int64_t *newest_us)
{
    int64_t number = number_of(discounts, DISCOUNT_NUMBER), granted = 0;
    struct discount discount;
    char name[NAME_SIZE];

    sqlite_statement_discount(discounts->statement, &discount);
    name_put(number, discount.id, name);
    if (has_row(grants) && number_of(grants, 0) == number) {
        granted = grants_pass(look, grants, name);
    }
    discount_check(look, &discount, granted, *newest_us, name);
    *newest_us = discount.created_at_us;
    look->audit->discounts++;
    next(discounts);
}

/* Reports grants whose discount does not exist. */
static void orphans_pass(const struct look *look, struct cursor *grants)
{
    char name[NAME_SIZE];

    name_put(number_of(grants, 0), STR(""), name);
    audit_report(look->audit, "%s: %" PRId64 " grants, but there is no such discount", name,
                 grants_pass(look, grants, name));
}

/* Checks the discount or the grants that come next, by number. */
static void walk_step(const struct look *look, struct cursor *discounts, struct cursor *grants,
                      int64_t *newest_us)
{
    bool is_orphan =
        has_row(grants) &&
        (!has_row(discounts) || number_of(grants, 0) < number_of(discounts, DISCOUNT_NUMBER));

    if (is_orphan) {
        orphans_pass(look, grants);
    } else {
        discount_pass(look, discounts, grants, newest_us);
    }
}

/* Reports the error of a cursor, which the walk may not have read to its end. */
static bool walk_end(const struct look *look, struct cursor *cursor)
{
    bool goes_on = has_row(cursor) || look_on(look, cursor->code);

    sqlite3_finalize(cursor->statement);
    return goes_on;
}

static bool walk(const struct look *look)
{
    struct cursor discounts, grants = {NULL, SQLITE_DONE};
    int64_t newest_us = 0;
    bool goes_on;

    first(look->handle, discounts_sql, &discounts);
    if (is_readable(&discounts)) {
        first(look->handle, grants_sql, &grants);
    }
    /* When one of them cannot be read, the other has nothing to be compared with. */
    while (is_readable(&discounts) && is_readable(&grants) &&
           (has_row(&discounts) || has_row(&grants))) {
        walk_step(look, &discounts, &grants, &newest_us);
        report_walk(look);
    }
    /* The one that was prepared last comes first, while its message is still available. */
    goes_on = walk_end(look, &grants);
    return walk_end(look, &discounts) && goes_on;
}

/* ---- All of it ---- */

static const char keys_sql[] = "SELECT k.brand_id, k.key, k.discount, k.forgotten_from, d.brand_id,"
                               " d.number, d.created_at FROM idempotency_keys AS k"
                               " LEFT JOIN discounts AS d ON d.number = k.discount";
enum {
    KEY_BRAND,
    KEY_KEY,
    KEY_DISCOUNT,
    KEY_FORGOTTEN,
    KEY_DISCOUNTS_BRAND,
    KEY_NUMBER,
    KEY_CREATED
};

static void report_key(const struct look *look, const struct cursor *key, const char *error,
                       const char *value)
{
    struct str brand = text_of(key, KEY_BRAND), text = text_of(key, KEY_KEY);

    audit_report(look->audit, "idempotency key %.*s of brand %.*s: %s %s",
                 text.n < AUDIT_LINE ? (int)text.n : AUDIT_LINE, text.p,
                 brand.n < AUDIT_LINE ? (int)brand.n : AUDIT_LINE, brand.p, error, value);
}

/* Checks the time until which a key is kept, which was set when its discount was created. So the
 * time of creation shows whether it is too late, whatever a clock says now. That time is never
 * before the clock's of then: it is pushed on when that was set back. */
static void key_end_check(const struct look *look, const struct cursor *key)
{
    bool has_discount = sqlite3_column_type(key->statement, KEY_NUMBER) != SQLITE_NULL;
    int64_t created_us = number_of(key, KEY_CREATED), end_us = number_of(key, KEY_FORGOTTEN);
    char time[TIMESTAMP_SIZE];

    timestamp_format(end_us, time);
    if (!timestamp_is_valid(end_us)) {
        report_key(look, key, "it is kept until an invalid time,", time);
    } else if (has_discount && timestamp_is_valid(created_us) &&
               end_us - created_us > LIMIT_KEY_LIFETIME_US) {
        report_key(look, key, "it is kept for more than a day after its first use, until", time);
    }
}

static void key_check(const struct look *look, const struct cursor *key)
{
    char length[24], number[24];
    size_t n = text_of(key, KEY_KEY).n;

    snprintf(length, sizeof(length), "%zu", n);
    snprintf(number, sizeof(number), "%" PRId64, number_of(key, KEY_DISCOUNT));
    if (n < 1 || n > LIMIT_IDEMPOTENCY_KEY) {
        report_key(look, key, "a key cannot have this length in bytes:", length);
    }
    if (sqlite3_column_type(key->statement, KEY_NUMBER) == SQLITE_NULL) {
        report_key(look, key, "it is for a discount that does not exist, number", number);
    } else if (!str_eq(text_of(key, KEY_BRAND), text_of(key, KEY_DISCOUNTS_BRAND))) {
        report_key(look, key, "it is for a discount of another brand, number", number);
    }
    key_end_check(look, key);
}

static bool keys(const struct look *look)
{
    struct cursor rows;

    for (bool more = first(look->handle, keys_sql, &rows); more; more = next(&rows)) {
        key_check(look, &rows);
    }
    return end(look, &rows);
}

bool sqlite_verify_file(const char *path, struct store_audit *audit,
                        char ret_error[STORE_ERROR_SIZE])
{
    struct look look = {.audit = audit, .error = ret_error};
    struct sqlite_db db;
    bool is_whole;

    if (!sqlite_db_open(path, DB_MUST_EXIST, &sqlite_db_schema, &db, ret_error)) {
        if (db.is_damaged) {
            audit_report(audit, "%s", ret_error);
        }
        return db.is_damaged;
    }
    look.handle = db.handle;
    count_rows(&look, "SELECT count(*) FROM grants");
    count_rows(&look, "SELECT count(*) FROM discounts");
    is_whole = run_rows(&look, "PRAGMA query_only = ON") &&
               run_rows(&look, "PRAGMA temp_store = FILE") && integrity(&look) &&
               name_trees(&look) && schema(&look) && walk(&look) && keys(&look);
    sqlite_db_close(&db);
    return is_whole;
}
