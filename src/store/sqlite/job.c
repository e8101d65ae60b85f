/* SPDX-License-Identifier: MIT */
/* Copies of operations, there and back. */
#include "store/sqlite/job.h"

#include <stdlib.h>

#include "discount/limits.h"
#include "store/backend.h"

/* ---- There ---- */

/* Replaces a borrowed text by a copy; false without memory. */
static bool keep(struct arena *arena, struct str *text)
{
    if (text->n == 0) {
        return true;
    }
    *text = arena_dup(arena, *text);
    return text->p != NULL;
}

static bool inputs_keep(struct store_op *op)
{
    switch (op->verb) {
    case STORE_CREATE:
        return keep(op->arena, &op->create.discount.id) &&
               keep(op->arena, &op->create.discount.brand_id) &&
               keep(op->arena, &op->create.discount.discount_code) &&
               keep(op->arena, &op->create.idempotency_key);
    case STORE_GET:
        return keep(op->arena, &op->get.discount.id);
    case STORE_GRANT:
    case STORE_GRANT_GET:
        return keep(op->arena, &op->grant.grant.discount_id) &&
               keep(op->arena, &op->grant.grant.user_id);
    case STORE_LIST:
        return keep(op->arena, &op->list.brand_id);
    case STORE_GRANTS:
        return keep(op->arena, &op->grants.discount_id) && keep(op->arena, &op->grants.after_user);
    case STORE_WALLET:
        return keep(op->arena, &op->wallet.user_id) && keep(op->arena, &op->wallet.before_id);
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
    return true;
}

struct sqlite_job *sqlite_job_new(struct store_op *op, struct sqlite_completion_queue *completions)
{
    struct sqlite_job *job = malloc(sizeof(*job));

    if (job == NULL) {
        return NULL;
    }
    arena_init_in(&job->arena, job->memory, sizeof(job->memory), LIMIT_REQUEST_MEMORY);
    job->op = op;
    job->completions = completions;
    job->is_taken = false;
    job->input = *op;
    job->input.arena = &job->arena;
    job->input.status = STATUS_OK;
    if (!inputs_keep(&job->input)) {
        sqlite_job_free(job);
        return NULL;
    }
    sqlite_job_rewind(job);
    return job;
}

void sqlite_job_free(struct sqlite_job *job)
{
    arena_fini(&job->arena);
    free(job);
}

void sqlite_job_rewind(struct sqlite_job *job)
{
    job->work = job->input;
}

/* ---- And back ---- */

static bool create_deliver(const struct store_op *work, struct store_op *op)
{
    op->create.replayed = work->create.replayed;
    op->create.discount.created_at_us = work->create.discount.created_at_us;
    op->create.discount.id = work->create.discount.id;
    return keep(op->arena, &op->create.discount.id);
}

static bool discount_deliver(const struct discount *from, struct arena *arena,
                             struct discount *ret_to)
{
    *ret_to = *from;
    return keep(arena, &ret_to->id) && keep(arena, &ret_to->brand_id) &&
           keep(arena, &ret_to->discount_code);
}

static bool list_deliver(const struct store_op *work, struct store_op *op)
{
    op->list.count = work->list.count;
    op->list.discounts =
        arena_alloc(op->arena, (work->list.count + 1) * sizeof(*op->list.discounts));
    if (op->list.discounts == NULL) {
        return false;
    }
    for (size_t i = 0; i < work->list.count; i++) {
        if (!discount_deliver(&work->list.discounts[i], op->arena, &op->list.discounts[i])) {
            return false;
        }
    }
    return true;
}

static bool grant_deliver(const struct store_op *work, struct store_op *op)
{
    op->grant.replayed = work->grant.replayed;
    op->grant.grant.granted_at_us = work->grant.grant.granted_at_us;
    op->grant.grant.discount_code = work->grant.grant.discount_code;
    return keep(op->arena, &op->grant.grant.discount_code);
}

static bool grants_deliver(const struct store_op *work, struct store_op *op)
{
    size_t count = work->grants.count;

    op->grants.count = count;
    op->grants.grants = arena_alloc(op->arena, (count + 1) * sizeof(*op->grants.grants));
    for (size_t i = 0; op->grants.grants != NULL && i < count; i++) {
        struct grant *grant = &op->grants.grants[i];

        *grant = work->grants.grants[i];
        if (!keep(op->arena, &grant->discount_id) || !keep(op->arena, &grant->discount_code) ||
            !keep(op->arena, &grant->user_id)) {
            return false;
        }
    }
    return op->grants.grants != NULL;
}

static bool wallet_deliver(const struct store_op *work, struct store_op *op)
{
    size_t count = work->wallet.count;

    op->wallet.count = count;
    op->wallet.user_grants = arena_alloc(op->arena, (count + 1) * sizeof(*op->wallet.user_grants));
    for (size_t i = 0; op->wallet.user_grants != NULL && i < count; i++) {
        struct user_grant *user_grant = &op->wallet.user_grants[i];

        user_grant->granted_at_us = work->wallet.user_grants[i].granted_at_us;
        if (!discount_deliver(&work->wallet.user_grants[i].discount, op->arena,
                              &user_grant->discount)) {
            return false;
        }
    }
    return op->wallet.user_grants != NULL;
}

static bool results_deliver(const struct store_op *work, struct store_op *op)
{
    switch (work->verb) {
    case STORE_CREATE:
        return create_deliver(work, op);
    case STORE_GET:
        return discount_deliver(&work->get.discount, op->arena, &op->get.discount);
    case STORE_LIST:
        return list_deliver(work, op);
    case STORE_GRANT:
    case STORE_GRANT_GET:
        return grant_deliver(work, op);
    case STORE_GRANTS:
        return grants_deliver(work, op);
    case STORE_WALLET:
        return wallet_deliver(work, op);
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
    return true;
}

enum status sqlite_job_deliver(const struct sqlite_job *job)
{
    struct store_op *op = job->op;

    if (job->work.verb == STORE_GRANT && job->work.status != STATUS_OK) {
        op->grant.starts_in_us = job->work.grant.starts_in_us;
        op->grant.final_count = job->work.grant.final_count;
    }
    if (job->work.status != STATUS_OK || results_deliver(&job->work, op)) {
        return job->work.status;
    }
    /* A write is done, and its result cannot be told. */
    return store_status_if_reply_lost(op) == STATUS_UNKNOWN ? STATUS_UNKNOWN : STATUS_OVERLOADED;
}
