/* SPDX-License-Identifier: MIT */
/* In: an operation. Out: its status and results. The SQL of all verbs comes first, then one
 * function per verb. Texts are bound as parameters, never pasted into SQL. */
#include "store/sqlite/verbs.h"

#include <assert.h>
#include <stdlib.h>

#include "discount/limits.h"
#include "store/backend.h"
#include "store/sqlite/statement.h"
#include "store/validate.h"
#include "store/wall_clock.h"

#define NS_PER_MS 1000000

/* The column after those of the discount, in SQL_WALLET. */
#define WALLET_GRANTED_AT ROW_DISCOUNT_COLUMNS

/* The functions below bind the parameters in the order of their numbers. */
enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_PING,
    SQL_GET,
    SQL_LIST,
    SQL_LIST_OF_BRAND,
    SQL_GRANT_GET,
    SQL_GRANTS,
    SQL_WALLET,
    SQL_TERMS,
    SQL_USER_GRANT,
    SQL_GRANT,
    SQL_COUNT_GRANTED,
    SQL_KEY,
    SQL_KEY_INSERT,
    SQL_KEYS_FORGET,
    SQL_NEWEST,
    SQL_CREATE,
    SQL_COUNT
};

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_PING] = "SELECT count(*) FROM sqlite_schema",
    [SQL_GET] = "SELECT " ROW_DISCOUNT " FROM discounts WHERE id = ?",
    [SQL_LIST] = "SELECT " ROW_DISCOUNT " FROM discounts WHERE created_at > ?"
                 " ORDER BY created_at LIMIT ?",
    [SQL_LIST_OF_BRAND] = "SELECT " ROW_DISCOUNT " FROM discounts WHERE created_at > ?"
                          " AND brand_id = ?3 ORDER BY created_at LIMIT ?2",
    [SQL_GRANT_GET] = "SELECT discount_code, granted_at FROM discounts"
                      " LEFT JOIN grants ON discount = number AND user_id = ? WHERE id = ?",
    [SQL_GRANTS] = "SELECT granted_at, user_id FROM grants WHERE discount = ?"
                   " AND (granted_at, user_id) > (?, ?) ORDER BY granted_at, user_id LIMIT ?",
    /* Reads all grants of the user, probably newest first, so that later rows drop out of the sort
     * at once. The inner LIMIT is needed: without it SQLite ignores the inner order. */
    [SQL_WALLET] = "SELECT " ROW_DISCOUNT ", granted_at FROM (SELECT discount, granted_at"
                   " FROM grants WHERE user_id = ?1 AND granted_at <= ?2"
                   " ORDER BY discount DESC LIMIT -1) LEFT JOIN discounts ON number = discount"
                   " WHERE (granted_at, id) < (?2, ?3)"
                   " ORDER BY granted_at DESC, id DESC LIMIT ?4",
    [SQL_TERMS] = "SELECT number, total_count, granted_count, starts_at, expires_at, discount_code"
                  " FROM discounts WHERE id = ?",
    [SQL_USER_GRANT] = "SELECT granted_at FROM grants WHERE user_id = ? AND discount = ?",
    [SQL_GRANT] = "INSERT INTO grants (user_id, discount, granted_at) VALUES (?, ?, ?)"
                  " ON CONFLICT (user_id, discount) DO NOTHING",
    [SQL_COUNT_GRANTED] = "UPDATE discounts SET granted_count = granted_count + ? WHERE number = ?",
    /* The first use of a key: whether its inputs were the same, and its discount. */
    [SQL_KEY] = "SELECT k.discount_code IS ? AND k.total_count IS ? AND k.starts_at IS ?"
                " AND k.expires_at IS ?, d.id, d.created_at, d.brand_id IS k.brand_id"
                " FROM idempotency_keys AS k LEFT JOIN discounts AS d ON d.number = k.discount"
                " WHERE k.brand_id = ? AND k.key = ? AND k.forgotten_from > ?",
    [SQL_KEY_INSERT] = "INSERT OR REPLACE INTO idempotency_keys (discount_code, total_count,"
                       " starts_at, expires_at, brand_id, key, forgotten_from, discount)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    /* Deletes several keys for each new one, so that expired keys do not accumulate. */
    [SQL_KEYS_FORGET] =
        "DELETE FROM idempotency_keys WHERE (brand_id, key) IN (SELECT brand_id, key"
        " FROM idempotency_keys WHERE forgotten_from <= ? LIMIT 4)",
    [SQL_NEWEST] = "SELECT max(created_at) FROM discounts",
    [SQL_CREATE] = "INSERT INTO discounts (discount_code, total_count, starts_at, expires_at,"
                   " brand_id, id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
};

