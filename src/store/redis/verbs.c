/* SPDX-License-Identifier: MIT */
/* In: operations and replies. Out: arguments and results. No other file knows the names of the keys
 * and the forms of the scripts' replies. */
#include "store/redis/verbs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/redis/scripts.h"

/* ---- Commands ---- */

static void add(struct redis_command *command, struct str argument)
{
    assert(command->argc < REDIS_ARGUMENTS);
    command->argv[command->argc] = argument.p;
    command->sizes[command->argc] = argument.n;
    command->argc++;
}

/* Adds the parts, joined, as one argument. */
static void add_joined(struct redis_command *command, size_t count, const struct str *parts)
{
    char *start = command->scratch + command->scratch_used;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        assert(command->scratch_used + n + parts[i].n <= REDIS_SCRATCH);
        if (parts[i].n > 0) {
            memcpy(start + n, parts[i].p, parts[i].n);
        }
        n += parts[i].n;
    }
    command->scratch_used += n;
    add(command, (struct str){start, n});
}

static void add_key(struct redis_command *command, struct str prefix, struct str name,
                    struct str suffix)
{
    add_joined(command, 3, (const struct str[]){prefix, name, suffix});
}

/* Adds a number. With `or_empty`, 0 becomes the empty argument. */
static void add_number(struct redis_command *command, int64_t number, bool or_empty)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, number);

    add_joined(command, 1, &(struct str){text, number == 0 && or_empty ? 0 : (size_t)n});
}

static void add_script(struct redis_command *command, enum store_verb verb, bool whole_script,
                       size_t key_count)
{
    const struct redis_script *script = &redis_scripts[verb];

    add(command, whole_script ? STR("EVAL") : STR("EVALSHA"));
    add(command, whole_script ? script->text : script->sha1);
    add_number(command, (int64_t)key_count, false);
}

static void add_discount_keys(struct redis_command *command, struct str id)
{
    add_key(command, STR("discount:{"), id, STR("}"));
    add_key(command, STR("discount:{"), id, STR("}:grants"));
}

/* The brand's length comes first, so that no brand and key together can spell another brand's
 * key. */
static void add_idempotency_key(struct redis_command *command, struct str brand, struct str key)
{
    char length[24];
    int n = snprintf(length, sizeof(length), "idempotency:%zu:{", brand.n);

    add_joined(command, 4, (const struct str[]){{length, (size_t)n}, brand, STR("}:"), key});
}

static void encode_create(const struct store_op *op, bool whole_script,
                          struct redis_command *command)
{
    const struct discount *discount = &op->create.discount;
    bool with_key = op->create.idempotency_key.n > 0;

    add_script(command, STORE_CREATE, whole_script, with_key ? 4 : 3);
    add_key(command, STR("discount:{"), discount->id, STR("}"));
    add(command, STR("discounts"));
    add_key(command, STR("brand:{"), discount->brand_id, STR("}:discounts"));
    if (with_key) {
        add_idempotency_key(command, discount->brand_id, op->create.idempotency_key);
    }
    add(command, discount->id);
    add(command, discount->brand_id);
    add(command, discount->discount_code);
    add_number(command, discount->total_count, false);
    add_number(command, discount->starts_at_us, true);
    add_number(command, discount->expires_at_us, true);
}

static void encode_grant(const struct redis_group *groups, size_t count, bool whole_script,
                         struct redis_command *command)
{
    size_t users = 0;

    for (size_t g = 0; g < count; g++) {
        users += groups[g].count;
    }
    add_script(command, STORE_GRANT, whole_script, 2 * count + users);
    for (size_t g = 0; g < count; g++) {
        add_discount_keys(command, groups[g].ops[0]->grant.grant.discount_id);
        for (size_t i = 0; i < groups[g].count; i++) {
            add_key(command, STR("user:{"), groups[g].ops[i]->grant.grant.user_id,
                    STR("}:discounts"));
        }
    }
    for (size_t g = 0; g < count; g++) {
        add(command, groups[g].ops[0]->grant.grant.discount_id);
        add_number(command, (int64_t)groups[g].count, false);
        for (size_t i = 0; i < groups[g].count; i++) {
            add(command, groups[g].ops[i]->grant.grant.user_id);
        }
    }
}

