/* SPDX-License-Identifier: MIT */
/* The backend for one standalone Redis. Operations become calls, a call is one command; grants of
 * the same discount that come within one turn share a call. A call waits in `due` until the flush,
 * then in the link until its reply; NOSCRIPT puts it back into `due` once, with the script's whole
 * text. */
#include <stdio.h>
#include <stdlib.h>

#include "discount/log.h"
#include "store/backend.h"
#include "store/redis_codec.h"
#include "store/redis_link.h"
#include "store/redis_verify.h"

/* How many deadlines long a silent connection is kept. Replies that come after their operation's
 * deadline are dropped; one that is later than this comes to nobody. */
#define PATIENCE_DEADLINES 2
#define GATHER_BUCKETS 256

struct call {
    struct redis_sent sent;
    struct queue link; /* in redis->due */
    struct redis *redis;
    struct call *next_gathering; /* in its bucket */
    bool whole_script;
    size_t count, room;
    struct store_op *ops[]; /* NULL: past its deadline, its caller knows */
};

struct redis {
    struct store *store;
    struct redis_link *link;
    struct queue due;
    struct call
        *gathering[GATHER_BUCKETS]; /* the grant calls in `due` that have room, by discount */
};

/* ---- The engine ---- */

static void *redis_engine_open(const char *url, const char **ret_fault)
{
    struct redis_address *address = malloc(sizeof(*address));

    if (address == NULL || !redis_address_parse(url, address, ret_fault)) {
        free(address);
        return NULL;
    }
    return address;
}

static void redis_engine_close(void *engine)
{
    free(engine);
}

/* Redis has its own means, which know more of it than we do. */
static bool redis_backup(void *engine, const char *path, store_progress_fn progress, void *argument,
                         char ret_fault[STORE_FAULT])
{
    (void)engine;
    (void)path;
    (void)progress;
    (void)argument;
    snprintf(ret_fault, STORE_FAULT,
             "Redis is backed up by its own means: redis-cli --rdb FILE, or a copy of its "
             "append-only files");
    return false;
}

static bool redis_verify(void *engine, struct store_audit *audit, char ret_fault[STORE_FAULT])
{
    return redis_verify_at(engine, audit, ret_fault);
}

/* ---- Calls ---- */

static struct call *call_new(struct redis *redis, size_t room)
{
    struct call *call = calloc(1, sizeof(*call) + room * sizeof(struct store_op *));

    if (call != NULL) {
        call->redis = redis;
        call->room = room;
        queue_append(&redis->due, &call->link);
    }
    return call;
}

static void call_add(struct call *call, struct store_op *op)
{
    op->slot = call;
    op->slot_index = call->count;
    call->ops[call->count++] = op;
}

/* The end of a call whose operations all get the same status. */
static void call_fail(struct call *call, bool lost)
{
    for (size_t i = 0; i < call->count; i++) {
        struct store_op *op = call->ops[i];

        if (op != NULL) {
            store_complete(call->redis->store, op, lost ? store_lost(op) : STATUS_UNAVAILABLE);
        }
    }
    free(call);
}

static void call_finish(struct call *call, const redisReply *reply)
{
    bool is_error = reply->type == REDIS_REPLY_ERROR;
    bool logged = false;

    for (size_t i = 0; i < call->count; i++) {
        struct store_op *op = call->ops[i];
        enum status status;

        if (op == NULL) {
            continue;
        }
        status = is_error ? codec_error(reply) : codec_decode(reply, i, call->count, op);
        if (status == STATUS_CORRUPT && !logged) {
            log_write(LOG_ERROR, "redis: unexpected reply to verb %d: %.80s", (int)op->verb,
                      is_error ? reply->str : "not of the form that the script gives");
            logged = true;
        }
        store_complete(call->redis->store, op, status);
    }
    free(call);
}

static void call_replied(struct redis_sent *sent, const redisReply *reply, enum redis_loss loss)
{
    struct call *call = CONTAINER_OF(sent, struct call, sent);
    struct redis *redis = call->redis;

    if (loss != REDIS_LOSS_NONE) {
        call_fail(call, loss == REDIS_LOSS_SENT);
    } else if (reply->type == REDIS_REPLY_ERROR && codec_is_noscript(reply) &&
               !call->whole_script) {
        call->whole_script = true;
        queue_append(&redis->due, &call->link);
    } else {
        if (reply->type == REDIS_REPLY_ERROR && codec_is_readonly(reply)) {
            link_doom(redis->link, "it has become a read-only replica");
        }
        call_finish(call, reply);
    }
}

