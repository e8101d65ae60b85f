/* SPDX-License-Identifier: MIT */
/* Completes each operation with a random status: now, later, or when it is cancelled. The results
 * are invented and name what was asked for. */
#include "sim/fake_store.h"

#include <stdlib.h>
#include <string.h>

#include "sim/sim_fail.h"
#include "store/op.h"

/* An operation whose `done` has not run yet. */
struct ticket {
    struct queue link;
    struct fake_store *fake;
    struct store_op *op;
    store_done_fn done; /* the caller's; meanwhile the operation has ours */
    bool is_mute;       /* never completes before it is cancelled */
    bool is_done;       /* completed */
};

/* ---- Results ---- */

static const struct {
    enum store_verb verb; /* STORE_VERB_COUNT: any verb */
    enum status status;
} refusals[] = {
    {STORE_VERB_COUNT, STATUS_UNAVAILABLE},        {STORE_VERB_COUNT, STATUS_CORRUPT},
    {STORE_VERB_COUNT, STATUS_OVERLOADED},         {STORE_CREATE, STATUS_UNKNOWN},
    {STORE_CREATE, STATUS_IDEMPOTENCY_KEY_REUSED}, {STORE_GRANT, STATUS_UNKNOWN},
    {STORE_GRANT, STATUS_DISCOUNT_NOT_FOUND},      {STORE_GRANT, STATUS_DISCOUNT_NOT_STARTED},
    {STORE_GRANT, STATUS_DISCOUNT_EXPIRED},        {STORE_GRANT, STATUS_DISCOUNT_EXHAUSTED},
    {STORE_GET, STATUS_DISCOUNT_NOT_FOUND},        {STORE_GRANT_GET, STATUS_DISCOUNT_NOT_FOUND},
    {STORE_GRANT_GET, STATUS_GRANT_NOT_FOUND},     {STORE_GRANTS, STATUS_DISCOUNT_NOT_FOUND},
};

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static enum status status_choose(struct chance *chance, enum store_verb verb)
{
    size_t i = chance_below(chance, 4 * REFUSALS);

    return i < REFUSALS && (refusals[i].verb == verb || refusals[i].verb == STORE_VERB_COUNT)
               ? refusals[i].status
               : STATUS_OK;
}

/* Sets the members of an existing discount, besides its id and brand. */
static struct discount discount_make(struct str id, struct str brand_id, int64_t created_at_us)
{
    return (struct discount){
        .id = id,
        .brand_id = brand_id,
        .discount_code = STR("CODE"),
        .total_count = 100,
        .granted_count = 7,
        .created_at_us = created_at_us,
    };
}

static struct str some_id(struct arena *arena, size_t i)
{
    return arena_printf(arena, "dsc-%021zuA", i);
}

/* Returns how many of the requested items exist. */
static size_t count_choose(struct chance *chance, size_t asked)
{
    return chance_one_in(chance, 3) ? chance_below(chance, (unsigned)asked + 1) : asked;
}

static void list_fill(struct chance *chance, struct store_op *op)
{
    size_t count = count_choose(chance, op->list.limit);
    struct discount *discounts = arena_zalloc(op->arena, (count + 1) * sizeof(*discounts));

    for (size_t i = 0; discounts != NULL && i < count; i++) {
        struct str brand_id = op->list.brand_id.n > 0 ? op->list.brand_id : STR("brand");

        discounts[i] =
            discount_make(some_id(op->arena, i), brand_id, op->list.after_us + 1 + (int64_t)i);
    }
    op->list.discounts = discounts;
    op->list.count = count;
}

