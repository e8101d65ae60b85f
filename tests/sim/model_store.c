/* SPDX-License-Identifier: MIT */
/* Answers operations as a store with exactly this content would, and knows which cached refusals
 * may still be given. */
#include "sim/model_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim_fail.h"
#include "sim/virtual_clock.h"
#include "store/op.h"
#include "store/refusal_cache.h"

struct ticket {
    struct queue link;
    struct store_op *op; /* NULL: it was cancelled, but is executed all the same */
    enum store_verb verb;
    size_t discount, user;
    bool is_done; /* executed */
    model_moment when;
    enum status status;
    bool replayed;
    int64_t final_count;
};

/* ---- Names ---- */

struct str model_id(size_t discount, char text[32])
{
    return (struct str){text, (size_t)snprintf(text, 32, "dsc-%021zuA", discount)};
}

struct str model_user_id(size_t user, char text[32])
{
    return (struct str){text, (size_t)snprintf(text, 32, "user %zu", user)};
}

static size_t number_in(struct str name, size_t before)
{
    char text[32];

    if (name.n - before >= sizeof(text)) {
        sim_fail("a name is not of the form that was asked for");
    }
    memcpy(text, name.p + before, name.n - before);
    text[name.n - before] = '\0';
    return strtoul(text, NULL, 10);
}

/* ---- The content ---- */

static int64_t now_us(void)
{
    return (int64_t)virtual_clock_ms() * 1000;
}

/* Returns the status for a user without a grant. */
static enum status closed_as(const struct model_discount *discount)
{
    if (!discount->exists) {
        return STATUS_DISCOUNT_NOT_FOUND;
    }
    if (discount->expires_at_us != 0 && now_us() >= discount->expires_at_us) {
        return STATUS_DISCOUNT_EXPIRED;
    }
    return discount->count >= discount->total ? STATUS_DISCOUNT_EXHAUSTED : STATUS_OK;
}

static int64_t final_count(const struct model_discount *discount)
{
    bool is_near =
        discount->expires_at_us != 0 && llabs(discount->expires_at_us - now_us()) <= FINAL_AFTER_US;

    return is_near ? -1 : discount->count;
}

/* Before each change, records which refusals were right until now. */
static void change_begin(struct model_store *model, struct model_discount *discount)
{
    enum status status = closed_as(discount);

    model->moment++;
    for (size_t i = 0; i < MODEL_USERS; i++) {
        if (discount->users[i].granted_at_us == 0) {
            discount->users[i].refused_until[status] = model->moment;
            discount->users[i].refused_until_ms[status] = virtual_clock_ms();
        }
    }
    model->moment++;
}

static void grant(struct model_store *model, struct model_discount *discount, size_t user)
{
    change_begin(model, discount);
    model->last_us = now_us() > model->last_us ? now_us() : model->last_us + 1;
    discount->users[user].granted_at_us = model->last_us;
    discount->count++;
}

const char *model_store_fault(const struct model_store *model, size_t number, size_t user_number,
                              enum status status)
{
    const struct model_discount *discount = &model->discounts[number];
    const struct model_user *user = &discount->users[user_number];
    uint64_t now_ms = virtual_clock_ms();
    model_moment until = user->refused_until[status];

    if (model->is_lost) {
        return "there is no connection";
    }
    if (user->granted_at_us == 0 && closed_as(discount) == status) {
        return NULL;
    }
    if (until == 0) {
        return user->granted_at_us != 0 ? "the user was always a holder" : "it was never closed so";
    }
    if (until < model->lost) {
        return "that was before the connection was lost";
    }
    if (until < discount->known) {
        return "the store knew better";
    }
    if (discount->touched_ms != 0 && now_ms - discount->touched_ms <= REFUSAL_CACHE_FILTER_MS) {
        return NULL;
    }
    return now_ms - user->refused_until_ms[status] > REFUSAL_CACHE_FRESH_MS ? "that was long ago"
                                                                            : NULL;
}

/* ---- Executing ---- */

static void grant_carry_out(struct model_store *model, struct ticket *ticket)
{
    struct model_discount *discount = &model->discounts[ticket->discount];
    enum status status = closed_as(discount);

    ticket->replayed = discount->exists && discount->users[ticket->user].granted_at_us != 0;
    ticket->status = ticket->replayed ? STATUS_OK : status;
    ticket->final_count = final_count(discount);
    if (ticket->status == STATUS_OK && !ticket->replayed) {
        grant(model, discount, ticket->user);
    }
    model->refusals +=
        ticket->status == STATUS_DISCOUNT_EXHAUSTED || ticket->status == STATUS_DISCOUNT_EXPIRED;
}

/* Returns whether this user's grant comes after that position. */
static bool is_behind(const struct model_user *user, const struct store_op *op)
{
    return op->grants.after_user.n == 0 || user->granted_at_us > op->grants.after_us;
}