/* Closes the gaps that operations past their deadline have left. */
static void call_compact(struct call *call)
{
    size_t count = 0;

    for (size_t i = 0; i < call->count; i++) {
        if (call->ops[i] != NULL) {
            call->ops[i]->slot_index = count;
            call->ops[count++] = call->ops[i];
        }
    }
    call->count = count;
}

static void call_send(struct redis *redis, struct call *call)
{
    struct redis_command command;

    call_compact(call);
    if (call->count == 0) {
        free(call);
        return;
    }
    codec_encode(call->ops, call->count, call->whole_script, &command);
    if (!link_send(redis->link, &call->sent, command.argc, command.argv, command.sizes)) {
        call_fail(call, false);
    }
}

/* ---- Gathering ---- */

/* FNV-1a over an id, whose characters are random already. */
static struct call **bucket_of(struct redis *redis, struct str id)
{
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < id.n; i++) {
        hash = (hash ^ (unsigned char)id.p[i]) * 16777619;
    }
    return &redis->gathering[hash % GATHER_BUCKETS];
}

/* The call that gathers this discount's grants in this turn, a new one if none has room. */
static struct call *gathering_call(struct redis *redis, struct str id)
{
    struct call **bucket = bucket_of(redis, id);
    struct call *call;

    for (call = *bucket; call != NULL; call = call->next_gathering) {
        if (call->count < call->room && call->ops[0] != NULL &&
            str_eq(call->ops[0]->grant.grant.discount_id, id)) {
            return call;
        }
    }
    call = call_new(redis, LIMIT_GRANTS_PER_CALL);
    if (call != NULL) {
        call->next_gathering = *bucket;
        *bucket = call;
    }
    return call;
}

/* ---- The store ---- */

static void *redis_open(void *engine, struct store *store)
{
    struct redis *redis = calloc(1, sizeof(*redis));

    if (redis == NULL) {
        return NULL;
    }
    redis->store = store;
    queue_init(&redis->due);
    redis->link = link_open(store_loop(store), engine, call_replied,
                            PATIENCE_DEADLINES * store_limits(store).deadline_ms);
    if (redis->link == NULL) {
        free(redis);
        return NULL;
    }
    return redis;
}

static bool redis_is_ready(const void *self)
{
    const struct redis *redis = self;

    return link_is_ready(redis->link);
}

static void redis_submit(void *self, struct store_op *op)
{
    struct redis *redis = self;
    struct call *call = NULL;

    if (link_is_ready(redis->link)) {
        call = op->verb == STORE_GRANT ? gathering_call(redis, op->grant.grant.discount_id)
                                       : call_new(redis, 1);
    }
    if (call == NULL) {
        store_complete(redis->store, op, STATUS_UNAVAILABLE);
    } else {
        call_add(call, op);
    }
}

static enum status redis_cancel(void *self, struct store_op *op)
{
    struct call *call = op->slot;

    (void)self; /* the call knows */
    call->ops[op->slot_index] = NULL;
    return store_lost(op);
}

static void redis_flush(void *self)
{
    struct redis *redis = self;
    struct queue due;

    queue_move(&redis->due, &due);
    memset(redis->gathering, 0, sizeof(redis->gathering));
    while (!queue_is_empty(&due)) {
        struct call *call = CONTAINER_OF(due.next, struct call, link);

        queue_remove(&call->link);
        call_send(redis, call);
    }
    link_flush(redis->link);
}

static void redis_close(void *self)
{
    struct redis *redis = self;

    while (!queue_is_empty(&redis->due)) {
        struct call *call = CONTAINER_OF(redis->due.next, struct call, link);

        queue_remove(&call->link);
        call_fail(call, false);
    }
    link_close(redis->link);
}

static void redis_free(void *self)
{
    struct redis *redis = self;

    link_free(redis->link);
    free(redis);
}

const struct store_backend redis_backend = {
    .scheme = "redis://",
    .engine_open = redis_engine_open,
    .engine_close = redis_engine_close,
    .backup = redis_backup,
    .verify = redis_verify,
    .open = redis_open,
    .is_ready = redis_is_ready,
    .submit = redis_submit,
    .cancel = redis_cancel,
    .flush = redis_flush,
    .close = redis_close,
    .free = redis_free,
};