/* The fields of a discount that a grant needs. */
struct discount_terms {
    char id[DISCOUNT_ID_LENGTH], code[LIMIT_DISCOUNT_CODE];
    size_t code_size; /* 0: no terms are loaded */
    int64_t number, total, granted, starts_at_us, expires_at_us;
    int64_t uncounted; /* grants that are not in its granted_count yet */
};

struct sqlite_verbs {
    struct sqlite_db *db; /* borrowed */
    sqlite3_stmt *statements[SQL_COUNT];
    bool has_failed; /* SQLite failed in the current operation */
    struct wall_clock_log clock_log;
    struct discount_terms
        terms; /* of the last discount in this transaction, which is usually the next one too */
};

/* ---- Statements ---- */

static sqlite3_stmt *statement(struct sqlite_verbs *verbs, enum sql sql)
{
    return verbs->statements[sql];
}

/* Binding to one of these statements fails only without memory. The parameter is then NULL, which
 * no constraint and no comparison here accepts. */
static void bind_text(sqlite3_stmt *statement, int at, struct str text)
{
    sqlite3_bind_text(statement, at, text.n == 0 ? "" : text.p, (int)text.n, SQLITE_STATIC);
}

/* A time of 0 means "none", which is NULL in the table. */
static void bind_time(sqlite3_stmt *statement, int at, int64_t time_us)
{
    if (time_us == 0) {
        sqlite3_bind_null(statement, at);
    } else {
        sqlite3_bind_int64(statement, at, time_us);
    }
}

/* Resets a statement. `code` is the result of its last step. */
static enum status finish(struct sqlite_verbs *verbs, sqlite3_stmt *at, int code)
{
    bool is_valid = code == SQLITE_ROW || code == SQLITE_DONE;
    enum status status = is_valid ? STATUS_OK : sqlite_db_status(verbs->db);

    verbs->has_failed = verbs->has_failed || !is_valid;
    sqlite3_reset(at);
    return status;
}

/* Runs a statement that returns no rows. OK, or the status of its failure. */
static enum status run(struct sqlite_verbs *verbs, enum sql sql)
{
    sqlite3_stmt *at = statement(verbs, sql);

    return finish(verbs, at, sqlite3_step(at));
}

/* Copies a text that was read; p is NULL only without memory. A text longer than any valid one is
 * cut, but stays too long. */
static struct str text_dup(struct str text, struct arena *arena)
{
    text.n = text.n > LIMIT_DISCOUNT_CODE ? LIMIT_DISCOUNT_CODE + 1 : text.n;
    return arena_dup(arena, text);
}

/* Reads the clock before a write. UNAVAILABLE when it is wrong: nothing is stored with its time,
 * and grants and keys that exist are not looked at. */
static enum status clock_read(struct sqlite_verbs *verbs, int64_t *ret_time_us)
{
    int64_t time_us = wall_clock_us();

    if (!wall_clock_is_right(time_us)) {
        wall_clock_log_wrong(&verbs->clock_log, "sqlite", time_us, uv_hrtime() / NS_PER_MS);
        return STATUS_UNAVAILABLE;
    }
    *ret_time_us = time_us;
    return STATUS_OK;
}

/* ---- Reading ---- */

