/* SPDX-License-Identifier: MIT */
/* In: a file. Out: faults, and how many discounts and grants there are.
 *
 *   integrity   pages, trees, every index against its table, every constraint: SQLite's own check
 *   schema      the same tables, indexes and triggers as in a file made now
 *   walk        every discount beside a count of its grants, both in the order of its number
 *   keys        every idempotency key has its discount
 *
 * It goes on after a fault, so that one does not hide another. Memory stays bounded whatever the
 * file holds: only the walk's two rows are kept, and what SQLite sorts goes to a temporary file. */
#include "store/sqlite_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/audit.h"
#include "store/sqlite_db.h"

/* How often SQLite says that it is still there, in instructions of its machine; and how many of
 * them its integrity check takes for a grant, which tells how far the check is (3.40: 17 to 21). */
#define INSTRUCTIONS_A_TICK 10000
#define INSTRUCTIONS_A_GRANT 20

struct look {
    struct store_audit *audit;
    sqlite3 *handle;
    uint64_t grants;       /* how many there seem to be, for the progress */
    uint64_t instructions; /* of the integrity check */
    char *fault;           /* the caller's */
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
        audit_say(look->audit, "cannot be read: %s", text);
        return true;
    }
    snprintf(look->fault, STORE_FAULT, "%s", text);
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
    const void *bytes = sqlite3_column_blob(cursor->statement, column);

    return bytes == NULL
               ? STR("")
               : (struct str){bytes, (size_t)sqlite3_column_bytes(cursor->statement, column)};
}

static int64_t number_of(const struct cursor *cursor, int column)
{
    return sqlite3_column_int64(cursor->statement, column);
}

/* A query whose rows are faults in words. */
static bool tell_rows(const struct look *look, const char *sql)
{
    struct cursor rows;

    for (bool more = first(look->handle, sql, &rows); more; more = next(&rows)) {
        audit_found(look->audit, text_of(&rows, 0));
    }
    return end(look, &rows);
}

/* ---- Integrity ---- */

/* Behind as many faults SQLite does not look for more: it keeps the text of those of pages. As a
 * table with an argument, newer ones than 3.40 take the number for the name of one. */
static const char integrity_sql[] = "PRAGMA integrity_check(100000)";

/* The check and the walk look at every grant once each. */
static void tell_progress(const struct look *look, uint64_t done)
{
    uint64_t total = 2 * look->grants;

    look->audit->progress(look->audit->argument, done < total ? done : total, total);
}

static int tick(void *argument)
{
    struct look *look = argument;
    uint64_t grants;

    look->instructions += INSTRUCTIONS_A_TICK;
    grants = look->instructions / INSTRUCTIONS_A_GRANT;
    tell_progress(look, grants < look->grants ? grants : look->grants);
    return 0; /* go on */
}

/* Where they cannot be counted, the walk will say so. */
static void count_grants(struct look *look)
{
    struct cursor count;

    if (first(look->handle, "SELECT count(*) FROM grants", &count)) {
        look->grants = (uint64_t)number_of(&count, 0);
    }
    sqlite3_finalize(count.statement);
}

static bool is_heading(struct str line)
{
    static const struct str stars = STR_INIT("*** ");

    return line.n >= stars.n && memcmp(line.p, stars.p, stars.n) == 0;
}

/* What is wrong with pages comes as one text of many lines, under a heading. */
static void tell_damage(const struct look *look, struct str text)
{
    while (text.n > 0) {
        const char *newline = memchr(text.p, '\n', text.n);
        size_t n = newline == NULL ? text.n : (size_t)(newline - text.p);

        if (n > 0 && !is_heading((struct str){text.p, n})) {
            audit_say(look->audit, "integrity: %.*s", (int)n, text.p);
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
            tell_damage(look, text_of(&rows, 0));
        }
    }
    sqlite3_progress_handler(look->handle, 0, NULL, NULL);
    return end(look, &rows);
}

/* ---- Schema ---- */

/* Without the statistics, which whoever analyzes the file may add. */
static const char schema_sql[] = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema"
                                 " WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY 1";

static void tell_object(const struct look *look, const struct cursor *at, const char *what)
{
    struct str name = text_of(at, 0);

    audit_say(look->audit, "schema: the %.*s %s", (int)name.n, name.p, what);
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
            tell_object(look, found, "is none of this service");
        } else if (order > 0) {
            tell_object(look, wanted, "is missing");
        } else if (!str_eq(text_of(found, 1), text_of(wanted, 1))) {
            tell_object(look, found, "is not as this service makes it");
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

    if (!db_open(":memory:", DB_MAY_BE_NEW, &sqlite_schema, &fresh, look->fault)) {
        return false;
    }
    first(look->handle, schema_sql, &found);
    first(fresh.handle, schema_sql, &wanted);
    compare_schemas(look, &found, &wanted);
    sqlite3_finalize(wanted.statement); /* our own tables in memory */
    goes_on = end(look, &found);
    db_close(&fresh);
    return goes_on;
}

/* ---- The walk ---- */

