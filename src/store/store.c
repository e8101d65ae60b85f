/* SPDX-License-Identifier: MIT */
/* The store without its backend: verbs, the in-flight bound, deadlines, and the one place where
 * completions are delivered. It knows nothing of where the data lies. */
#include "discount/store.h"

#include <assert.h>
#include <stdlib.h>

#include "store/backend.h"
#include "store/refusal_cache.h"
#include "store/validate.h"

/* How much of its deadline an operation may be expected to wait when it is taken: the rest is for a
 * store that becomes slower meanwhile. */
#define WAIT_SHARE 4
/* So many operations in flight are taken however slow the store is. */
#define ALWAYS_TAKEN 64

/* How fast the backend is, at the flush before. */
struct pace {
    uint64_t served, busy_ms;
    uint64_t seen_ms;
    bool is_busy;
};

struct store {
    const struct store_backend *backend;
    void *self; /* the backend's part, owned */
    uv_loop_t *loop;
    struct store_limits limits;
    struct queue in_flight; /* with the backend; all deadlines are equally long, so oldest first */
    size_t in_flight_count; /* without our own, which takes nobody's place */
    struct refusal_cache *refusal_cache;
    struct pace pace;
    struct queue completed; /* waiting for store_deliver */
    uv_idle_t pending;      /* active while there are such, so that the loop does not wait */
    uv_timer_t deadlines;
};

/* ---- The end of an operation ---- */

static void nothing(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle keeps the poll from waiting, and that is all */
}

static size_t in_flight_share(const struct store *store, const struct store_op *op)
{
    return refusal_cache_is_page(store->refusal_cache, op) ? 0 : 1;
}

static void end(struct store *store, struct store_op *op, enum status status)
{
    op->status = status;
    queue_remove(&op->link);
    queue_append(&store->completed, &op->link);
    store->in_flight_count -= in_flight_share(store, op);
    /* The next store_deliver may be a poll away, and no event need come before it. */
    uv_idle_start(&store->pending, nothing);
}

/* ---- Deadlines ---- */

static void deadlines_check(uv_timer_t *timer);

static void deadlines_arm(struct store *store)
{
    const struct store_op *oldest;
    uint64_t now_ms = uv_now(store->loop);

    if (queue_is_empty(&store->in_flight) || uv_is_active((uv_handle_t *)&store->deadlines)) {
        return;
    }
    oldest = CONTAINER_OF(store->in_flight.next, struct store_op, link);
    uv_timer_start(&store->deadlines, deadlines_check,
                   oldest->deadline_ms > now_ms ? oldest->deadline_ms - now_ms : 0, 0);
}

/* The timer is armed for the operation that was the oldest then; mostly that one is long done, and
 * the timer is armed again for the one that is the oldest now. */
static void deadlines_check(uv_timer_t *timer)
{
    struct store *store = timer->data;
    uint64_t now_ms = uv_now(store->loop);

    while (!queue_is_empty(&store->in_flight)) {
        struct store_op *op = CONTAINER_OF(store->in_flight.next, struct store_op, link);

        if (op->deadline_ms > now_ms) {
            break;
        }
        end(store, op, store->backend->cancel(store->self, op));
    }
    deadlines_arm(store);
}

/* ---- The store's life ---- */

struct store *store_open(struct store_engine *engine, uv_loop_t *loop, struct store_limits limits)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store == NULL) {
        return NULL;
    }
    store->backend = engine->backend;
    store->loop = loop;
    store->limits = limits;
    queue_init(&store->in_flight);
    queue_init(&store->completed);
    store->refusal_cache = refusal_cache_new();
    if (store->refusal_cache == NULL) {
        free(store);
        return NULL;
    }
    store->self = store->backend->open(engine->self, store);
    if (store->self == NULL) {
        refusal_cache_free(store->refusal_cache);
        free(store);
        return NULL;
    }
    uv_timer_init(loop, &store->deadlines);
    uv_idle_init(loop, &store->pending);
    store->deadlines.data = store;
    return store;
}

bool store_is_ready(const struct store *store)
{
    return store->backend->is_ready(store->self);
}

void store_close(struct store *store)
{
    store->backend->close(store->self);
    assert(queue_is_empty(&store->in_flight));
    uv_close((uv_handle_t *)&store->deadlines, NULL);
    uv_close((uv_handle_t *)&store->pending, NULL);
}

void store_free(struct store *store)
{
    assert(queue_is_empty(&store->completed));
    store->backend->free(store->self);
    refusal_cache_free(store->refusal_cache);
    free(store);
}

/* ---- For backends ---- */

uv_loop_t *store_loop(const struct store *store)
{
    return store->loop;
}

struct store_limits store_limits(const struct store *store)
{
    return store->limits;
}

void store_complete(struct store *store, struct store_op *op, enum status status)
{
    store->pace.served += in_flight_share(store, op);
    /* Our own page is shown to nobody, and may hold whatever users there are. */
    if (status == STATUS_OK && !refusal_cache_is_page(store->refusal_cache, op)) {
        status = validate_results(op);
    }
    if (op->verb == STORE_GRANT) {
        refusal_cache_learn(store->refusal_cache, op, status,
                            op->deadline_ms - store->limits.deadline_ms);
    }
    end(store, op, status);
}

