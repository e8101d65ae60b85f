/* SPDX-License-Identifier: MIT */
/* In: an operation or its verb. Out: the properties in the table of verbs at the end of this file.
 * Pure, except for the log line about damaged data. */
#include "store/op.h"

#include "store/validate.h"

/* ---- Inputs ---- */

/* Replaces a borrowed text with a copy; false without memory. */
static bool text_copy(struct arena *arena, struct str *text)
{
    if (text->n == 0) {
        return true;
    }
    *text = arena_dup(arena, *text);
    return text->p != NULL;
}

static bool ping_inputs(struct store_op *op)
{
    (void)op; /* a ping has none */
    return true;
}

static bool create_inputs(struct store_op *op)
{
    return text_copy(op->arena, &op->create.discount.id) &&
           text_copy(op->arena, &op->create.discount.brand_id) &&
           text_copy(op->arena, &op->create.discount.discount_code) &&
           text_copy(op->arena, &op->create.idempotency_key);
}

static bool get_inputs(struct store_op *op)
{
    return text_copy(op->arena, &op->get.discount.id);
}

static bool list_inputs(struct store_op *op)
{
    return text_copy(op->arena, &op->list.brand_id);
}

static bool grant_inputs(struct store_op *op)
{
    return text_copy(op->arena, &op->grant.grant.discount_id) &&
           text_copy(op->arena, &op->grant.grant.user_id);
}

static bool grants_inputs(struct store_op *op)
{
    return text_copy(op->arena, &op->grants.discount_id) &&
           text_copy(op->arena, &op->grants.after_user);
}

static bool wallet_inputs(struct store_op *op)
{
    return text_copy(op->arena, &op->wallet.user_id) && text_copy(op->arena, &op->wallet.before_id);
}

/* ---- Results ---- */

static bool ping_results(const struct store_op *from, struct store_op *to)
{
    (void)from, (void)to; /* a ping has only its status */
    return true;
}

static bool create_results(const struct store_op *from, struct store_op *to)
{
    to->create.replayed = from->create.replayed;
    to->create.discount.created_at_us = from->create.discount.created_at_us;
    to->create.discount.id = from->create.discount.id;
    return text_copy(to->arena, &to->create.discount.id);
}

static bool discount_copy(const struct discount *from, struct arena *arena, struct discount *ret_to)
{
    *ret_to = *from;
    return text_copy(arena, &ret_to->id) && text_copy(arena, &ret_to->brand_id) &&
           text_copy(arena, &ret_to->discount_code);
}

static bool get_results(const struct store_op *from, struct store_op *to)
{
    return discount_copy(&from->get.discount, to->arena, &to->get.discount);
}

static bool list_results(const struct store_op *from, struct store_op *to)
{
    to->list.count = from->list.count;
    to->list.discounts =
        arena_alloc(to->arena, (from->list.count + 1) * sizeof(*to->list.discounts));
    if (to->list.discounts == NULL) {
        return false;
    }
    for (size_t i = 0; i < from->list.count; i++) {
        if (!discount_copy(&from->list.discounts[i], to->arena, &to->list.discounts[i])) {
            return false;
        }
    }
    return true;
}

static bool grant_results(const struct store_op *from, struct store_op *to)
{
    to->grant.replayed = from->grant.replayed;
    to->grant.grant.granted_at_us = from->grant.grant.granted_at_us;
    to->grant.grant.discount_code = from->grant.grant.discount_code;
    return text_copy(to->arena, &to->grant.grant.discount_code);
}

/* Copies what a refusal says about the discount. */
static void grant_refusal(const struct store_op *from, struct store_op *to)
{
    to->grant.starts_in_us = from->grant.starts_in_us;
    to->grant.final_count = from->grant.final_count;
}

static bool grants_results(const struct store_op *from, struct store_op *to)
{
    size_t count = from->grants.count;

    to->grants.count = count;
    to->grants.grants = arena_alloc(to->arena, (count + 1) * sizeof(*to->grants.grants));
    for (size_t i = 0; to->grants.grants != NULL && i < count; i++) {
        struct grant *grant = &to->grants.grants[i];

        *grant = from->grants.grants[i];
        if (!text_copy(to->arena, &grant->discount_id) ||
            !text_copy(to->arena, &grant->discount_code) ||
            !text_copy(to->arena, &grant->user_id)) {
            return false;
        }
    }
    return to->grants.grants != NULL;
}

static bool wallet_results(const struct store_op *from, struct store_op *to)
{
    size_t count = from->wallet.count;

    to->wallet.count = count;
    to->wallet.user_grants = arena_alloc(to->arena, (count + 1) * sizeof(*to->wallet.user_grants));
    for (size_t i = 0; to->wallet.user_grants != NULL && i < count; i++) {
        struct user_grant *user_grant = &to->wallet.user_grants[i];

        user_grant->granted_at_us = from->wallet.user_grants[i].granted_at_us;
        if (!discount_copy(&from->wallet.user_grants[i].discount, to->arena,
                           &user_grant->discount)) {
            return false;
        }
    }
    return to->wallet.user_grants != NULL;
}

