/* SPDX-License-Identifier: MIT */
/* In: what the backend says to grants, pages of holders. Out: refusals. A discount is
 *
 *   counted   its refusals are, until they pay for a page of its holders
 *   loading   it has a filter to which pages are added
 *   known     all holders are in the filter, and they are as many as the backend says
 *
 * and is forgotten, or goes back to counted, as soon as anything else is said of it. */
#include "store/refusal_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "discount/limits.h"
#include "store/bloom_filter.h"
#include "store/siphash.h"

#define BUCKETS 1024
/* What a page takes, mostly; the rest comes from malloc. */
#define PAGE_MEMORY 32768

/* The filter of a discount, and how far it is. */
struct holders {
    struct holder_filter filter;
    size_t size;
    bool is_complete;
    uint64_t begun_ms;
    int64_t count;
    int64_t after_us; /* the place of the last one; user_n == 0: none yet */
    size_t user_n;
    char user[LIMIT_USER_ID];
};

struct closed {
    struct queue used;   /* in sold_out->used, or in sold_out->spare */
    struct closed *next; /* in its bucket */
    char id[DISCOUNT_ID_LENGTH];
    enum status status;
    int64_t count;         /* of its grants, as the backend says */
    uint64_t confirmed_ms; /* when it was asked for that */
    uint64_t let_ms;       /* when somebody was last let through to it */
    int64_t refusals;      /* that have not paid for a page yet; below 0: still to rest */
    struct holders *holders;
};

struct sold_out {
    struct siphash_key key;
    struct closed *buckets[BUCKETS];
    struct queue used; /* least recently first */
    struct queue spare;
    size_t count, known, bytes;
    struct closed *wanting; /* has paid for a page; NULL: none */

    bool is_asking; /* the page is with the store */
    struct store_op page;
    struct arena arena;
    char page_id[DISCOUNT_ID_LENGTH], page_user[LIMIT_USER_ID];
    _Alignas(max_align_t) char memory[PAGE_MEMORY];
    size_t touched; /* of all: the others are spare too, and take no memory yet */
    struct closed all[SOLD_OUT_DISCOUNTS];
};

/* ---- Life ---- */

struct sold_out *sold_out_new(void)
{
    struct sold_out *sold_out = calloc(1, sizeof(*sold_out));

    if (sold_out == NULL ||
        getrandom(&sold_out->key, sizeof(sold_out->key), 0) != sizeof(sold_out->key)) {
        free(sold_out);
        return NULL;
    }
    queue_init(&sold_out->used);
    queue_init(&sold_out->spare);
    return sold_out;
}

void sold_out_free(struct sold_out *sold_out)
{
    assert(!sold_out->is_asking);
    sold_out_forget(sold_out);
    free(sold_out);
}

/* ---- Discounts ---- */

static struct str id_of(const struct closed *closed)
{
    return (struct str){closed->id, sizeof(closed->id)};
}

static struct closed **bucket_of(struct sold_out *sold_out, struct str id)
{
    return &sold_out->buckets[siphash(&sold_out->key, id) % BUCKETS];
}

static struct closed *closed_find(struct sold_out *sold_out, struct str id)
{
    struct closed *closed;

    if (sold_out->count == 0) {
        return NULL;
    }
    closed = *bucket_of(sold_out, id);
    while (closed != NULL && !str_eq(id_of(closed), id)) {
        closed = closed->next;
    }
    return closed;
}

static void closed_touch(struct sold_out *sold_out, struct closed *closed)
{
    queue_remove(&closed->used);
    queue_append(&sold_out->used, &closed->used);
}

static void holders_drop(struct sold_out *sold_out, struct closed *closed)
{
    struct holders *holders = closed->holders;

    closed->holders = NULL;
    closed->refusals = 0;
    if (holders != NULL) {
        sold_out->known -= holders->is_complete;
        sold_out->bytes -= holders->size;
        holder_filter_fini(&holders->filter);
        free(holders);
    }
}

static void closed_drop(struct sold_out *sold_out, struct closed *closed)
{
    struct closed **at = bucket_of(sold_out, id_of(closed));

    holders_drop(sold_out, closed);
    while (*at != closed) {
        at = &(*at)->next;
    }
    *at = closed->next;
    queue_remove(&closed->used);
    queue_append(&sold_out->spare, &closed->used);
    sold_out->count--;
    if (sold_out->wanting == closed) {
        sold_out->wanting = NULL;
    }
}

static struct closed *least_used(const struct sold_out *sold_out)
{
    return CONTAINER_OF(sold_out->used.next, struct closed, used);
}

static struct closed *spare_take(struct sold_out *sold_out)
{
    struct closed *closed;