static enum status ping(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_PING);

    (void)op; /* a ping has only its status */
    return finish(verbs, at, sqlite3_step(at));
}

/* Reads a discount without validating it, which the store does. False without memory. */
static bool discount_take(sqlite3_stmt *at, struct arena *arena, struct discount *ret_discount)
{
    sqlite_statement_discount(at, ret_discount);
    ret_discount->brand_id = text_dup(ret_discount->brand_id, arena);
    ret_discount->discount_code = text_dup(ret_discount->discount_code, arena);
    ret_discount->id = text_dup(ret_discount->id, arena);
    return ret_discount->brand_id.p != NULL && ret_discount->discount_code.p != NULL &&
           ret_discount->id.p != NULL;
}

/* Returns the time from which a page of a list begins. The first page begins with any row. */
static int64_t position_us(bool is_first, int64_t time_us)
{
    return is_first ? INT64_MIN : time_us;
}

static enum status get(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_GET);
    bool taken = true;
    enum status status;
    int code;

    bind_text(at, 1, op->get.discount.id);
    code = sqlite3_step(at);
    if (code == SQLITE_ROW) {
        taken = discount_take(at, op->arena, &op->get.discount);
    }
    status = finish(verbs, at, code);
    if (status != STATUS_OK) {
        return status;
    }
    return code == SQLITE_DONE ? STATUS_DISCOUNT_NOT_FOUND : taken ? STATUS_OK : STATUS_OVERLOADED;
}

static enum status list(struct sqlite_verbs *verbs, struct store_op *op)
{
    bool is_of_brand = op->list.brand_id.n > 0;
    sqlite3_stmt *at = statement(verbs, is_of_brand ? SQL_LIST_OF_BRAND : SQL_LIST);
    enum status status;
    bool taken = true;
    int code = SQLITE_ROW;

    op->list.count = 0;
    op->list.discounts = arena_alloc(op->arena, (op->list.limit + 1) * sizeof(struct discount));
    if (op->list.discounts == NULL) {
        return STATUS_OVERLOADED;
    }
    sqlite3_bind_int64(at, 1, position_us(op->list.after_us == 0, op->list.after_us));
    sqlite3_bind_int64(at, 2, (sqlite3_int64)op->list.limit);
    if (is_of_brand) {
        bind_text(at, 3, op->list.brand_id);
    }
    while (taken && (code = sqlite3_step(at)) == SQLITE_ROW) {
        taken = discount_take(at, op->arena, &op->list.discounts[op->list.count++]);
    }
    status = finish(verbs, at, code);
    return status != STATUS_OK || taken ? status : STATUS_OVERLOADED;
}

static enum status grant_get(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_GRANT_GET);
    struct grant *grant = &op->grant.grant;
    enum status status;
    int code;

    bind_text(at, 1, grant->user_id);
    bind_text(at, 2, grant->discount_id);
    code = sqlite3_step(at);
    if (code == SQLITE_ROW) {
        grant->discount_code = text_dup(sqlite_statement_text(at, 0), op->arena);
        grant->granted_at_us = sqlite_statement_time(at, 1);
    }
    status = finish(verbs, at, code);
    if (status != STATUS_OK) {
        return status;
    }
    if (code == SQLITE_DONE) {
        return STATUS_DISCOUNT_NOT_FOUND;
    }
    if (grant->discount_code.p == NULL) {
        return STATUS_OVERLOADED;
    }
    return grant->granted_at_us == 0 ? STATUS_GRANT_NOT_FOUND : STATUS_OK;
}

/* ---- Granting ---- */

/* Loads the terms that SQL_TERMS reads. CORRUPT when they are not valid; then nothing is
 * granted. */
static enum status terms_take(sqlite3_stmt *at, struct str id, struct discount_terms *terms)
{
    const struct discount discount = {
        .id = id,
        .discount_code = sqlite_statement_text(at, 5),
        .total_count = sqlite3_column_int64(at, 1),
        .granted_count = sqlite3_column_int64(at, 2),
        .starts_at_us = sqlite_statement_time(at, 3),
        .expires_at_us = sqlite_statement_time(at, 4),
    };

