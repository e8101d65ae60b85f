/* SPDX-License-Identifier: MIT */
/* In: the backend's answers to grants, and pages of holders. Out: refusals. A discount has one of
 * three states:
 *
 *   counted   its refusals are counted, until there are enough for reading a page of its holders
 *   loading   it has a filter, to which pages are added
 *   known     all holders are in the filter, and their number is the one that the backend reported
 *
 * An answer that contradicts the state makes the cache forget the discount or count from the
 * start. */
#include "store/refusal_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "discount/limits.h"
#include "store/bloom_filter.h"
#include "store/siphash.h"

#define BUCKETS 1024
/* Enough for most pages. The arena takes more from malloc if needed. */
#define PAGE_MEMORY 32768

/* The filter of a discount, and how far its loading has come. */
struct holders {
    struct bloom_filter filter;
    size_t size;
    bool is_complete;
    uint64_t begun_ms;
    int64_t count;
    int64_t after_us; /* position of the last holder read; user_n == 0: none yet */
    size_t user_n;
    char user[LIMIT_USER_ID];
};

struct closed {
    struct queue used;   /* in refusal_cache->used or refusal_cache->spare */
    struct closed *next; /* in its bucket */
    char id[DISCOUNT_ID_LENGTH];
    enum status status;
    int64_t count;         /* number of its grants, as the backend reported */
    uint64_t confirmed_ms; /* when the request with the last such report was made */
    uint64_t let_ms;       /* when a request was last let through to the backend */
    int64_t refusals;      /* since the last page; below 0: a pause after a failed load */
    struct holders *holders;
};

struct refusal_cache {
    struct siphash_key key;
    struct closed *buckets[BUCKETS];
    struct queue used; /* least recently used first */
    struct queue spare;
    size_t count, known, bytes;
    struct closed *wanting; /* the discount whose next page is to be read; NULL: none */

    bool is_asking; /* the page is being read by the store */
    struct store_op page;
    struct arena arena;
    char page_id[DISCOUNT_ID_LENGTH], page_user[LIMIT_USER_ID];
    _Alignas(max_align_t) char memory[PAGE_MEMORY];
    size_t touched; /* entries of `all` in use so far; the others take no memory yet */
    struct closed all[REFUSAL_CACHE_DISCOUNTS];
};

/* ---- Life ---- */

struct refusal_cache *refusal_cache_new(void)
{
    struct refusal_cache *refusal_cache = calloc(1, sizeof(*refusal_cache));

    if (refusal_cache == NULL || getrandom(&refusal_cache->key, sizeof(refusal_cache->key), 0) !=
                                     sizeof(refusal_cache->key)) {
        free(refusal_cache);
        return NULL;
    }
    queue_init(&refusal_cache->used);
    queue_init(&refusal_cache->spare);
    return refusal_cache;
}

void refusal_cache_free(struct refusal_cache *refusal_cache)
{
    assert(!refusal_cache->is_asking);
    refusal_cache_forget(refusal_cache);
    free(refusal_cache);
}

/* ---- Discounts ---- */

static struct str id_of(const struct closed *closed)
{
    return (struct str){closed->id, sizeof(closed->id)};
}

static struct closed **bucket_of(struct refusal_cache *refusal_cache, struct str id)
{
    return &refusal_cache->buckets[siphash(&refusal_cache->key, id) % BUCKETS];
}

static struct closed *closed_find(struct refusal_cache *refusal_cache, struct str id)
{
    struct closed *closed;

    if (refusal_cache->count == 0) {
        return NULL;
    }
    closed = *bucket_of(refusal_cache, id);
    while (closed != NULL && !str_eq(id_of(closed), id)) {
        closed = closed->next;
    }
    return closed;
}

static void closed_touch(struct refusal_cache *refusal_cache, struct closed *closed)
{
    queue_remove(&closed->used);
    queue_append(&refusal_cache->used, &closed->used);
}