    if (queue_is_empty(&sold_out->spare) && sold_out->touched < SOLD_OUT_DISCOUNTS) {
        return &sold_out->all[sold_out->touched++];
    }
    if (queue_is_empty(&sold_out->spare)) {
        closed_drop(sold_out, least_used(sold_out));
    }
    closed = CONTAINER_OF(sold_out->spare.next, struct closed, used);
    queue_remove(&closed->used);
    return closed;
}

static struct closed *closed_add(struct sold_out *sold_out, struct str id)
{
    struct closed **bucket = bucket_of(sold_out, id), *closed = spare_take(sold_out);

    *closed = (struct closed){.next = *bucket};
    memcpy(closed->id, id.p, sizeof(closed->id));
    *bucket = closed;
    queue_init(&closed->used);
    sold_out->count++;
    return closed;
}

void sold_out_forget(struct sold_out *sold_out)
{
    while (!queue_is_empty(&sold_out->used)) {
        closed_drop(sold_out, least_used(sold_out));
    }
}

/* ---- Refusing ---- */

static bool is_older(uint64_t then_ms, uint64_t now_ms, uint64_t most_ms)
{
    return now_ms - then_ms > most_ms;
}

static bool may_hold(const struct sold_out *sold_out, const struct holders *holders,
                     struct str user)
{
    return holder_filter_may_have(&holders->filter, siphash(&sold_out->key, user));
}

bool sold_out_refuses(struct sold_out *sold_out, const struct grant *grant, uint64_t now_ms,
                      enum status *ret_status)
{
    struct closed *closed = sold_out->known == 0 ? NULL : closed_find(sold_out, grant->discount_id);

    if (closed == NULL || closed->holders == NULL || !closed->holders->is_complete) {
        return false;
    }
    if (is_older(closed->holders->begun_ms, now_ms, SOLD_OUT_FILTER_MS)) {
        holders_drop(sold_out, closed);
        return false;
    }
    if (is_older(closed->confirmed_ms, now_ms, SOLD_OUT_FRESH_MS) ||
        may_hold(sold_out, closed->holders, grant->user_id)) {
        return false;
    }
    if (is_older(closed->let_ms, now_ms, SOLD_OUT_ASK_MS)) {
        closed->let_ms = now_ms;
        return false;
    }
    closed_touch(sold_out, closed);
    *ret_status = closed->status;
    return true;
}

/* ---- Learning ---- */

static bool is_loading(const struct closed *closed)
{
    return closed->holders == NULL || !closed->holders->is_complete;
}

/* Whoever refuses often enough has its next page read, one discount after the other. */
static void page_want(struct sold_out *sold_out, struct closed *closed)
{
    if (sold_out->wanting == NULL && is_loading(closed) && closed->refusals >= SOLD_OUT_REFUSALS) {
        sold_out->wanting = closed;
    }
}

static void learn_closed(struct sold_out *sold_out, const struct store_op *op, enum status status,
                         uint64_t asked_ms)
{
    struct closed *closed = closed_find(sold_out, op->grant.grant.discount_id);

    if (closed != NULL && (closed->status != status || closed->count != op->grant.final_count)) {
        closed_drop(sold_out, closed);
        closed = NULL;
    }
    if (closed == NULL) {
        closed = closed_add(sold_out, op->grant.grant.discount_id);
        closed->status = status;
        closed->count = op->grant.final_count;
    }
    if (closed->confirmed_ms < asked_ms) {
        closed->confirmed_ms = asked_ms;
    }
    closed_touch(sold_out, closed);
    closed->refusals += is_loading(closed);
    page_want(sold_out, closed);
}

/* A holder who is not among those that were read: they are not what they were. */
static bool is_missed(const struct sold_out *sold_out, const struct closed *closed,
                      const struct store_op *op)
{
    return !is_loading(closed) && !may_hold(sold_out, closed->holders, op->grant.grant.user_id);
}

void sold_out_learn(struct sold_out *sold_out, const struct store_op *op, enum status status,
                    uint64_t asked_ms)
{
    bool is_closed = status == STATUS_DISCOUNT_EXHAUSTED || status == STATUS_DISCOUNT_EXPIRED;
    bool is_open = (status == STATUS_OK && !op->grant.replayed) ||
                   status == STATUS_DISCOUNT_NOT_FOUND || status == STATUS_DISCOUNT_NOT_STARTED;
    struct closed *closed;

    if (is_closed && op->grant.final_count >= 0 &&
        op->grant.grant.discount_id.n == DISCOUNT_ID_LENGTH) {
        learn_closed(sold_out, op, status, asked_ms);
        return;
    }
    closed = closed_find(sold_out, op->grant.grant.discount_id);
    if (closed != NULL && (is_open || (status == STATUS_OK && is_missed(sold_out, closed, op)))) {
        closed_drop(sold_out, closed);
    }
}

/* ---- Loading ---- */