    if (id.n != sizeof(terms->id) || validate_discount(&discount, DISCOUNT_TERMS) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    terms->number = sqlite3_column_int64(at, 0);
    terms->total = discount.total_count;
    terms->granted = discount.granted_count;
    terms->starts_at_us = discount.starts_at_us;
    terms->expires_at_us = discount.expires_at_us;
    memcpy(terms->id, id.p, id.n);
    memcpy(terms->code, discount.discount_code.p, discount.discount_code.n);
    terms->code_size = discount.discount_code.n;
    return STATUS_OK;
}

/* Reads a discount's terms into verbs->terms. */
static enum status terms_read(struct sqlite_verbs *verbs, struct str id)
{
    sqlite3_stmt *at = statement(verbs, SQL_TERMS);
    enum status taken = STATUS_DISCOUNT_NOT_FOUND, status;
    int code;

    bind_text(at, 1, id);
    code = sqlite3_step(at);
    if (code == SQLITE_ROW) {
        taken = terms_take(at, id, &verbs->terms);
    }
    status = finish(verbs, at, code);
    return status == STATUS_OK ? taken : status;
}

/* Adds the new grants of the discount in verbs->terms to its granted_count: once per transaction.
 * The schema's trigger, which is for other programs, would do it once per grant. The schema's CHECK
 * is the final guard of the stock. */
static enum status terms_count_grants(struct sqlite_verbs *verbs)
{
    sqlite3_stmt *at = statement(verbs, SQL_COUNT_GRANTED);
    struct discount_terms *terms = &verbs->terms;

    if (terms->uncounted == 0) {
        return STATUS_OK;
    }
    sqlite3_bind_int64(at, 1, terms->uncounted);
    sqlite3_bind_int64(at, 2, terms->number);
    terms->uncounted = 0;
    return run(verbs, SQL_COUNT_GRANTED);
}

/* Makes verbs->terms those of the operation's discount, and sets the grant's discount_code. */
static enum status terms_find(struct sqlite_verbs *verbs, struct store_op *op)
{
    struct grant *grant = &op->grant.grant;
    struct discount_terms *terms = &verbs->terms;

    if (terms->code_size == 0 ||
        !str_eq(grant->discount_id, (struct str){terms->id, sizeof(terms->id)})) {
        enum status status = terms_count_grants(verbs);

        terms->code_size = 0;
        status = status == STATUS_OK ? terms_read(verbs, grant->discount_id) : status;
        if (status != STATUS_OK) {
            return status;
        }
    }
    grant->discount_code = arena_dup(op->arena, (struct str){terms->code, terms->code_size});
    return grant->discount_code.p == NULL ? STATUS_OVERLOADED : STATUS_OK;
}

/* Finds the grant that the user already holds. Returns `refused` when there is none. */
static enum status user_grant_find(struct sqlite_verbs *verbs, struct store_op *op, int64_t number,
                                   enum status refused)
{
    sqlite3_stmt *at = statement(verbs, SQL_USER_GRANT);
    enum status status;
    int code;