static void encode_list(const struct store_op *op, bool whole_script, struct redis_command *command)
{
    add_script(command, STORE_LIST, whole_script, 1);
    if (op->list.brand_id.n == 0) {
        add(command, STR("discounts"));
    } else {
        add_key(command, STR("brand:{"), op->list.brand_id, STR("}:discounts"));
    }
    add_number(command, op->list.after_us, false);
    add_number(command, (int64_t)op->list.limit, false);
}

/* Adds the position in a list of grants, and the number to read. */
static void add_position(struct redis_command *command, int64_t time_us, struct str name,
                         size_t limit)
{
    add_number(command, time_us, false);
    add(command, name.n == 0 ? STR("") : name);
    add_number(command, (int64_t)limit, false);
}

static void encode_ping(const struct store_op *op, bool whole_script, struct redis_command *command)
{
    (void)op, (void)whole_script; /* a ping has no inputs and no script */
    add(command, STR("PING"));
}

static void encode_get(const struct store_op *op, bool whole_script, struct redis_command *command)
{
    add_script(command, STORE_GET, whole_script, 2);
    add_discount_keys(command, op->get.discount.id);
}

static void encode_grant_get(const struct store_op *op, bool whole_script,
                             struct redis_command *command)
{
    add_script(command, STORE_GRANT_GET, whole_script, 2);
    add_discount_keys(command, op->grant.grant.discount_id);
    add(command, op->grant.grant.user_id);
}

static void encode_grants(const struct store_op *op, bool whole_script,
                          struct redis_command *command)
{
    add_script(command, STORE_GRANTS, whole_script, 2);
    add_discount_keys(command, op->grants.discount_id);
    add_position(command, op->grants.after_us, op->grants.after_user, op->grants.limit);
}

static void encode_wallet(const struct store_op *op, bool whole_script,
                          struct redis_command *command)
{
    add_script(command, STORE_WALLET, whole_script, 1);
    add_key(command, STR("user:{"), op->wallet.user_id, STR("}:discounts"));
    add_position(command, op->wallet.before_us, op->wallet.before_id, op->wallet.limit);
}

/* ---- Replies ---- */

static bool is_array(const redisReply *reply, size_t least)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements >= least;
}

/* Returns a text of an array, borrowed from the reply; n == 0 when it is nil or not a text. */
static struct str text_at(const redisReply *array, size_t i)
{
    const redisReply *element = array->element[i];

    if (element->type != REDIS_REPLY_STRING) {
        return (struct str){NULL, 0};
    }
    return (struct str){element->str, (size_t)element->len};
}

/* Whether the whole text is a decimal number of at most 18 digits. */
static bool number_of(struct str text, int64_t *ret_number)
{
    int64_t number = 0;

    if (text.n < 1 || text.n > 18) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        number = number * 10 + (text.p[i] - '0');
    }
    *ret_number = number;
    return true;
}

/* Reads a time. nil becomes 0; a stored 0 is invalid. */
static bool time_or_nil(const redisReply *array, size_t i, int64_t *ret_time_us)
{
    if (array->element[i]->type == REDIS_REPLY_NIL) {
        *ret_time_us = 0;
        return true;
    }
    return number_of(text_at(array, i), ret_time_us) && *ret_time_us > 0;
}

/* Copies a text into the arena. CORRUPT when it is empty or not a text, which this service never
 * writes. OVERLOADED without memory. A text longer than any valid one is cut, but stays too
 * long. */
static enum status copy_at(const redisReply *array, size_t i, struct arena *arena,
                           struct str *ret_text)
{
    struct str text = text_at(array, i);

    if (text.n == 0) {
        return STATUS_CORRUPT;
    }
    text.n = text.n > LIMIT_DISCOUNT_CODE ? LIMIT_DISCOUNT_CODE + 1 : text.n;
    *ret_text = arena_dup(arena, text);
    return ret_text->p == NULL ? STATUS_OVERLOADED : STATUS_OK;
}

/* For a change that was applied: without memory for its result, the outcome is reported as
 * unknown. */
static enum status status_if_written(enum status status)
{
    return status == STATUS_OVERLOADED ? STATUS_UNKNOWN : status;
}