static const struct model_discount *sorted;

static int by_time(const void *a, const void *b)
{
    int64_t x = sorted->users[*(const size_t *)a].granted_at_us;
    int64_t y = sorted->users[*(const size_t *)b].granted_at_us;

    return (x > y) - (x < y);
}

static void page_carry_out(struct model_store *model, struct ticket *ticket)
{
    const struct model_discount *discount = &model->discounts[ticket->discount];
    struct store_op *op = ticket->op;
    size_t found[MODEL_USERS], count = 0;
    char text[32];

    ticket->status = discount->exists ? STATUS_OK : STATUS_DISCOUNT_NOT_FOUND;
    for (size_t i = 0; i < MODEL_USERS; i++) {
        if (discount->users[i].granted_at_us != 0 && is_behind(&discount->users[i], op)) {
            found[count++] = i;
        }
    }
    sorted = discount;
    qsort(found, count, sizeof(found[0]), by_time);
    if (model->forgets && count > 0 && chance_one_in(model->chance, 8)) {
        size_t at = chance_below(model->chance, (unsigned)count--);

        memmove(&found[at], &found[at + 1], (count - at) * sizeof(found[0]));
    }
    count = count < op->grants.limit ? count : op->grants.limit;
    op->grants.grants = arena_zalloc(op->arena, (count + 1) * sizeof(*op->grants.grants));
    for (size_t i = 0; i < count; i++) {
        op->grants.grants[i].user_id = arena_dup(op->arena, model_user_id(found[i], text));
        op->grants.grants[i].granted_at_us = discount->users[found[i]].granted_at_us;
    }
    op->grants.count = count;
    model->pages++;
}

void model_store_carry_out(struct model_store *model)
{
    struct ticket *ticket = NULL;

    for (struct queue *at = model->in_hand.next; at != &model->in_hand; at = at->next) {
        ticket = CONTAINER_OF(at, struct ticket, link);
        if (!ticket->is_done) {
            break;
        }
    }
    if (ticket == NULL || ticket->is_done || model->is_lost) {
        return;
    }
    ticket->is_done = true;
    ticket->when = ++model->moment;
    if (ticket->verb == STORE_GRANT) {
        grant_carry_out(model, ticket);
    } else if (ticket->op != NULL) {
        page_carry_out(model, ticket);
    }
}

/* ---- Answering ---- */

static void ticket_end(struct model_store *model, struct ticket *ticket)
{
    model->pages_in_hand -= ticket->op != NULL && ticket->verb == STORE_GRANTS;
    queue_remove(&ticket->link);
    free(ticket);
}

static void answered(struct model_store *model, const struct ticket *ticket)
{
    struct store_op *op = ticket->op;

    if (ticket->verb == STORE_GRANT) {
        op->grant.replayed = ticket->replayed;
        op->grant.grant.discount_code = STR("CODE");
        op->grant.grant.granted_at_us = 1;
        op->grant.final_count = ticket->final_count;
        if ((ticket->status == STATUS_OK && !ticket->replayed) ||
            ticket->status == STATUS_DISCOUNT_NOT_FOUND) {
            model->discounts[ticket->discount].known = ticket->when;
        }
    }
    store_complete(model->store, op, ticket->status);
}

void model_store_answer(struct model_store *model)
{
    struct ticket *ticket = CONTAINER_OF(model->in_hand.next, struct ticket, link);

    if (queue_is_empty(&model->in_hand) || !ticket->is_done || model->is_lost) {
        return;
    }
    if (ticket->op != NULL && chance_one_in(model->chance, 200)) {
        ticket->status = STATUS_CORRUPT;
    }
    if (ticket->op != NULL) {
        answered(model, ticket);
    }
    ticket_end(model, ticket);
}

/* ---- Changes by others ---- */

void model_store_grant(struct model_store *model, size_t number, size_t user)
{
    struct model_discount *discount = &model->discounts[number];

    if (closed_as(discount) == STATUS_OK && discount->users[user].granted_at_us == 0) {
        grant(model, discount, user);
    }
}

static void holder_take(struct model_store *model, struct model_discount *discount)
{
    size_t user = chance_below(model->chance, MODEL_USERS);

    for (size_t i = 0; i < MODEL_USERS; i++, user = (user + 1) % MODEL_USERS) {
        if (discount->users[user].granted_at_us != 0) {
            change_begin(model, discount);
            discount->users[user].granted_at_us = 0;
            discount->count--;
            discount->touched_ms = virtual_clock_ms();
            return;
        }
    }
}

void model_store_change(struct model_store *model, size_t number)
{
    struct model_discount *discount = &model->discounts[number];

    if (model->forgets) {
        return; /* two damages could cancel each other out */
    }
    switch (chance_below(model->chance, 4)) {
    case 0:
        change_begin(model, discount);
        discount->total += 1 + (int64_t)chance_below(model->chance, 3);
        break;
    case 1:
        holder_take(model, discount);
        break;
    case 2:
        holder_take(model, discount);
        model_store_grant(model, number, chance_below(model->chance, MODEL_USERS));
        break;
    default:
        change_begin(model, discount);
        discount->exists = !discount->exists;
        break;
    }
}