static void holders_drop(struct refusal_cache *refusal_cache, struct closed *closed)
{
    struct holders *holders = closed->holders;

    closed->holders = NULL;
    closed->refusals = 0;
    if (holders != NULL) {
        refusal_cache->known -= holders->is_complete;
        refusal_cache->bytes -= holders->size;
        bloom_filter_fini(&holders->filter);
        free(holders);
    }
}

static void closed_drop(struct refusal_cache *refusal_cache, struct closed *closed)
{
    struct closed **at = bucket_of(refusal_cache, id_of(closed));

    holders_drop(refusal_cache, closed);
    while (*at != closed) {
        at = &(*at)->next;
    }
    *at = closed->next;
    queue_remove(&closed->used);
    queue_append(&refusal_cache->spare, &closed->used);
    refusal_cache->count--;
    if (refusal_cache->wanting == closed) {
        refusal_cache->wanting = NULL;
    }
}

static struct closed *least_used(const struct refusal_cache *refusal_cache)
{
    return CONTAINER_OF(refusal_cache->used.next, struct closed, used);
}

static struct closed *spare_take(struct refusal_cache *refusal_cache)
{
    struct closed *closed;

    if (queue_is_empty(&refusal_cache->spare) && refusal_cache->touched < REFUSAL_CACHE_DISCOUNTS) {
        return &refusal_cache->all[refusal_cache->touched++];
    }
    if (queue_is_empty(&refusal_cache->spare)) {
        closed_drop(refusal_cache, least_used(refusal_cache));
    }
    closed = CONTAINER_OF(refusal_cache->spare.next, struct closed, used);
    queue_remove(&closed->used);
    return closed;
}

static struct closed *closed_add(struct refusal_cache *refusal_cache, struct str id)
{
    struct closed **bucket = bucket_of(refusal_cache, id), *closed = spare_take(refusal_cache);

    *closed = (struct closed){.next = *bucket};
    memcpy(closed->id, id.p, sizeof(closed->id));
    *bucket = closed;
    queue_init(&closed->used);
    refusal_cache->count++;
    return closed;
}

void refusal_cache_forget(struct refusal_cache *refusal_cache)
{
    while (!queue_is_empty(&refusal_cache->used)) {
        closed_drop(refusal_cache, least_used(refusal_cache));
    }
}

/* ---- Refusing ---- */

static bool is_older(uint64_t then_ms, uint64_t now_ms, uint64_t most_ms)
{
    return now_ms - then_ms > most_ms;
}

static bool may_hold(const struct refusal_cache *refusal_cache, const struct holders *holders,
                     struct str user)
{
    return bloom_filter_may_have(&holders->filter, siphash(&refusal_cache->key, user));
}

bool refusal_cache_refuses(struct refusal_cache *refusal_cache, const struct grant *grant,
                           uint64_t now_ms, enum status *ret_status)
{
    struct closed *closed =
        refusal_cache->known == 0 ? NULL : closed_find(refusal_cache, grant->discount_id);

    if (closed == NULL || closed->holders == NULL || !closed->holders->is_complete) {
        return false;
    }
    if (is_older(closed->holders->begun_ms, now_ms, REFUSAL_CACHE_FILTER_MS)) {
        holders_drop(refusal_cache, closed);
        return false;
    }
    if (is_older(closed->confirmed_ms, now_ms, REFUSAL_CACHE_FRESH_MS) ||
        may_hold(refusal_cache, closed->holders, grant->user_id)) {
        return false;
    }
    if (is_older(closed->let_ms, now_ms, REFUSAL_CACHE_ASK_MS)) {
        closed->let_ms = now_ms;
        return false;
    }
    closed_touch(refusal_cache, closed);
    *ret_status = closed->status;
    return true;
}

/* ---- Learning ---- */

static bool is_loading(const struct closed *closed)
{
    return closed->holders == NULL || !closed->holders->is_complete;
}

/* Selects a discount with enough refusals, so that its next page is read. One discount at a
 * time. */