enum status store_status_if_reply_lost(const struct store_op *op)
{
    return op->verb == STORE_CREATE || op->verb == STORE_GRANT ? STATUS_UNKNOWN
                                                               : STATUS_UNAVAILABLE;
}

/* ---- Overload ---- */

static uint64_t patience_ms(const struct store *store)
{
    return store->limits.deadline_ms / WAIT_SHARE;
}

/* Keeps what the backend served, and how long it had something to serve, of the last while: what is
 * older counts half after each of them. */
static void pace_keep(struct store *store)
{
    struct pace *pace = &store->pace;
    uint64_t now_ms = uv_now(store->loop);

    if (pace->is_busy) {
        pace->busy_ms += now_ms - pace->seen_ms;
    }
    while (pace->busy_ms > patience_ms(store)) {
        pace->busy_ms /= 2;
        pace->served /= 2;
    }
    pace->seen_ms = now_ms;
    pace->is_busy = store->in_flight_count > 0 && store->backend->is_ready(store->self);
}

/* Whether one that comes now would wait too long at this pace. Few who wait, and a short wait,
 * prove nothing: a backend that has little to do serves little, and takes many at once as fast as
 * one. */
static bool is_behind(const struct store *store)
{
    const struct store_op *oldest = CONTAINER_OF(store->in_flight.next, struct store_op, link);
    uint64_t waited_ms = uv_now(store->loop) + store->limits.deadline_ms - oldest->deadline_ms;

    if (store->in_flight_count <= ALWAYS_TAKEN || !store->backend->is_ready(store->self)) {
        return false;
    }
    if (waited_ms > 2 * patience_ms(store)) {
        return true; /* the pace was not what it seemed */
    }
    return waited_ms > patience_ms(store) / WAIT_SHARE &&
           store->in_flight_count * store->pace.busy_ms > store->pace.served * patience_ms(store);
}

/* Health checks ask whether the store answers, not how soon; and a list that was begun is not cut
 * off, for nothing but its end could tell the client. */
static bool may_be_put_off(const struct store_op *op)
{
    switch (op->verb) {
    case STORE_PING:
        return false;
    case STORE_LIST:
        return op->list.after_us == 0;
    case STORE_GRANTS:
        return op->grants.after_user.n == 0;
    case STORE_WALLET:
        return op->wallet.before_id.n == 0;
    default:
        return true;
    }
}

/* ---- Operations ---- */

static void submit(struct store *store, struct store_op *op, enum store_verb verb,
                   store_done_fn done)
{
    op->verb = verb;
    op->done = done;
    op->slot = NULL;
    op->deadline_ms = uv_now(store->loop) + store->limits.deadline_ms;
    queue_append(&store->in_flight, &op->link);
    store->in_flight_count += in_flight_share(store, op);
    if (store->in_flight_count > store->limits.in_flight ||
        (may_be_put_off(op) && is_behind(store))) {
        end(store, op, STATUS_OVERLOADED);
    } else {
        store->backend->submit(store->self, op);
        deadlines_arm(store);
    }
}

void store_ping(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_PING, done);
}

void store_create(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_CREATE, done);
}

void store_get(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_GET, done);
}

void store_list(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_LIST, done);
}

void store_grant(struct store *store, struct store_op *op, store_done_fn done)
{
    op->grant.final_count = -1;
    submit(store, op, STORE_GRANT, done);
}

void store_grant_get(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_GRANT_GET, done);
}

void store_grants(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_GRANTS, done);
}

void store_wallet(struct store *store, struct store_op *op, store_done_fn done)
{
    submit(store, op, STORE_WALLET, done);
}

bool store_refuses(struct store *store, const struct grant *grant, enum status *ret_status)
{
    return refusal_cache_refuses(store->refusal_cache, grant, uv_now(store->loop), ret_status);
}

/* Another Redis, or the same one restarted, may answer the next connection. Between two of them
 * there are polls, and behind each of these comes this. */
static void connection_check(struct store *store)
{
    if (!store->backend->is_ready(store->self)) {
        refusal_cache_forget(store->refusal_cache);
    }
}

void store_deliver(struct store *store)
{
    struct queue delivered;

    connection_check(store);
    /* Only what is there now: a `done` may submit again, and that is for the next turn. */
    queue_move(&store->completed, &delivered);
    while (!queue_is_empty(&delivered)) {
        struct store_op *op = CONTAINER_OF(delivered.next, struct store_op, link);

        queue_remove(&op->link);
        op->done(op);
    }
    if (queue_is_empty(&store->completed)) {
        uv_idle_stop(&store->pending);
    }
}

void store_flush(struct store *store)
{
    struct store_op *page = refusal_cache_page(store->refusal_cache, uv_now(store->loop));

    if (page != NULL) {
        store_grants(store, page, refusal_cache_page_done);
    }
    pace_keep(store);
    store->backend->flush(store->self);
}
