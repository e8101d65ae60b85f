/* SPDX-License-Identifier: MIT */
/* In: a file. Out: faults, and how many discounts and grants there are.
 *
 *   integrity   pages, trees, every index against its table, every constraint: SQLite's own check
 *   trees       which tables and indexes cannot be read, where the check found something
 *   schema      the same tables, indexes and triggers as in a file made now
 *   walk        every discount and, beside it, every grant of it, both in the order of its number
 *   keys        every idempotency key, and the discount that it is for
 *
 * It goes on after a fault, so that one does not hide another. Memory stays bounded whatever the
 * file holds: only the walk's two rows are kept, and what SQLite sorts goes to a temporary file. */
#include "store/sqlite/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "discount/discount.h"
#include "discount/limits.h"
#include "discount/timestamp.h"
#include "store/audit.h"
#include "store/sqlite/db.h"
#include "store/sqlite/statement.h"

/* How often SQLite says that it is still there, in instructions of its machine; and how many of
 * them its integrity check takes for a grant, which tells how far the check is (3.40: 17 to 21; for
 * a discount it is half as many again). */
#define INSTRUCTIONS_A_TICK 10000
#define INSTRUCTIONS_A_ROW 20
/* How many grants are looked at before progress is told. */
#define GRANTS_A_TICK 1024

struct look {
    struct store_audit *audit;
    sqlite3 *handle;
    uint64_t rows;         /* how many discounts and grants there seem to be, for the progress */
    uint64_t instructions; /* of the integrity check */
    char *error;           /* the caller's */
};

/* A statement, where it is, and whether there is a row. */
struct cursor {
    sqlite3_stmt *statement;
    int code;
};

/* ---- Statements ---- */

/* What a statement that went wrong says of the file. True: it is damaged, which is a fault like
 * others. */
static bool is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
           code == SQLITE_ERROR; /* a table or a column is not there */
}

/* After a statement whose last step said `code`. False when that is no fault of the file's. */
static bool look_on(const struct look *look, int code)
{
    const char *text;

    if (code == SQLITE_DONE) {
        return true;
    }
    /* ERROR is how preparing ends, and the message is that of the last call. */
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

/* True when there is a first row. */
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

/* Whether it has not failed. */
static bool is_readable(const struct cursor *cursor)
{
    return cursor->code == SQLITE_ROW || cursor->code == SQLITE_DONE;
}

/* Ends a look that came to its last row, or as far as it could. */
static bool end(const struct look *look, struct cursor *cursor)
{
    bool goes_on = look_on(look, cursor->code);

    sqlite3_finalize(cursor->statement); /* its result is that of the step */
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

/* A query whose rows are faults in words. */
static bool run_rows(const struct look *look, const char *sql)
{
    struct cursor rows;

    for (bool more = first(look->handle, sql, &rows); more; more = next(&rows)) {
        audit_add(look->audit, text_of(&rows, 0));
    }
    return end(look, &rows);
}

/* ---- Integrity ---- */

/* Behind as many faults SQLite does not look for more: it keeps the text of those of pages. As a
 * table with an argument, newer ones than 3.40 take the number for the name of one. */
static const char integrity_sql[] = "PRAGMA integrity_check(100000)";

/* The check and the walk look at every discount and at every grant once each. */
static void report_progress(const struct look *look, uint64_t done)
{
    uint64_t total = 2 * look->rows;

    look->audit->progress(look->audit->argument, done < total ? done : total, total);
}

/* Of the walk, whose counts are the audit's. */
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
    return 0; /* go on */
}

/* Where they cannot be counted, the walk will say so. */
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

/* What is wrong with pages comes as one text of many lines, under a heading. */
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

/* SQLite says "ok" when there is nothing to say. */
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

/* The check names pages only. These go through every page of the tree that they name, where SQLite
 * would take any other tree for a plain count. */
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

/* Without the statistics, which whoever analyzes the file may add. */
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

/* How what is there stands to what should be: before it in the alphabet, the same, behind it. */
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
            report_object(look, found, "is none of this service");
        } else if (order > 0) {
            report_object(look, wanted, "is missing");
        } else if (!str_eq(text_of(found, 1), text_of(wanted, 1))) {
            report_object(look, found, "is not as this service makes it");
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
    sqlite3_finalize(wanted.statement); /* our own tables in memory */
    goes_on = end(look, &found);
    sqlite_db_close(&fresh);
    return goes_on;
}

/* ---- The walk ---- */

/* Behind the columns of the discount. */
#define DISCOUNT_NUMBER ROW_DISCOUNT_COLUMNS
static const char discounts_sql[] =
    "SELECT " ROW_DISCOUNT ", number FROM discounts ORDER BY number";
/* All in the index, which has this order. */
static const char grants_sql[] = "SELECT discount, granted_at, user_id FROM grants"
                                 " ORDER BY discount";

/* What a discount is called in a fault. */
#define NAME_SIZE 192