    bind_text(at, 1, op->grant.grant.user_id);
    sqlite3_bind_int64(at, 2, number);
    code = sqlite3_step(at);
    if (code == SQLITE_ROW) {
        op->grant.grant.granted_at_us = sqlite_statement_time(at, 0);
        op->grant.replayed = true;
    }
    status = finish(verbs, at, code);
    return status != STATUS_OK || code == SQLITE_ROW ? status : refused;
}

/* Returns the status for users without a grant: OK if they can get one, else why not. */
static enum status terms_status(const struct discount_terms *terms, int64_t time_us)
{
    if (time_us < terms->starts_at_us) {
        return STATUS_DISCOUNT_NOT_STARTED;
    }
    if (terms->expires_at_us != 0 && time_us >= terms->expires_at_us) {
        return STATUS_DISCOUNT_EXPIRED;
    }
    return terms->granted < terms->total ? STATUS_OK : STATUS_DISCOUNT_EXHAUSTED;
}

/* Returns the final number of grants of a closed discount; -1 near its end. */
static int64_t terms_final_count(const struct discount_terms *terms, int64_t time_us)
{
    bool is_near = terms->expires_at_us != 0 && terms->expires_at_us <= time_us + FINAL_AFTER_US &&
                   terms->expires_at_us >= time_us - FINAL_AFTER_US;

    return is_near ? -1 : terms->granted;
}

/* A user who holds a grant gets it again before anything else is checked (docs/adr/0003). */
static enum status grant(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_GRANT);
    struct discount_terms *terms = &verbs->terms;
    int64_t time_us = 0;
    enum status status = clock_read(verbs, &time_us);

    op->grant.replayed = false;
    status = status == STATUS_OK ? terms_find(verbs, op) : status;
    if (status != STATUS_OK) {
        return status;
    }
    status = terms_status(terms, time_us);
    if (status != STATUS_OK) {
        op->grant.starts_in_us = terms->starts_at_us - time_us;
        op->grant.final_count = terms_final_count(terms, time_us);
        return user_grant_find(verbs, op, terms->number, status);
    }
    bind_text(at, 1, op->grant.grant.user_id);
    sqlite3_bind_int64(at, 2, terms->number);
    sqlite3_bind_int64(at, 3, time_us);
    status = run(verbs, SQL_GRANT);
    if (status == STATUS_OK && sqlite3_changes64(verbs->db->handle) == 0) {
        /* The INSERT met an existing row, so the grant is found. */
        return user_grant_find(verbs, op, terms->number, STATUS_CORRUPT);
    }
    terms->granted++;
    terms->uncounted++;
    op->grant.grant.granted_at_us = time_us;
    return status;
}

/* ---- Lists of grants ---- */

static enum status grants(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_GRANTS);
    enum status status = terms_read(verbs, op->grants.discount_id);
    struct str code;
    int step = SQLITE_ROW;
    bool taken = true;

    if (status != STATUS_OK) {
        return status;
    }
    code = arena_dup(op->arena, (struct str){verbs->terms.code, verbs->terms.code_size});
    op->grants.count = 0;
    op->grants.grants = arena_alloc(op->arena, (op->grants.limit + 1) * sizeof(struct grant));
    if (code.p == NULL || op->grants.grants == NULL) {
        return STATUS_OVERLOADED;
    }
    sqlite3_bind_int64(at, 1, verbs->terms.number);
    sqlite3_bind_int64(at, 2, position_us(op->grants.after_user.n == 0, op->grants.after_us));
    bind_text(at, 3, op->grants.after_user);
    sqlite3_bind_int64(at, 4, (sqlite3_int64)op->grants.limit);
    while (taken && (step = sqlite3_step(at)) == SQLITE_ROW) {
        struct grant *grant = &op->grants.grants[op->grants.count++];

        *grant = (struct grant){.discount_id = op->grants.discount_id,
                                .discount_code = code,
                                .user_id = text_dup(sqlite_statement_text(at, 1), op->arena),
                                .granted_at_us = sqlite_statement_time(at, 0)};
        taken = grant->user_id.p != NULL;
    }
    status = finish(verbs, at, step);
    return status != STATUS_OK || taken ? status : STATUS_OVERLOADED;
}