void model_store_lose(struct model_store *model)
{
    if (model->is_lost) {
        return;
    }
    model->is_lost = true;
    model->lost = ++model->moment;
    for (struct queue *at = model->in_hand.next; at != &model->in_hand; at = at->next) {
        CONTAINER_OF(at, struct ticket, link)->is_done = false; /* it will be sent again */
    }
}

void model_store_return(struct model_store *model)
{
    for (size_t i = 0; model->is_lost && i < MODEL_DISCOUNTS; i++) {
        struct model_discount *discount = &model->discounts[i];

        if (chance_one_in(model->chance, 2)) {
            holder_take(model, discount);
            discount->touched_ms = 0; /* nothing from before the change counts any more */
            model_store_grant(model, i, chance_below(model->chance, MODEL_USERS));
        }
    }
    if (model->is_lost) {
        model->lost = ++model->moment;
    }
    model->is_lost = false;
}

/* ---- The backend ---- */

static void *model_open(void *engine, struct store *store)
{
    struct model_store *model = engine;

    model->store = store;
    return model;
}

static bool model_is_ready(const void *self)
{
    return !((const struct model_store *)self)->is_lost;
}

static void model_submit(void *self, struct store_op *op)
{
    struct model_store *model = self;
    struct ticket *ticket = calloc(1, sizeof(*ticket));

    if (ticket == NULL) {
        abort();
    }
    ticket->op = op;
    ticket->verb = op->verb;
    if (op->verb == STORE_GRANT) {
        ticket->discount = number_in(op->grant.grant.discount_id, 4);
        ticket->user = number_in(op->grant.grant.user_id, 5);
    } else {
        ticket->discount = number_in(op->grants.discount_id, 4);
        if (op->verb != STORE_GRANTS || ++model->pages_in_hand > 1) {
            sim_fail("the store is asked for what nobody asked for");
        }
        if ((model->pages + 1) * REFUSAL_CACHE_REFUSALS > model->refusals) {
            sim_fail("%zu pages are read for %zu refusals", model->pages + 1, model->refusals);
        }
    }
    op->slot = ticket;
    queue_append(&model->in_hand, &ticket->link);
}

static enum status model_cancel(void *self, struct store_op *op)
{
    struct model_store *model = self;
    struct ticket *ticket = op->slot;

    model->pages_in_hand -= op->verb == STORE_GRANTS;
    ticket->op = NULL; /* it may be executed all the same */
    return op_status_if_reply_lost(op);
}

static void model_flush(void *self)
{
    (void)self;
}

static void model_close(void *self)
{
    struct model_store *model = self;

    while (!queue_is_empty(&model->in_hand)) {
        struct ticket *ticket = CONTAINER_OF(model->in_hand.next, struct ticket, link);

        if (ticket->op != NULL) {
            store_complete(model->store, ticket->op, op_status_if_reply_lost(ticket->op));
        }
        ticket_end(model, ticket);
    }
}

static void model_free(void *self)
{
    (void)self; /* the caller's storage */
}

static const struct store_backend backend = {
    .scheme = "model:",
    .open = model_open,
    .is_ready = model_is_ready,
    .submit = model_submit,
    .cancel = model_cancel,
    .flush = model_flush,
    .close = model_close,
    .free = model_free,
};

/* Makes small discounts and discounts of a page or two, most of them nearly sold out. */
static void discount_fill(struct model_store *model, struct model_discount *discount)
{
    static const int64_t totals[] = {1, 3, REFUSAL_CACHE_PAGE - 1, REFUSAL_CACHE_PAGE,
                                     2 * REFUSAL_CACHE_PAGE + 5};
    int64_t sold;

    discount->exists = true;
    discount->total = totals[chance_below(model->chance, 5)];
    sold = discount->total - (int64_t)chance_below(model->chance, 3);
    while (discount->count < sold) {
        model_store_grant(model, (size_t)(discount - model->discounts),
                          chance_below(model->chance, MODEL_USERS));
    }
    if (chance_one_in(model->chance, 2)) {
        discount->expires_at_us = now_us() + 1000 * (int64_t)chance_below(model->chance, 30000);
    }
}

struct store_engine *model_store_init(struct model_store *model, struct chance *chance)
{
    *model = (struct model_store){.chance = chance};
    model->engine = (struct store_engine){&backend, model};
    queue_init(&model->in_hand);
    model->forgets = chance_one_in(chance, 4);
    for (size_t i = 0; i < MODEL_DISCOUNTS; i++) {
        discount_fill(model, &model->discounts[i]);
    }
    return &model->engine;
}