static void page_want(struct refusal_cache *refusal_cache, struct closed *closed)
{
    if (refusal_cache->wanting == NULL && is_loading(closed) &&
        closed->refusals >= REFUSAL_CACHE_REFUSALS) {
        refusal_cache->wanting = closed;
    }
}

static void learn_closed(struct refusal_cache *refusal_cache, const struct store_op *op,
                         enum status status, uint64_t asked_ms)
{
    struct closed *closed = closed_find(refusal_cache, op->grant.grant.discount_id);

    if (closed != NULL && (closed->status != status || closed->count != op->grant.final_count)) {
        closed_drop(refusal_cache, closed);
        closed = NULL;
    }
    if (closed == NULL) {
        closed = closed_add(refusal_cache, op->grant.grant.discount_id);
        closed->status = status;
        closed->count = op->grant.final_count;
    }
    if (closed->confirmed_ms < asked_ms) {
        closed->confirmed_ms = asked_ms;
    }
    closed_touch(refusal_cache, closed);
    closed->refusals += is_loading(closed);
    page_want(refusal_cache, closed);
}

/* Returns whether a holder is missing in a complete filter. The holders have then changed since
 * they were read. */
static bool is_missed(const struct refusal_cache *refusal_cache, const struct closed *closed,
                      const struct store_op *op)
{
    return !is_loading(closed) &&
           !may_hold(refusal_cache, closed->holders, op->grant.grant.user_id);
}

void refusal_cache_learn(struct refusal_cache *refusal_cache, const struct store_op *op,
                         enum status status, uint64_t asked_ms)
{
    bool is_closed = status == STATUS_DISCOUNT_EXHAUSTED || status == STATUS_DISCOUNT_EXPIRED;
    bool is_open = (status == STATUS_OK && !op->grant.replayed) ||
                   status == STATUS_DISCOUNT_NOT_FOUND || status == STATUS_DISCOUNT_NOT_STARTED;
    struct closed *closed;

    if (is_closed && op->grant.final_count >= 0 &&
        op->grant.grant.discount_id.n == DISCOUNT_ID_LENGTH) {
        learn_closed(refusal_cache, op, status, asked_ms);
        return;
    }
    closed = closed_find(refusal_cache, op->grant.grant.discount_id);
    if (closed != NULL &&
        (is_open || (status == STATUS_OK && is_missed(refusal_cache, closed, op)))) {
        closed_drop(refusal_cache, closed);
    }
}

/* ---- Loading ---- */

/* Makes room for a filter of this size by dropping the least recently used ones. */
static void room_make(struct refusal_cache *refusal_cache, size_t size)
{
    struct queue *at = refusal_cache->used.next;

    while (refusal_cache->bytes + size > REFUSAL_CACHE_BYTES) {
        holders_drop(refusal_cache, CONTAINER_OF(at, struct closed, used));
        at = at->next;
    }
}

/* False when there are too many holders for a filter, or no memory. */
static bool holders_begin(struct refusal_cache *refusal_cache, struct closed *closed,
                          uint64_t now_ms)
{
    size_t size = bloom_filter_size(closed->count);
    struct holders *holders;

    if (size > REFUSAL_CACHE_BYTES) {
        return false;
    }
    room_make(refusal_cache, size);
    holders = calloc(1, sizeof(*holders));
    if (holders == NULL || !bloom_filter_init(&holders->filter, closed->count)) {
        free(holders);
        return false;
    }
    holders->size = size;
    holders->begun_ms = now_ms;
    closed->holders = holders;
    refusal_cache->bytes += size;
    return true;
}

/* Drops a load that takes too long: its filter would be too old when it is complete. */
static void holders_check_age(struct refusal_cache *refusal_cache, struct closed *closed,
                              uint64_t now_ms)
{
    const struct holders *holders = closed->holders;

    if (holders != NULL && is_older(holders->begun_ms, now_ms, REFUSAL_CACHE_FILTER_MS)) {
        int64_t pages = holders->count / REFUSAL_CACHE_PAGE;

        holders_drop(refusal_cache, closed);
        closed->refusals = -pages * REFUSAL_CACHE_REFUSALS * REFUSAL_CACHE_REST;
    }
}