/* Decodes the seven columns that get.lua and list.lua read. */
static enum status decode_row(const redisReply *row, struct arena *arena, struct discount *discount)
{
    enum status status;

    if (!is_array(row, 7) || row->element[6]->type != REDIS_REPLY_INTEGER ||
        !number_of(text_at(row, 2), &discount->total_count) ||
        !number_of(text_at(row, 3), &discount->created_at_us) ||
        !time_or_nil(row, 4, &discount->starts_at_us) ||
        !time_or_nil(row, 5, &discount->expires_at_us)) {
        return STATUS_CORRUPT;
    }
    discount->granted_count = row->element[6]->integer;
    status = copy_at(row, 0, arena, &discount->brand_id);
    return status != STATUS_OK ? status : copy_at(row, 1, arena, &discount->discount_code);
}

static enum status decode_create(const redisReply *reply, struct store_op *op)
{
    struct discount *discount = &op->create.discount;
    struct str token;

    if (!is_array(reply, 1)) {
        return STATUS_CORRUPT;
    }
    token = text_at(reply, 0);
    if (str_eq(token, STR("reused"))) {
        return STATUS_IDEMPOTENCY_KEY_REUSED;
    }
    op->create.replayed = str_eq(token, STR("replayed"));
    if ((!op->create.replayed && !str_eq(token, STR("created"))) || reply->elements < 3 ||
        !number_of(text_at(reply, 2), &discount->created_at_us)) {
        return STATUS_CORRUPT;
    }
    return op->create.replayed ? status_if_written(copy_at(reply, 1, op->arena, &discount->id))
                               : STATUS_OK;
}

static enum status decode_listed(const redisReply *row, struct arena *arena,
                                 struct discount *discount)
{
    enum status status = is_array(row, 8) ? copy_at(row, 7, arena, &discount->id) : STATUS_CORRUPT;

    /* The id comes first, so that it can be reported when the rest is damaged. */
    return status != STATUS_OK ? status : decode_row(row, arena, discount);
}

static enum status decode_list(const redisReply *reply, struct store_op *op)
{
    size_t count = is_array(reply, 0) ? reply->elements : 0;

    op->list.count = 0;
    op->list.discounts = NULL;
    if (!is_array(reply, 0)) {
        return STATUS_CORRUPT;
    }
    op->list.discounts = arena_zalloc(op->arena, (count + 1) * sizeof(*op->list.discounts));
    if (op->list.discounts == NULL) {
        return STATUS_OVERLOADED;
    }
    for (size_t i = 0; i < count; i++) {
        enum status status = decode_listed(reply->element[i], op->arena, &op->list.discounts[i]);

        if (status != STATUS_OK) {
            return status;
        }
        op->list.count++;
    }
    return STATUS_OK;
}

static enum status decode_grant_get(const redisReply *reply, struct store_op *op)
{
    if (reply->type == REDIS_REPLY_NIL) {
        return STATUS_DISCOUNT_NOT_FOUND;
    }
    if (!is_array(reply, 2)) {
        return STATUS_CORRUPT;
    }
    if (reply->element[1]->type == REDIS_REPLY_NIL) {
        return STATUS_GRANT_NOT_FOUND;
    }
    if (!number_of(text_at(reply, 1), &op->grant.grant.granted_at_us)) {
        return STATUS_CORRUPT;
    }
    return copy_at(reply, 0, op->arena, &op->grant.grant.discount_code);
}

/* Decodes a page of users and times, in turn. */
static enum status decode_granted(const redisReply *page, struct str code, struct store_op *op)
{
    size_t count = page->elements / 2;

    op->grants.count = 0;
    op->grants.grants = arena_alloc(op->arena, (count + 1) * sizeof(*op->grants.grants));
    if (op->grants.grants == NULL) {
        return STATUS_OVERLOADED;
    }
    for (size_t i = 0; i < count; i++) {
        struct grant *grant = &op->grants.grants[i];
        enum status status = copy_at(page, 2 * i, op->arena, &grant->user_id);

        grant->discount_id = op->grants.discount_id;
        grant->discount_code = code;
        if (status != STATUS_OK) {
            return status;
        }
        if (!number_of(text_at(page, 2 * i + 1), &grant->granted_at_us)) {
            return STATUS_CORRUPT;
        }
    }
    op->grants.count = count;
    return STATUS_OK;
}