static void grants_fill(struct chance *chance, struct store_op *op)
{
    size_t count = count_choose(chance, op->grants.limit);
    struct grant *grants = arena_zalloc(op->arena, (count + 1) * sizeof(*grants));

    for (size_t i = 0; grants != NULL && i < count; i++) {
        grants[i] = (struct grant){
            .discount_id = op->grants.discount_id,
            .discount_code = STR("CODE"),
            .user_id = arena_printf(op->arena, "user %zu", i),
            .granted_at_us = op->grants.after_us + 1 + (int64_t)i,
        };
    }
    op->grants.grants = grants;
    op->grants.count = count;
}

static void wallet_fill(struct chance *chance, struct store_op *op)
{
    int64_t before_us = op->wallet.before_us > 0 ? op->wallet.before_us : 1000000000;
    size_t count = count_choose(chance, op->wallet.limit);
    struct user_grant *user_grants = arena_zalloc(op->arena, (count + 1) * sizeof(*user_grants));

    for (size_t i = 0; user_grants != NULL && i < count; i++) {
        user_grants[i] = (struct user_grant){
            .discount = discount_make(some_id(op->arena, i), STR("brand"), 1),
            .granted_at_us = before_us > (int64_t)i + 1 ? before_us - (int64_t)i - 1 : 1,
        };
    }
    op->wallet.user_grants = user_grants;
    op->wallet.count = count;
}