/* ---- Overload ---- */

static bool never(const struct store_op *op)
{
    (void)op;
    return false;
}

static bool always(const struct store_op *op)
{
    (void)op;
    return true;
}

static bool list_is_first_page(const struct store_op *op)
{
    return op->list.after_us == 0;
}

static bool grants_is_first_page(const struct store_op *op)
{
    return op->grants.after_user.n == 0;
}

static bool wallet_is_first_page(const struct store_op *op)
{
    return op->wallet.before_id.n == 0;
}

/* ---- The rows ---- */

static enum status nothing_to_validate(const struct store_op *op)
{
    (void)op;
    return STATUS_OK;
}

#define LATE_READ "it changes nothing, and its late reply is dropped"

static const struct verb_row {
    const char *name;
    bool is_write;
    const char *late_reason;
    bool (*may_be_put_off)(const struct store_op *op);
    bool (*copy_inputs)(struct store_op *op);
    bool (*copy_results)(const struct store_op *from, struct store_op *to);
    void (*copy_refusal)(const struct store_op *from, struct store_op *to); /* NULL: nothing */
    enum status (*validate)(const struct store_op *op);
} rows[STORE_VERB_COUNT] = {
    [STORE_PING] =
        {
            .name = "ping",
            .late_reason = LATE_READ,
            .may_be_put_off = never,
            .copy_inputs = ping_inputs,
            .copy_results = ping_results,
            .validate = nothing_to_validate,
        },
    [STORE_CREATE] =
        {
            .name = "create",
            .is_write = true,
            .late_reason = "its id is chosen before the first attempt, so a late attempt finds the "
                           "discount, or stores what the client asked for",
            .may_be_put_off = always,
            .copy_inputs = create_inputs,
            .copy_results = create_results,
            .validate = validate_create,
        },
    [STORE_GET] =
        {
            .name = "get",
            .late_reason = LATE_READ,
            .may_be_put_off = always,
            .copy_inputs = get_inputs,
            .copy_results = get_results,
            .validate = validate_get,
        },
    [STORE_LIST] =
        {
            .name = "list",
            .late_reason = LATE_READ,
            .may_be_put_off = list_is_first_page,
            .copy_inputs = list_inputs,
            .copy_results = list_results,
            .validate = validate_list,
        },
    [STORE_GRANT] =
        {
            .name = "grant",
            .is_write = true,
            .late_reason = "a user has one grant of a discount, so a late attempt finds it, or "
                           "grants what the client asked for while stock lasts",
            .may_be_put_off = always,
            .copy_inputs = grant_inputs,
            .copy_results = grant_results,
            .copy_refusal = grant_refusal,
            .validate = validate_grant,
        },
    [STORE_GRANT_GET] =
        {
            .name = "grant_get",
            .late_reason = LATE_READ,
            .may_be_put_off = always,
            .copy_inputs = grant_inputs,
            .copy_results = grant_results,
            .validate = validate_grant,
        },
    [STORE_GRANTS] =
        {
            .name = "grants",
            .late_reason = LATE_READ,
            .may_be_put_off = grants_is_first_page,
            .copy_inputs = grants_inputs,
            .copy_results = grants_results,
            .validate = validate_grants,
        },
    [STORE_WALLET] =
        {
            .name = "wallet",
            .late_reason = LATE_READ,
            .may_be_put_off = wallet_is_first_page,
            .copy_inputs = wallet_inputs,
            .copy_results = wallet_results,
            .validate = validate_wallet,
        },
};

const char *op_name(enum store_verb verb)
{
    return rows[verb].name;
}

bool op_is_write(enum store_verb verb)
{
    return rows[verb].is_write;
}

enum status op_status_if_reply_lost(const struct store_op *op)
{
    return op_is_write(op->verb) ? STATUS_UNKNOWN : STATUS_UNAVAILABLE;
}

bool op_may_be_put_off(const struct store_op *op)
{
    return rows[op->verb].may_be_put_off(op);
}

const char *op_late_reason(enum store_verb verb)
{
    return rows[verb].late_reason;
}

bool op_copy_inputs(struct store_op *op)
{
    return rows[op->verb].copy_inputs(op);
}

bool op_copy_results(const struct store_op *from, struct store_op *to)
{
    if (from->status == STATUS_OK) {
        return rows[from->verb].copy_results(from, to);
    }
    if (rows[from->verb].copy_refusal != NULL) {
        rows[from->verb].copy_refusal(from, to);
    }
    return true;
}

enum status op_validate(const struct store_op *op)
{
    return rows[op->verb].validate(op);
}