static enum status decode_grants(const redisReply *reply, struct store_op *op)
{
    struct str code;
    enum status status;

    if (reply->type == REDIS_REPLY_NIL) {
        return STATUS_DISCOUNT_NOT_FOUND;
    }
    if (!is_array(reply, 2) || !is_array(reply->element[1], 0)) {
        return STATUS_CORRUPT;
    }
    status = copy_at(reply, 0, op->arena, &code);
    return status != STATUS_OK ? status : decode_granted(reply->element[1], code, op);
}

static enum status decode_user_grant(const redisReply *row, struct arena *arena,
                                     struct user_grant *user_grant)
{
    enum status status = decode_listed(row, arena, &user_grant->discount);

    if (status != STATUS_OK) {
        return status;
    }
    return is_array(row, 9) && number_of(text_at(row, 8), &user_grant->granted_at_us)
               ? STATUS_OK
               : STATUS_CORRUPT;
}

static enum status decode_wallet(const redisReply *reply, struct store_op *op)
{
    op->wallet.count = 0;
    op->wallet.user_grants = NULL;
    if (!is_array(reply, 0)) {
        return STATUS_CORRUPT;
    }
    op->wallet.user_grants =
        arena_zalloc(op->arena, (reply->elements + 1) * sizeof(*op->wallet.user_grants));
    if (op->wallet.user_grants == NULL) {
        return STATUS_OVERLOADED;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        enum status status =
            decode_user_grant(reply->element[i], op->arena, &op->wallet.user_grants[i]);

        if (status != STATUS_OK) {
            return status;
        }
        op->wallet.count++;
    }
    return STATUS_OK;
}

static enum status decode_ping(const redisReply *reply, struct store_op *op)
{
    (void)op; /* a ping has only its status */
    return reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "PONG") == 0 ? STATUS_OK
                                                                                : STATUS_CORRUPT;
}

static enum status decode_get(const redisReply *reply, struct store_op *op)
{
    return reply->type == REDIS_REPLY_NIL ? STATUS_DISCOUNT_NOT_FOUND
                                          : decode_row(reply, op->arena, &op->get.discount);
}

/* ---- The outcomes of grants ---- */

/* The reply of grant.lua: the time, and TERMS elements for each group. */
enum { TERM_CODE, TERM_STARTS_AT, TERM_FINAL, TERM_TOKENS, TERMS };

static size_t terms_end(size_t groups)
{
    return 1 + TERMS * groups;
}

/* An outcome token begins with a small letter. */
static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static size_t tokens_count(struct str tokens)
{
    size_t count = 0;

    for (size_t i = 0; i < tokens.n; i++) {
        count += is_letter(tokens.p[i]);
    }
    return count;
}

struct redis_outcomes redis_verbs_outcomes(const redisReply *reply, size_t group, size_t users)
{
    struct redis_outcomes outcomes = {0};

    if (is_array(reply, terms_end(group + 1)) && number_of(text_at(reply, 0), &outcomes.now_us)) {
        outcomes.at = terms_end(group);
        outcomes.tokens = text_at(reply, outcomes.at + TERM_TOKENS);
        /* With one token too many, the tokens would belong to the wrong users. */
        if (reply->element[outcomes.at + TERM_TOKENS]->type != REDIS_REPLY_STRING ||
            tokens_count(outcomes.tokens) == users) {
            outcomes.reply = reply;
        }
    }
    return outcomes;
}

/* Returns the next outcome token. It ends before the next small letter. */
static struct str token_next(struct redis_outcomes *outcomes)
{
    struct str tokens = outcomes->tokens;
    size_t n = 1;

    if (tokens.n == 0) {
        return tokens;
    }
    while (n < tokens.n && !is_letter(tokens.p[n])) {
        n++;
    }
    outcomes->tokens = str_from(tokens, n);
    return (struct str){tokens.p, n};
}

/* Reads the user and the time of a grant. */
static enum status decode_grant(const struct redis_outcomes *outcomes, struct str token,
                                struct store_op *op)
{
    struct grant *grant = &op->grant.grant;