static void result_fill(struct chance *chance, struct store_op *op)
{
    switch (op->verb) {
    case STORE_CREATE:
        op->create.discount.created_at_us = 1;
        op->create.replayed = op->create.idempotency_key.n > 0 && chance_one_in(chance, 2);
        break;
    case STORE_GET:
        op->get.discount = discount_make(op->get.discount.id, STR("brand"), 1);
        break;
    case STORE_GRANT:
        op->grant.replayed = chance_one_in(chance, 2);
        /* fall through */
    case STORE_GRANT_GET:
        op->grant.grant.discount_code = STR("CODE");
        op->grant.grant.granted_at_us = 1;
        break;
    case STORE_LIST:
        list_fill(chance, op);
        break;
    case STORE_GRANTS:
        grants_fill(chance, op);
        break;
    case STORE_WALLET:
        wallet_fill(chance, op);
        break;
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
}

/* ---- Completion ---- */

/* Runs between store_deliver and the caller's `done`. */
static void deliver(struct store_op *op)
{
    struct ticket *ticket = op->slot;
    struct fake_store *fake;

    if (ticket == NULL || ticket->op != op) {
        sim_fail("an operation is delivered that was not submitted, or twice");
    }
    if (!ticket->is_done) {
        sim_fail("an operation is delivered that the backend still has");
    }
    fake = ticket->fake;
    op->slot = NULL;
    op->done = ticket->done;
    queue_remove(&ticket->link);
    free(ticket);
    fake->delivered_count++;
    if (fake->delivered != NULL) {
        fake->delivered(fake->argument, op);
    }
    if (fake->fault == FAKE_STORE_TWICE && fake->stale == NULL && chance_one_in(fake->chance, 4)) {
        fake->stale = op;
    }
    op->done(op);
}

/* Keeps a ticket until its operation is delivered. */
static void ticket_finish(struct ticket *ticket)
{
    ticket->is_done = true;
    ticket->fake->in_hand_count--;
    queue_remove(&ticket->link);
    queue_append(&ticket->fake->done, &ticket->link);
}

static void ticket_answer(struct ticket *ticket)
{
    struct fake_store *fake = ticket->fake;
    enum status status = status_choose(fake->chance, ticket->op->verb);

    if (status == STATUS_OK) {
        result_fill(fake->chance, ticket->op);
    } else if (status == STATUS_DISCOUNT_NOT_STARTED) {
        ticket->op->grant.starts_in_us = 1500000;
    }
    ticket_finish(ticket);
    store_complete(fake->store, ticket->op, status);
}

/* Swaps the inputs of the first two grants in hand. */
static void swap(struct fake_store *fake)
{
    struct store_op *found[2];
    size_t count = 0;

    for (struct queue *at = fake->in_hand.next; count < 2 && at != &fake->in_hand; at = at->next) {
        struct store_op *op = CONTAINER_OF(at, struct ticket, link)->op;

        if (op->verb == STORE_GRANT) {
            found[count++] = op;
        }
    }
    if (count == 2) {
        struct grant other = found[0]->grant.grant;

        found[0]->grant.grant = found[1]->grant.grant;
        found[1]->grant.grant = other;
    }
}

static void misbehave(struct fake_store *fake)
{
    struct store_op *stale = fake->stale;

    if (fake->fault == FAKE_STORE_SWAPPED) {
        swap(fake);
    } else if (stale != NULL) {
        fake->stale = NULL;
        store_complete(fake->store, stale, STATUS_OK);
    }
}

void fake_store_answer(struct fake_store *fake)
{
    struct queue now, *at;

    misbehave(fake);
    queue_init(&now);
    for (at = fake->in_hand.next; at != &fake->in_hand;) {
        struct ticket *ticket = CONTAINER_OF(at, struct ticket, link);

        at = at->next;
        if (!ticket->is_mute && !chance_one_in(fake->chance, 4)) {
            /* To the front or the end of the operations that complete now. */
            queue_remove(&ticket->link);
            queue_append(chance_one_in(fake->chance, 2) ? now.next : &now, &ticket->link);
        }
    }
    while (!queue_is_empty(&now)) {
        ticket_answer(CONTAINER_OF(now.next, struct ticket, link));
    }
}

/* ---- The backend ---- */

static void *fake_open(void *engine, struct store *store)
{
    struct fake_store *fake = engine;

    fake->store = store;
    return fake;
}

static bool fake_is_ready(const void *self)
{
    (void)self;
    return true;
}

static void fake_submit(void *self, struct store_op *op)
{
    struct fake_store *fake = self;
    struct ticket *ticket = malloc(sizeof(*ticket));

    if (ticket == NULL) {
        abort();
    }
    *ticket = (struct ticket){.fake = fake, .op = op, .done = op->done};
    ticket->is_mute = chance_one_in(fake->chance, 12);
    op->slot = ticket;
    op->done = deliver;
    queue_append(&fake->in_hand, &ticket->link);
    fake->in_hand_count++;
    fake->submitted_count++;
    if (fake->in_hand_count > fake->in_hand_most) {
        fake->in_hand_most = fake->in_hand_count;
    }
    if (fake->submitted != NULL) {
        fake->submitted(fake->argument, op);
    }
    if (chance_one_in(fake->chance, 8)) {
        ticket_answer(ticket);
    }
}

static enum status fake_cancel(void *self, struct store_op *op)
{
    struct fake_store *fake = self;

    ticket_finish(op->slot);
    if (fake->fault == FAKE_STORE_LATE) {
        fake->stale = op;
    }
    return op_status_if_reply_lost(op);
}

static void fake_flush(void *self)
{
    (void)self;
}

static void fake_close(void *self)
{
    struct fake_store *fake = self;

    while (!queue_is_empty(&fake->in_hand)) {
        struct store_op *op = CONTAINER_OF(fake->in_hand.next, struct ticket, link)->op;

        ticket_finish(op->slot);
        store_complete(fake->store, op, op_status_if_reply_lost(op));
    }
}

static void fake_free(void *self)
{
    (void)self; /* the caller's storage */
}

static const struct store_backend backend = {
    .scheme = "fake:",
    .open = fake_open,
    .is_ready = fake_is_ready,
    .submit = fake_submit,
    .cancel = fake_cancel,
    .flush = fake_flush,
    .close = fake_close,
    .free = fake_free,
};

struct store_engine *fake_store_init(struct fake_store *fake, struct chance *chance)
{
    *fake = (struct fake_store){.chance = chance};
    fake->engine = (struct store_engine){&backend, fake};
    queue_init(&fake->in_hand);
    queue_init(&fake->done);
    return &fake->engine;
}