/* Makes room for a filter of this size, at the cost of those used least recently. */
static void room_make(struct sold_out *sold_out, size_t size)
{
    struct queue *at = sold_out->used.next;

    while (sold_out->bytes + size > SOLD_OUT_BYTES) {
        holders_drop(sold_out, CONTAINER_OF(at, struct closed, used));
        at = at->next;
    }
}

/* False when they would be too many, or there is no memory. */
static bool holders_begin(struct sold_out *sold_out, struct closed *closed, uint64_t now_ms)
{
    size_t size = holder_filter_size(closed->count);
    struct holders *holders;

    if (size > SOLD_OUT_BYTES) {
        return false;
    }
    room_make(sold_out, size);
    holders = calloc(1, sizeof(*holders));
    if (holders == NULL || !holder_filter_init(&holders->filter, closed->count)) {
        free(holders);
        return false;
    }
    holders->size = size;
    holders->begun_ms = now_ms;
    closed->holders = holders;
    sold_out->bytes += size;
    return true;
}

/* A load that takes too long could not be believed at its end. */
static void holders_check_age(struct sold_out *sold_out, struct closed *closed, uint64_t now_ms)
{
    const struct holders *holders = closed->holders;

    if (holders != NULL && is_older(holders->begun_ms, now_ms, SOLD_OUT_FILTER_MS)) {
        int64_t pages = holders->count / SOLD_OUT_PAGE;

        holders_drop(sold_out, closed);
        closed->refusals = -pages * SOLD_OUT_REFUSALS * SOLD_OUT_REST;
    }
}

struct store_op *sold_out_page(struct sold_out *sold_out, uint64_t now_ms)
{
    struct closed *closed = sold_out->wanting;
    struct store_op *op = &sold_out->page;
    const struct holders *holders;

    if (sold_out->is_asking || closed == NULL) {
        return NULL;
    }
    sold_out->wanting = NULL;
    if (!is_loading(closed)) {
        return NULL; /* the page before was the last */
    }
    closed->refusals -= SOLD_OUT_REFUSALS;
    holders_check_age(sold_out, closed, now_ms);
    if (closed->refusals < 0 ||
        (closed->holders == NULL && !holders_begin(sold_out, closed, now_ms))) {
        return NULL;
    }
    holders = closed->holders;
    sold_out->is_asking = true;
    memcpy(sold_out->page_id, closed->id, sizeof(closed->id));
    memcpy(sold_out->page_user, holders->user, holders->user_n);
    arena_init_in(&sold_out->arena, sold_out->memory, sizeof(sold_out->memory),
                  LIMIT_REQUEST_MEMORY);
    op->arena = &sold_out->arena;
    op->grants.discount_id = (struct str){sold_out->page_id, sizeof(sold_out->page_id)};
    op->grants.after_us = holders->after_us;
    op->grants.after_user = (struct str){sold_out->page_user, holders->user_n};
    op->grants.limit = SOLD_OUT_PAGE;
    return op;
}

/* False when these cannot be the holders. */
static bool holders_add(struct sold_out *sold_out, struct closed *closed, const struct store_op *op)
{
    struct holders *holders = closed->holders;
    struct str user = {NULL, 0};

    holders->count += (int64_t)op->grants.count;
    if (holders->count > closed->count) {
        return false;
    }
    for (size_t i = 0; i < op->grants.count; i++) {
        user = op->grants.grants[i].user_id;
        holder_filter_add(&holders->filter, siphash(&sold_out->key, user));
        holders->after_us = op->grants.grants[i].granted_at_us;
    }
    if (op->grants.count < op->grants.limit) {
        holders->is_complete = holders->count == closed->count;
        sold_out->known += holders->is_complete;
        return holders->is_complete;
    }
    if (user.n < 1 || user.n > sizeof(holders->user)) {
        return false;
    }
    memcpy(holders->user, user.p, user.n);
    holders->user_n = user.n;
    return true;
}

void sold_out_page_done(struct store_op *op)
{
    struct sold_out *sold_out = CONTAINER_OF(op, struct sold_out, page);
    struct closed *closed =
        closed_find(sold_out, (struct str){sold_out->page_id, DISCOUNT_ID_LENGTH});

    sold_out->is_asking = false;
    /* It is the load that the page belongs to: another one begins with a page of its own. */
    if (closed != NULL && closed->holders != NULL) {
        if (op->status == STATUS_OK && holders_add(sold_out, closed, op)) {
            page_want(sold_out, closed);
        } else {
            closed_drop(sold_out, closed);
        }
    }
    arena_fini(&sold_out->arena);
}

bool sold_out_is_page(const struct sold_out *sold_out, const struct store_op *op)
{
    return op == &sold_out->page;
}

/* ---- Figures ---- */

size_t sold_out_discounts(const struct sold_out *sold_out)
{
    return sold_out->count;
}

size_t sold_out_bytes(const struct sold_out *sold_out)
{
    return sold_out->bytes;
}