    op->grant.replayed = token.p[0] == 'h';
    grant->granted_at_us = outcomes->now_us;
    if (op->grant.replayed && !number_of(str_from(token, 1), &grant->granted_at_us)) {
        return STATUS_CORRUPT;
    }
    return status_if_written(
        copy_at(outcomes->reply, outcomes->at + TERM_CODE, op->arena, &grant->discount_code));
}

/* Reads the final number of grants, if the reply has it. */
static bool final_read(const struct redis_outcomes *outcomes, int64_t *ret_count)
{
    const redisReply *final = outcomes->reply->element[outcomes->at + TERM_FINAL];

    *ret_count = final->type == REDIS_REPLY_INTEGER ? final->integer : -1;
    return *ret_count >= 0 || final->type == REDIS_REPLY_NIL;
}

static enum status decode_token(const struct redis_outcomes *outcomes, struct str token,
                                struct store_op *op)
{
    switch (token.p[0]) {
    case 'g':
    case 'h':
        return decode_grant(outcomes, token, op);
    case 'x':
        return STATUS_DISCOUNT_EXHAUSTED;
    case 'n':
        return STATUS_DISCOUNT_NOT_STARTED;
    case 'e':
        return STATUS_DISCOUNT_EXPIRED;
    case 'r':
        return STATUS_UNAVAILABLE;
    case 'u':
        return STATUS_UNKNOWN;
    default:
        return STATUS_CORRUPT;
    }
}

enum status redis_verbs_outcome(struct redis_outcomes *outcomes, struct store_op *op)
{
    struct str token = token_next(outcomes);
    const redisReply *tokens;
    int64_t starts_at_us;

    if (outcomes->reply == NULL || op == NULL) {
        return STATUS_CORRUPT;
    }
    tokens = outcomes->reply->element[outcomes->at + TERM_TOKENS];
    if (tokens->type == REDIS_REPLY_NIL) {
        return STATUS_DISCOUNT_NOT_FOUND;
    }
    if (tokens->type == REDIS_REPLY_ERROR) {
        return redis_verbs_error_status(tokens, false); /* nothing was written for this discount */
    }
    if (token.n == 0 || (token.n > 1 && token.p[0] != 'h') ||
        !time_or_nil(outcomes->reply, outcomes->at + TERM_STARTS_AT, &starts_at_us) ||
        !final_read(outcomes, &op->grant.final_count)) {
        return STATUS_CORRUPT;
    }
    op->grant.starts_in_us = starts_at_us > outcomes->now_us ? starts_at_us - outcomes->now_us : 0;
    return decode_token(outcomes, token, op);
}

/* ---- Errors ---- */

static bool begins_with(struct str text, struct str code)
{
    return text.n >= code.n && memcmp(text.p, code.p, code.n) == 0;
}

static struct str error_of(const redisReply *reply)
{
    return (struct str){reply->str, (size_t)reply->len};
}

enum status redis_verbs_error_status(const redisReply *error, bool may_have_written)
{
    /* Redis did not execute a command that it answered with one of these. The same holds for a
     * script: ours make all checks before they write, and first make the one write that Redis may
     * refuse. REFUSED and CLOCK are the scripts' own codes for that. MOVED and the codes after it
     * come from a node of a cluster, which a redis:// URL does not name. */
    static const struct str refusals[] = {
        STR_INIT("LOADING "),  STR_INIT("BUSY "),        STR_INIT("MASTERDOWN "),
        STR_INIT("READONLY "), STR_INIT("MISCONF "),     STR_INIT("OOM "),
        STR_INIT("NOAUTH "),   STR_INIT("NOREPLICAS "),  STR_INIT("NOPERM "),
        STR_INIT("NOSCRIPT "), STR_INIT("WRONGPASS "),   STR_INIT("REFUSED "),
        STR_INIT("CLOCK "),    STR_INIT("MOVED "),       STR_INIT("ASK "),
        STR_INIT("TRYAGAIN "), STR_INIT("CLUSTERDOWN "), STR_INIT("CROSSSLOT ")};

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (begins_with(error_of(error), refusals[i])) {
            return STATUS_UNAVAILABLE;
        }
    }
    if (begins_with(error_of(error), STR("WRONGTYPE ")) ||
        begins_with(error_of(error), STR("CORRUPT "))) {
        return STATUS_CORRUPT;
    }
    return may_have_written ? STATUS_UNKNOWN : STATUS_UNAVAILABLE;
}