struct store_op *refusal_cache_page(struct refusal_cache *refusal_cache, uint64_t now_ms)
{
    struct closed *closed = refusal_cache->wanting;
    struct store_op *op = &refusal_cache->page;
    const struct holders *holders;

    if (refusal_cache->is_asking || closed == NULL) {
        return NULL;
    }
    refusal_cache->wanting = NULL;
    if (!is_loading(closed)) {
        return NULL; /* the page before this one was the last */
    }
    closed->refusals -= REFUSAL_CACHE_REFUSALS;
    holders_check_age(refusal_cache, closed, now_ms);
    if (closed->refusals < 0 ||
        (closed->holders == NULL && !holders_begin(refusal_cache, closed, now_ms))) {
        return NULL;
    }
    holders = closed->holders;
    refusal_cache->is_asking = true;
    memcpy(refusal_cache->page_id, closed->id, sizeof(closed->id));
    memcpy(refusal_cache->page_user, holders->user, holders->user_n);
    arena_init_in(&refusal_cache->arena, refusal_cache->memory, sizeof(refusal_cache->memory),
                  LIMIT_REQUEST_MEMORY);
    op->arena = &refusal_cache->arena;
    op->grants.discount_id = (struct str){refusal_cache->page_id, sizeof(refusal_cache->page_id)};
    op->grants.after_us = holders->after_us;
    op->grants.after_user = (struct str){refusal_cache->page_user, holders->user_n};
    op->grants.limit = REFUSAL_CACHE_PAGE;
    return op;
}

/* Adds a page to the filter. False when these cannot be the holders. */
static bool holders_add(struct refusal_cache *refusal_cache, struct closed *closed,
                        const struct store_op *op)
{
    struct holders *holders = closed->holders;
    struct str user = {NULL, 0};

    holders->count += (int64_t)op->grants.count;
    if (holders->count > closed->count) {
        return false;
    }
    for (size_t i = 0; i < op->grants.count; i++) {
        user = op->grants.grants[i].user_id;
        bloom_filter_add(&holders->filter, siphash(&refusal_cache->key, user));
        holders->after_us = op->grants.grants[i].granted_at_us;
    }
    if (op->grants.count < op->grants.limit) {
        holders->is_complete = holders->count == closed->count;
        refusal_cache->known += holders->is_complete;
        return holders->is_complete;
    }
    if (user.n < 1 || user.n > sizeof(holders->user)) {
        return false;
    }
    memcpy(holders->user, user.p, user.n);
    holders->user_n = user.n;
    return true;
}

void refusal_cache_page_done(struct store_op *op)
{
    struct refusal_cache *refusal_cache = CONTAINER_OF(op, struct refusal_cache, page);
    struct closed *closed =
        closed_find(refusal_cache, (struct str){refusal_cache->page_id, DISCOUNT_ID_LENGTH});

    refusal_cache->is_asking = false;
    /* The page belongs to this load. A new load would begin with a page of its own. */
    if (closed != NULL && closed->holders != NULL) {
        if (op->status == STATUS_OK && holders_add(refusal_cache, closed, op)) {
            page_want(refusal_cache, closed);
        } else {
            closed_drop(refusal_cache, closed);
        }
    }
    arena_fini(&refusal_cache->arena);
}

bool refusal_cache_is_page(const struct refusal_cache *refusal_cache, const struct store_op *op)
{
    return op == &refusal_cache->page;
}

/* ---- Figures ---- */

size_t refusal_cache_discounts(const struct refusal_cache *refusal_cache)
{
    return refusal_cache->count;
}

size_t refusal_cache_bytes(const struct refusal_cache *refusal_cache)
{
    return refusal_cache->bytes;
}