static enum status wallet(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_WALLET);
    int step = SQLITE_ROW;
    enum status status;
    bool taken = true;

    op->wallet.count = 0;
    op->wallet.user_grants =
        arena_alloc(op->arena, (op->wallet.limit + 1) * sizeof(struct user_grant));
    if (op->wallet.user_grants == NULL) {
        return STATUS_OVERLOADED;
    }
    bind_text(at, 1, op->wallet.user_id);
    sqlite3_bind_int64(at, 2, op->wallet.before_id.n == 0 ? INT64_MAX : op->wallet.before_us);
    if (op->wallet.before_id.n == 0) {
        sqlite3_bind_zeroblob(at, 3, 0); /* after every text */
    } else {
        bind_text(at, 3, op->wallet.before_id);
    }
    sqlite3_bind_int64(at, 4, (sqlite3_int64)op->wallet.limit);
    while (taken && (step = sqlite3_step(at)) == SQLITE_ROW) {
        struct user_grant *user_grant = &op->wallet.user_grants[op->wallet.count++];

        user_grant->granted_at_us = sqlite_statement_time(at, WALLET_GRANTED_AT);
        taken = discount_take(at, op->arena, &user_grant->discount);
    }
    status = finish(verbs, at, step);
    return status != STATUS_OK || taken ? status : STATUS_OVERLOADED;
}

/* ---- Creating ---- */

/* Binds the inputs that an idempotency key stands for as parameters 1 to 5; the caller chooses the
 * sixth. */
static void bind_inputs(sqlite3_stmt *at, const struct discount *discount, struct str sixth)
{
    bind_text(at, 1, discount->discount_code);
    sqlite3_bind_int64(at, 2, discount->total_count);
    bind_time(at, 3, discount->starts_at_us);
    bind_time(at, 4, discount->expires_at_us);
    bind_text(at, 5, discount->brand_id);
    bind_text(at, 6, sixth);
}

/* Finds the first use of the key. NOT_FOUND: there was none. */
static enum status key_find(struct sqlite_verbs *verbs, struct store_op *op, int64_t time_us)
{
    sqlite3_stmt *at = statement(verbs, SQL_KEY);
    struct discount *discount = &op->create.discount;
    bool same = false, is_of_brand = false;
    struct str id = {0};
    enum status status;
    int code;

    bind_inputs(at, discount, op->create.idempotency_key);
    sqlite3_bind_int64(at, 7, time_us);
    code = sqlite3_step(at);
    if (code == SQLITE_ROW) {
        same = sqlite3_column_int(at, 0) != 0;
        id = text_dup(sqlite_statement_text(at, 1), op->arena);
        discount->created_at_us = sqlite3_column_int64(at, 2);
        is_of_brand = sqlite3_column_int(at, 3) != 0;
    }
    status = finish(verbs, at, code);
    if (status != STATUS_OK) {
        return status;
    }
    if (code == SQLITE_DONE) {
        return STATUS_NOT_FOUND;
    }
    if (!same) {
        return STATUS_IDEMPOTENCY_KEY_REUSED;
    }
    if (id.p == NULL) {
        return STATUS_OVERLOADED;
    }
    discount->id = id;
    op->create.replayed = true;
    return is_of_brand ? STATUS_OK
                       : validate_failed(id, "an idempotency key of another brand names it");
}

static enum status key_keep(struct sqlite_verbs *verbs, const struct store_op *op, int64_t time_us)
{
    sqlite3_stmt *at = statement(verbs, SQL_KEY_INSERT);
    enum status status;

    bind_inputs(at, &op->create.discount, op->create.idempotency_key);
    sqlite3_bind_int64(at, 7, time_us + LIMIT_KEY_LIFETIME_US);
    sqlite3_bind_int64(at, 8, sqlite3_last_insert_rowid(verbs->db->handle));
    status = run(verbs, SQL_KEY_INSERT);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(statement(verbs, SQL_KEYS_FORGET), 1, time_us);
    return run(verbs, SQL_KEYS_FORGET);
}

/* Returns the time of creation. Times of creation are strictly increasing even when the clock is
 * not, because they order the list, and its cursor is one of them. CORRUPT when the newest one is
 * invalid or the last possible time. */
static enum status creation_time(struct sqlite_verbs *verbs, int64_t time_us, int64_t *ret_time_us)
{
    sqlite3_stmt *at = statement(verbs, SQL_NEWEST);
    int code = sqlite3_step(at);
    int64_t newest_us = code == SQLITE_ROW ? sqlite3_column_int64(at, 0) : 0;
    enum status status = finish(verbs, at, code);