static const char discounts_sql[] = "SELECT number, id, total_count, granted_count, created_at"
                                    " FROM discounts ORDER BY number";
/* All in the index, which has this order. */
static const char grants_sql[] = "SELECT discount, count(*), min(granted_at) FROM grants"
                                 " GROUP BY discount ORDER BY discount";

/* What a row of discounts says, and what its grants say. */
struct stock {
    char id[64];
    int64_t total, counted, created_at_us;
    int64_t granted, first_us;
};

static void stock_take(const struct cursor *discounts, const struct cursor *grants,
                       struct stock *ret_stock)
{
    struct str id = text_of(discounts, 1);

    *ret_stock = (struct stock){
        .total = number_of(discounts, 2),
        .counted = number_of(discounts, 3),
        .created_at_us = number_of(discounts, 4),
        .granted = grants == NULL ? 0 : number_of(grants, 1),
        .first_us = grants == NULL ? 1 : number_of(grants, 2),
    };
    snprintf(ret_stock->id, sizeof(ret_stock->id), "%.*s", (int)id.n, id.p);
}

/* A grant may be older than its discount, for clocks are set back; but not without a time, which is
 * how a grant says that there is none. */
static void stock_check(const struct look *look, const struct stock *stock, int64_t newest_us)
{
    struct store_audit *audit = look->audit;

    if (stock->total < 1) {
        audit_say(audit, "%s: a total of %" PRId64, stock->id, stock->total);
    }
    if (stock->granted > stock->total) {
        audit_say(audit, "%s: %" PRId64 " grants of a total of %" PRId64, stock->id, stock->granted,
                  stock->total);
    }
    if (stock->counted != stock->granted) {
        audit_say(audit, "%s: granted_count is %" PRId64 ", and there are %" PRId64 " grants",
                  stock->id, stock->counted, stock->granted);
    }
    if (stock->created_at_us <= newest_us) {
        audit_say(audit, "%s: created at %" PRId64 ", and the one before it at %" PRId64, stock->id,
                  stock->created_at_us, newest_us);
    }
    if (stock->first_us <= 0) {
        audit_say(audit, "%s: was granted at %" PRId64, stock->id, stock->first_us);
    }
}

/* Looks at the row that comes next, by number: a discount with its grants if it has any, or grants
 * without a discount. */
static void walk_step(const struct look *look, struct cursor *discounts, struct cursor *grants,
                      int64_t *newest_us)
{
    int64_t number = has_row(discounts) ? number_of(discounts, 0) : INT64_MAX;
    int64_t granted = has_row(grants) ? number_of(grants, 0) : INT64_MAX;
    bool has_grants = has_row(grants) && granted <= number;
    bool has_discount = has_row(discounts) && number <= granted;
    struct stock stock;

    if (has_discount) {
        stock_take(discounts, has_grants ? grants : NULL, &stock);
        stock_check(look, &stock, *newest_us);
        *newest_us = stock.created_at_us;
        look->audit->discounts++;
    } else {
        audit_say(look->audit,
                  "discount number %" PRId64 ": %" PRId64 " grants, and there is no such discount",
                  granted, number_of(grants, 1));
    }
    if (has_grants) {
        look->audit->grants += (uint64_t)number_of(grants, 1);
        next(grants);
    }
    if (has_discount) {
        next(discounts);
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
        tell_progress(look, look->grants + look->audit->grants);
    }
    /* First the one that was prepared last, while its message stands. */
    goes_on = walk_end(look, &grants);
    return walk_end(look, &discounts) && goes_on;
}

/* ---- All of it ---- */

static bool keys(const struct look *look)
{
    return tell_rows(look, "SELECT 'idempotency key ' || key || ' of brand ' || brand_id ||"
                           " ': discount number ' || discount || ' does not exist'"
                           " FROM idempotency_keys"
                           " WHERE discount NOT IN (SELECT number FROM discounts)");
}

/* Whether a file that could not be opened is a database, but too damaged for it. */
static bool is_damaged(const char *path)
{
    struct cursor objects;
    sqlite3 *handle = NULL;
    bool damaged = false;

    if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        first(handle, "SELECT count(*) FROM sqlite_schema", &objects);
        damaged = objects.code == SQLITE_CORRUPT;
        sqlite3_finalize(objects.statement);
    }
    sqlite3_close(handle);
    return damaged;
}

bool sqlite_verify_file(const char *path, struct store_audit *audit, char ret_fault[STORE_FAULT])
{
    struct look look = {.audit = audit, .fault = ret_fault};
    struct sqlite_db db;
    bool is_whole;

    if (!db_open(path, DB_MUST_EXIST, &sqlite_schema, &db, ret_fault)) {
        if (is_damaged(path)) {
            audit_say(audit, "%s", ret_fault);
            return true;
        }
        return false;
    }
    look.handle = db.handle;
    count_grants(&look);
    is_whole = tell_rows(&look, "PRAGMA query_only = ON") &&
               tell_rows(&look, "PRAGMA temp_store = FILE") && integrity(&look) && schema(&look) &&
               walk(&look) && keys(&look);
    db_close(&db);
    return is_whole;
}