bool redis_verbs_is_noscript(const redisReply *reply)
{
    return begins_with(error_of(reply), STR("NOSCRIPT "));
}

const redisReply *redis_verbs_error_in(enum store_verb verb, const redisReply *reply, size_t group)
{
    const redisReply *tokens;

    if (reply->type == REDIS_REPLY_ERROR) {
        return reply;
    }
    if (verb != STORE_GRANT || !is_array(reply, terms_end(group + 1))) {
        return NULL;
    }
    tokens = reply->element[terms_end(group) + TERM_TOKENS];
    return tokens->type == REDIS_REPLY_ERROR ? tokens : NULL;
}

struct str redis_verbs_refusal(enum store_verb verb, size_t groups, const redisReply *reply)
{
    for (size_t group = 0; group < groups; group++) {
        const redisReply *error = redis_verbs_error_in(verb, reply, group);

        if (error != NULL && redis_verbs_error_status(error, false) == STATUS_UNAVAILABLE) {
            return error_of(error);
        }
    }
    /* A refused write is reported after the outcomes of all users. */
    if (verb == STORE_GRANT && is_array(reply, terms_end(groups) + 1)) {
        return text_at(reply, terms_end(groups));
    }
    return (struct str){NULL, 0};
}

bool redis_verbs_is_readonly(struct str refusal)
{
    return begins_with(refusal, STR("READONLY "));
}

bool redis_verbs_is_clock(struct str refusal)
{
    return begins_with(refusal, STR("CLOCK "));
}

/* ---- The discount that a damaged reply is about ---- */

static struct str failing_get(const struct store_op *op)
{
    return op->get.discount.id;
}

static struct str failing_grant(const struct store_op *op)
{
    return op->grant.grant.discount_id;
}

static struct str failing_grants(const struct store_op *op)
{
    return op->grants.discount_id;
}

static struct str failing_list(const struct store_op *op)
{
    return op->list.discounts == NULL ? STR("") : op->list.discounts[op->list.count].id;
}

static struct str failing_wallet(const struct store_op *op)
{
    return op->wallet.user_grants == NULL ? STR("")
                                          : op->wallet.user_grants[op->wallet.count].discount.id;
}

/* ---- The rows ---- */

/* STORE_GRANT has no functions here: encode_grant encodes several grants at a time, and
 * redis_verbs_outcome decodes them. */
static const struct verb_row {
    void (*encode)(const struct store_op *op, bool whole_script, struct redis_command *command);
    enum status (*decode)(const redisReply *reply, struct store_op *op);
    struct str (*failing_id)(const struct store_op *op); /* NULL: no id */
} rows[STORE_VERB_COUNT] = {
    [STORE_PING] = {encode_ping, decode_ping, NULL},
    [STORE_CREATE] = {encode_create, decode_create, NULL},
    [STORE_GET] = {encode_get, decode_get, failing_get},
    [STORE_LIST] = {encode_list, decode_list, failing_list},
    [STORE_GRANT] = {NULL, NULL, failing_grant},
    [STORE_GRANT_GET] = {encode_grant_get, decode_grant_get, failing_grant},
    [STORE_GRANTS] = {encode_grants, decode_grants, failing_grants},
    [STORE_WALLET] = {encode_wallet, decode_wallet, failing_wallet},
};

void redis_verbs_encode(const struct redis_group *groups, size_t count, bool whole_script,
                        struct redis_command *ret_command)
{
    const struct store_op *op = groups[0].ops[0];

    ret_command->argc = 0;
    ret_command->scratch_used = 0;
    if (op->verb == STORE_GRANT) {
        encode_grant(groups, count, whole_script, ret_command);
    } else {
        rows[op->verb].encode(op, whole_script, ret_command);
    }
}

enum status redis_verbs_decode(const redisReply *reply, struct store_op *op)
{
    return rows[op->verb].decode == NULL ? STATUS_CORRUPT : rows[op->verb].decode(reply, op);
}

struct str redis_verbs_failing_id(const struct store_op *op)
{
    return rows[op->verb].failing_id == NULL ? STR("") : rows[op->verb].failing_id(op);
}