    if (status == STATUS_OK && newest_us >= LIMIT_TIME_US) {
        return validate_failed(
            STR("created last"),
            "created_at is the last possible time, so no discount can be created");
    }
    *ret_time_us = newest_us >= time_us ? newest_us + 1 : time_us;
    return status;
}

static enum status create(struct sqlite_verbs *verbs, struct store_op *op)
{
    sqlite3_stmt *at = statement(verbs, SQL_CREATE);
    struct discount *discount = &op->create.discount;
    bool has_key = op->create.idempotency_key.n > 0;
    int64_t time_us = 0;
    enum status status = clock_read(verbs, &time_us);

    op->create.replayed = false;
    if (status == STATUS_OK) {
        status = has_key ? key_find(verbs, op, time_us) : STATUS_NOT_FOUND;
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    status = creation_time(verbs, time_us, &discount->created_at_us);
    if (status != STATUS_OK) {
        return status;
    }
    bind_inputs(at, discount, discount->id);
    sqlite3_bind_int64(at, 7, discount->created_at_us);
    status = run(verbs, SQL_CREATE);
    return status == STATUS_OK && has_key ? key_keep(verbs, op, time_us) : status;
}

/* ---- Verbs ---- */

static enum status (*const runs[STORE_VERB_COUNT])(struct sqlite_verbs *verbs,
                                                   struct store_op *op) = {
    [STORE_PING] = ping,     [STORE_CREATE] = create, [STORE_GET] = get,
    [STORE_LIST] = list,     [STORE_GRANT] = grant,   [STORE_GRANT_GET] = grant_get,
    [STORE_GRANTS] = grants, [STORE_WALLET] = wallet,
};

enum status sqlite_verbs_run(struct sqlite_verbs *verbs, struct store_op *op)
{
    verbs->has_failed = false;
    return runs[op->verb](verbs, op);
}

bool sqlite_verbs_have_failed(const struct sqlite_verbs *verbs)
{
    return verbs->has_failed;
}

/* ---- Transactions ---- */

bool sqlite_verbs_begin(struct sqlite_verbs *verbs)
{
    verbs->terms = (struct discount_terms){.code_size = 0};
    return run(verbs, SQL_BEGIN) == STATUS_OK;
}

enum status sqlite_verbs_commit(struct sqlite_verbs *verbs)
{
    if (terms_count_grants(verbs) != STATUS_OK) {
        return STATUS_UNAVAILABLE;
    }
    if (run(verbs, SQL_COMMIT) == STATUS_OK) {
        return STATUS_OK;
    }
    /* The last frame of the log, without which the others are invalid, did not fit. */
    return sqlite3_errcode(verbs->db->handle) == SQLITE_FULL ? STATUS_UNAVAILABLE : STATUS_UNKNOWN;
}

void sqlite_verbs_rollback(struct sqlite_verbs *verbs)
{
    /* After some failures SQLite has rolled back already. */
    if (sqlite3_get_autocommit(verbs->db->handle) == 0) {
        run(verbs, SQL_ROLLBACK);
    }
}

/* ---- Life ---- */

struct sqlite_verbs *sqlite_verbs_open(struct sqlite_db *db)
{
    struct sqlite_verbs *verbs = calloc(1, sizeof(*verbs));

    if (verbs == NULL) {
        return NULL;
    }
    verbs->db = db;
    /* See terms_count_grants. With a trigger, SQLite also keeps a statement journal for each
     * INSERT. */
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    for (size_t i = 0; i < SQL_COUNT; i++) {
        if (sqlite3_prepare_v3(db->handle, sql_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &verbs->statements[i], NULL) != SQLITE_OK) {
            sqlite_verbs_close(verbs);
            return NULL;
        }
    }
    return verbs;
}

void sqlite_verbs_close(struct sqlite_verbs *verbs)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(verbs->statements[i]);
    }
    free(verbs);
}