/* By its id, or by its number where that is none. */
static void name_put(int64_t number, struct str id, char ret_name[NAME_SIZE])
{
    if (discount_id_is_valid(id)) {
        snprintf(ret_name, NAME_SIZE, "%.*s", (int)id.n, id.p);
    } else {
        snprintf(ret_name, NAME_SIZE, "discount number %" PRId64, number);
    }
}

/* Whom it was granted to, and when. A grant may be older than its discount, for clocks are set
 * back; but not without a time. */
static void grant_check(const struct look *look, const struct cursor *grant, const char *name)
{
    int64_t granted_at_us = number_of(grant, 1);
    struct str user = text_of(grant, 2);
    int n = user.n < LIMIT_USER_ID ? (int)user.n : LIMIT_USER_ID;

    if (!user_id_is_valid(user)) {
        audit_report(look->audit,
                     "%s: was granted to a user whose id is empty, too long or no plain text: %.*s",
                     name, n, user.p);
    }
    if (!timestamp_is_valid(granted_at_us)) {
        audit_report(look->audit, "%s: was granted at %" PRId64 " to user %.*s", name,
                     granted_at_us, n, user.p);
    }
}

/* Looks at the grants that come next, those of one discount, and moves behind them. Returns how
 * many they are. */
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
        audit_report(audit, "%s: created at %" PRId64 ", and the one before it at %" PRId64, name,
                     discount->created_at_us, newest_us);
    }
}

/* A discount, with its grants if it has any. Its texts stay while those of the grants go by. */
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

/* Grants of which there is no discount. */
static void orphans_pass(const struct look *look, struct cursor *grants)
{
    char name[NAME_SIZE];

    name_put(number_of(grants, 0), STR(""), name);
    audit_report(look->audit, "%s: %" PRId64 " grants, and there is no such discount", name,
                 grants_pass(look, grants, name));
}

/* Looks at what comes next, by number. */
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

/* What there was to say of a cursor that the walk need not have come to the end of. */
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
    /* Where one of them cannot be read, the other has nothing to be compared with. */
    while (is_readable(&discounts) && is_readable(&grants) &&
           (has_row(&discounts) || has_row(&grants))) {
        walk_step(look, &discounts, &grants, &newest_us);
        report_walk(look);
    }
    /* First the one that was prepared last, while its message stands. */
    goes_on = walk_end(look, &grants);
    return walk_end(look, &discounts) && goes_on;
}

/* ---- All of it ---- */

/* A key is forgotten a day after its use; a clock that was set back meanwhile may have gone as far.
 */
#define KEY_LIFETIME_US INT64_C(86400000000)
#define CLOCK_SLACK_US INT64_C(3600000000)

static const char keys_sql[] = "SELECT k.brand_id, k.key, k.discount, k.forgotten_from, d.brand_id,"
                               " d.number FROM idempotency_keys AS k"
                               " LEFT JOIN discounts AS d ON d.number = k.discount";
enum { KEY_BRAND, KEY_KEY, KEY_DISCOUNT, KEY_FORGOTTEN, KEY_DISCOUNTS_BRAND, KEY_NUMBER };

static void report_key(const struct look *look, const struct cursor *key, const char *error,
                       int64_t number)
{
    struct str brand = text_of(key, KEY_BRAND), text = text_of(key, KEY_KEY);

    audit_report(look->audit, "idempotency key %.*s of brand %.*s: %s %" PRId64,
                 text.n < AUDIT_LINE ? (int)text.n : AUDIT_LINE, text.p,
                 brand.n < AUDIT_LINE ? (int)brand.n : AUDIT_LINE, brand.p, error, number);
}

static void key_check(const struct look *look, const struct cursor *key, int64_t now_us)
{
    int64_t number = number_of(key, KEY_DISCOUNT), forgotten_us = number_of(key, KEY_FORGOTTEN);
    size_t length = text_of(key, KEY_KEY).n;

    if (length < 1 || length > LIMIT_IDEMPOTENCY_KEY) {
        report_key(look, key, "no key is so long, in bytes:", (int64_t)length);
    }
    if (sqlite3_column_type(key->statement, KEY_NUMBER) == SQLITE_NULL) {
        report_key(look, key, "it is for what does not exist, discount number", number);
    } else if (!str_eq(text_of(key, KEY_BRAND), text_of(key, KEY_DISCOUNTS_BRAND))) {
        report_key(look, key, "it is for another brand's, discount number", number);
    }
    if (!timestamp_is_valid(forgotten_us) ||
        forgotten_us > now_us + KEY_LIFETIME_US + CLOCK_SLACK_US) {
        report_key(look, key, "no key is kept until", forgotten_us);
    }
}

static bool keys(const struct look *look)
{
    struct timespec now = {0};
    struct cursor rows;

    clock_gettime(CLOCK_REALTIME, &now);
    for (bool more = first(look->handle, keys_sql, &rows); more; more = next(&rows)) {
        key_check(look, &rows, (int64_t)now.tv_sec * 1000000);
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
