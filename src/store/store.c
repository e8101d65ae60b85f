/* SPDX-License-Identifier: MIT */
/* The part of the store that is the same for every backend: verbs, the in-flight bound, deadlines,
 * and the one place where completions are delivered. It does not know where the data is. */
#include "discount/store.h"

#include <assert.h>
#include <stdlib.h>

#include "store/backend.h"
#include "store/op.h"
#include "store/pace.h"
#include "store/refusal_cache.h"

struct store {
    const struct store_backend *backend;
    void *self; /* the backend's part, owned */
    uv_loop_t *loop;
    struct store_limits limits;
    struct queue in_flight; /* with the backend; oldest deadline first, as all are equally long */
    size_t in_flight_count; /* without the refusal cache's own, which takes no client's slot */
    struct refusal_cache *refusal_cache;
    struct pace pace;
    struct queue completed; /* waiting for store_deliver */
    uv_idle_t pending;      /* active while `completed` has items, so that the loop does not wait */
    uv_timer_t deadlines;
};

/* ---- The end of an operation ---- */

static void nothing(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle keeps the poll from waiting; that is its only purpose */
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
    /* The next store_deliver comes after the next poll, which might otherwise wait for an event. */
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

/* The timer was armed for the operation that was the oldest then. Usually that one has completed,
 * and the timer is armed again for the one that is the oldest now. */
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
    pace_init(&store->pace, limits.deadline_ms);
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

unsigned store_warnings(const struct store *store)
{
    return store->backend->warnings == NULL ? 0 : store->backend->warnings(store->self);
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
    pace_served(&store->pace, in_flight_share(store, op));
    /* The refusal cache's page is never shown to a client, and may contain any user ids. */
    if (status == STATUS_OK && !refusal_cache_is_page(store->refusal_cache, op)) {
        status = op_validate(op);
    }
    if (op->verb == STORE_GRANT) {
        refusal_cache_learn(store->refusal_cache, op, status,
                            op->deadline_ms - store->limits.deadline_ms);
    }
    end(store, op, status);
}

/* ---- Overload ---- */

/* Returns whether an operation submitted now would wait too long. It is already in the queue. */
static bool is_behind(const struct store *store)
{
    const struct store_op *oldest = CONTAINER_OF(store->in_flight.next, struct store_op, link);
    uint64_t waited_ms = uv_now(store->loop) + store->limits.deadline_ms - oldest->deadline_ms;

    return pace_is_behind(&store->pace, store->in_flight_count, waited_ms) &&
           store->backend->is_ready(store->self);
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
        (op_may_be_put_off(op) && is_behind(store))) {
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

/* The next connection may reach another Redis, or the same one restarted. This runs after each
 * poll, and there is always a poll between two connections. */
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
    /* Only what has completed so far: a `done` may submit again, and that is for the next turn. */
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
    pace_keep(&store->pace, uv_now(store->loop),
              store->in_flight_count > 0 && store->backend->is_ready(store->self));
    store->backend->flush(store->self);
}
