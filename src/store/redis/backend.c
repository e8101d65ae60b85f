/* SPDX-License-Identifier: MIT */
/* The backend for one standalone Redis. Operations become batches, and batches become commands.
 * Grants of the same discount within one turn share a batch, and batches of grants share a command.
 * A batch waits in `due` until the flush, then in the link until its reply. NOSCRIPT puts it back
 * into `due` once, and then the script's text is sent instead of its hash.
 *
 * Without a connection batches wait in `waiting`. A batch whose connection was lost waits there
 * too, and is sent again even if it had been sent, because every verb may be repeated. A user has
 * one grant of a discount, a creation has its id before it is sent, and the rest are reads. Each
 * operation waits until its own deadline. Once the outage is older than a deadline, new operations
 * are refused at once. */
#include <stdio.h>
#include <stdlib.h>

#include "discount/log.h"
#include "store/audit.h"
#include "store/backend.h"
#include "store/op.h"
#include "store/redis/link.h"
#include "store/redis/verbs.h"
#include "store/redis/verify.h"

#define COLLECTING_BUCKETS 256
/* The log reports refusals by Redis at most this often. */
#define REFUSAL_LOG_MS 1000

enum batch_state { BATCH_DUE, BATCH_WAITING, BATCH_SENT };

struct batch {
    struct redis_sent sent;
    struct queue link; /* in redis->due or redis->waiting, unless it was sent */
    struct redis *redis;
    struct batch *next_collecting; /* next batch in the same bucket */
    struct batch *next_sent;       /* next batch in the same command */
    enum batch_state state;
    enum store_verb verb;
    bool whole_script;
    bool in_doubt; /* an earlier attempt may have been applied, or may still be */
    size_t count, room;
    size_t open;            /* number of operations that are not NULL */
    struct store_op *ops[]; /* NULL: past its deadline and reported to its caller */
};

struct redis {
    struct store *store;
    struct redis_link *link;
    struct redis_settings_log *settings_log; /* the engine's */
    struct queue due;                        /* since the last flush */
    struct queue waiting;                    /* for a connection, oldest first */
    bool is_closing;
    uint64_t refusal_logged_ms;
    struct batch
        *collecting[COLLECTING_BUCKETS]; /* grant batches in `due` that have room, by discount */
};

/* ---- The engine ---- */

struct redis_engine {
    struct redis_address address;
    struct redis_settings_log settings_log; /* of all links */
};

static void *redis_engine_open(const char *url, const char **ret_error)
{
    struct redis_engine *engine = calloc(1, sizeof(*engine));

    if (engine == NULL || !redis_address_parse(url, &engine->address, ret_error)) {
        free(engine);
        return NULL;
    }
    return engine;
}

static void redis_engine_close(void *engine)
{
    free(engine);
}

/* Redis has its own backup tools, which know its data better than this service does. */
static bool redis_backup(void *engine, const char *path, store_progress_fn progress, void *argument,
                         char ret_error[STORE_ERROR_SIZE])
{
    (void)engine;
    (void)path;
    (void)progress;
    (void)argument;
    snprintf(ret_error, STORE_ERROR_SIZE,
             "Redis is backed up by its own means: redis-cli --rdb FILE, or a copy of its "
             "append-only files");
    return false;
}

static bool redis_verify(void *engine, struct store_audit *audit, char ret_error[STORE_ERROR_SIZE])
{
    const struct redis_engine *redis = engine;

    return redis_verify_at(&redis->address, audit, ret_error);
}

/* ---- Batches ---- */

static void batch_enqueue(struct batch *batch, enum batch_state state)
{
    batch->state = state;
    queue_append(state == BATCH_DUE ? &batch->redis->due : &batch->redis->waiting, &batch->link);
}

static struct batch *batch_new(struct redis *redis, enum store_verb verb, size_t room)
{
    struct batch *batch = malloc(sizeof(*batch) + room * sizeof(struct store_op *));

    if (batch != NULL) {
        *batch = (struct batch){.redis = redis, .verb = verb, .room = room};
        batch_enqueue(batch, BATCH_DUE);
    }
    return batch;
}

static void batch_add(struct batch *batch, struct store_op *op)
{
    op->slot = batch;
    op->slot_index = batch->count;
    batch->ops[batch->count++] = op;
    batch->open++;
}

/* Ends a batch that is not sent, or not sent again. */
static void batch_fail(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct store_op *op = batch->ops[i];

        if (op != NULL) {
            store_complete(batch->redis->store, op,
                           batch->in_doubt ? op_status_if_reply_lost(op) : STATUS_UNAVAILABLE);
        }
    }
    free(batch);
}

/* Status to report when an earlier attempt was lost. Redis may have executed that attempt, or may
 * still, from a connection that was given up. Only outcomes that are true in both cases are
 * reported. */
static enum status status_in_doubt(const struct store_op *op, enum status status)
{
    switch (status) {
    case STATUS_UNAVAILABLE:
    case STATUS_OVERLOADED:
    case STATUS_CORRUPT:
    case STATUS_DISCOUNT_NOT_STARTED:
        return op_status_if_reply_lost(op) == STATUS_UNKNOWN ? STATUS_UNKNOWN : status;
    default:
        return status;
    }
}

/* Reports a refusal to the operator, who sees no status. */
static void refusal_log(struct redis *redis, struct str text)
{
    uint64_t now_ms = uv_now(store_loop(redis->store));

    if (redis_verbs_is_clock(text)) {
        redis_settings_log_clock(redis->settings_log, uv_hrtime() / 1000000, text);
        return;
    }
    if (redis->refusal_logged_ms == 0 || now_ms - redis->refusal_logged_ms >= REFUSAL_LOG_MS) {
        redis->refusal_logged_ms = now_ms;
        if (text.n > 8 && memcmp(text.p, "REFUSED ", 8) == 0) {
            text = str_from(text, 8); /* the scripts' own word */
        }
        log_write(LOG_WARNING, "redis: Redis refuses commands: %.*s",
                  text.n < 120 ? (int)text.n : 120, text.p);
    }
}

/* Logs a corrupt reply: the text of an error reply, or else that the form of the reply is wrong. */
static void corruption_log(const struct store_op *op, const redisReply *error)
{
    struct str failing_id = error != NULL && (op->verb == STORE_LIST || op->verb == STORE_WALLET)
                                ? STR("")
                                : redis_verbs_failing_id(op);
    char id[AUDIT_LINE], text[AUDIT_LINE];

    audit_line(failing_id, id);
    audit_line(error == NULL ? STR("it does not have the form that the script returns")
                             : (struct str){error->str, (size_t)error->len},
               text);
    log_write(LOG_ERROR, "redis: unexpected reply to %s%s%.128s: %.160s", op_name(op->verb),
              failing_id.n == 0 ? "" : ", discount ", id, text);
}

/* Completes each operation of the batch with its outcome in the reply. `position` is that of the
 * batch in its command. */
static void batch_finish(struct batch *batch, size_t position, const redisReply *reply)
{
    const redisReply *error = redis_verbs_error_in(batch->verb, reply, position);
    struct redis_outcomes outcomes = redis_verbs_outcomes(reply, position, batch->count);
    bool logged = false;

    for (size_t i = 0; i < batch->count; i++) {
        struct store_op *op = batch->ops[i];
        enum status status =
            error != NULL
                ? redis_verbs_error_status(error, error == reply && op_is_write(batch->verb))
            : batch->verb == STORE_GRANT ? redis_verbs_outcome(&outcomes, op)
            : op != NULL                 ? redis_verbs_decode(reply, op)
                                         : STATUS_CORRUPT;

        if (op == NULL) {
            continue;
        }
        if (batch->in_doubt) {
            status = status_in_doubt(op, status);
        }
        if (status == STATUS_CORRUPT && !logged) {
            corruption_log(op, error);
            logged = true;
        }
        store_complete(batch->redis->store, op, status);
    }
    free(batch);
}

/* The connection was lost before the reply came. A ping asks about this connection, so it is
 * completed and not sent again. */
static void batch_lost(struct batch *batch, enum redis_loss loss)
{
    batch->in_doubt = batch->in_doubt || loss == REDIS_LOSS_SENT;
    if (batch->redis->is_closing || batch->open == 0 || batch->verb == STORE_PING) {
        batch_fail(batch);
    } else {
        batch_enqueue(batch, BATCH_WAITING);
    }
}

/* ---- Commands ---- */

/* Called when Redis refused a command, or a part of it. */
static void refused(struct redis *redis, struct str text)
{
    refusal_log(redis, text);
    if (redis_verbs_is_readonly(text)) {
        redis_link_mark_broken(redis->link, "Redis has become a read-only replica");
    }
}

static size_t length_of(const struct batch *first)
{
    size_t n = 0;

    for (; first != NULL; first = first->next_sent) {
        n++;
    }
    return n;
}

/* `sent` is in the first batch of the command, which links the others. */
static void command_replied(struct redis_sent *sent, const redisReply *reply, enum redis_loss loss)
{
    struct batch *batch = CONTAINER_OF(sent, struct batch, sent);
    bool unknown_script = loss == REDIS_LOSS_NONE && reply->type == REDIS_REPLY_ERROR &&
                          redis_verbs_is_noscript(reply) && !batch->whole_script;
    struct str refusal = {NULL, 0};

    if (loss == REDIS_LOSS_NONE && !unknown_script) {
        refusal = redis_verbs_refusal(batch->verb, length_of(batch), reply);
    }
    if (refusal.n > 0) {
        refused(batch->redis, refusal);
    }
    for (size_t position = 0; batch != NULL; position++) {
        struct batch *next = batch->next_sent;

        batch->next_sent = NULL;
        if (loss != REDIS_LOSS_NONE) {
            batch_lost(batch, loss);
        } else if (unknown_script) {
            batch->whole_script = true;
            batch_enqueue(batch, BATCH_DUE);
        } else {
            batch_finish(batch, position, reply);
        }
        batch = next;
    }
}

/* Closes the gaps left by operations past their deadline. */
static void batch_compact(struct batch *batch)
{
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++) {
        if (batch->ops[i] != NULL) {
            batch->ops[i]->slot_index = count;
            batch->ops[count++] = batch->ops[i];
        }
    }
    batch->count = count;
}

/* Drops the batches in which no operation is left. */
static void batches_compact(struct queue *batches)
{
    struct queue all;

    queue_move(batches, &all);
    while (!queue_is_empty(&all)) {
        struct batch *batch = CONTAINER_OF(all.next, struct batch, link);

        queue_remove(&batch->link);
        if (batch->open == 0) {
            free(batch);
            continue;
        }
        if (batch->open < batch->count) {
            batch_compact(batch);
        }
        queue_append(batches, &batch->link);
    }
}

/* Sends batches as one command. */
static void command_send(struct redis *redis, struct batch *first)
{
    struct redis_group groups[LIMIT_GRANTS_PER_BATCH];
    struct redis_command command;
    size_t count = 0;
    bool whole_script = false;

    for (struct batch *batch = first; batch != NULL; batch = batch->next_sent) {
        groups[count++] = (struct redis_group){batch->ops, batch->count};
        whole_script = whole_script || batch->whole_script;
        batch->state = BATCH_SENT;
    }
    first->whole_script = whole_script;
    redis_verbs_encode(groups, count, whole_script, &command);
    if (!redis_link_send(redis->link, &first->sent, command.argc, command.argv, command.sizes)) {
        for (struct batch *next; first != NULL; first = next) {
            next = first->next_sent;
            batch_fail(first);
        }
    }
}

/* ---- Collecting ---- */

/* FNV-1a over an id. The characters of an id are random already. */
static struct batch **bucket_of(struct redis *redis, struct str id)
{
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < id.n; i++) {
        hash = (hash ^ (unsigned char)id.p[i]) * 16777619;
    }
    return &redis->collecting[hash % COLLECTING_BUCKETS];
}

/* Returns the batch that collects this discount's grants in this turn. Creates one if none has
 * room. */
static struct batch *collecting_batch(struct redis *redis, struct str id)
{
    struct batch **bucket = bucket_of(redis, id);
    struct batch *batch;

    for (batch = *bucket; batch != NULL; batch = batch->next_collecting) {
        if (batch->count < batch->room && batch->ops[0] != NULL &&
            str_eq(batch->ops[0]->grant.grant.discount_id, id)) {
            return batch;
        }
    }
    batch = batch_new(redis, STORE_GRANT, LIMIT_GRANTS_PER_BATCH);
    if (batch != NULL) {
        batch->next_collecting = *bucket;
        *bucket = batch;
    }
    return batch;
}

/* ---- The store ---- */

static void *redis_open(void *engine_pointer, struct store *store)
{
    struct redis_engine *engine = engine_pointer;
    struct redis *redis = calloc(1, sizeof(*redis));

    if (redis == NULL) {
        return NULL;
    }
    redis->store = store;
    redis->settings_log = &engine->settings_log;
    queue_init(&redis->due);
    queue_init(&redis->waiting);
    redis->link = redis_link_open(store_loop(store), &engine->address, &engine->settings_log,
                                  command_replied, store_limits(store).deadline_ms);
    if (redis->link == NULL) {
        free(redis);
        return NULL;
    }
    return redis;
}

static bool redis_is_ready(const void *self)
{
    const struct redis *redis = self;

    return redis_link_is_ready(redis->link);
}

static unsigned redis_warnings(const void *self)
{
    const struct redis *redis = self;

    return redis_link_warnings(redis->link);
}

/* Returns how old an outage may be for an operation to wait for its end. An outage older than a
 * deadline has outlasted the operations from its beginning, and may last. A ping asks whether there
 * is an outage, so it does not wait. */
static uint64_t patience_ms(const struct redis *redis, const struct store_op *op)
{
    return op->verb == STORE_PING ? 0 : store_limits(redis->store).deadline_ms;
}

static void redis_submit(void *self, struct store_op *op)
{
    struct redis *redis = self;
    struct batch *batch = NULL;

    if (redis_link_outage_ms(redis->link) <= patience_ms(redis, op)) {
        batch = op->verb == STORE_GRANT ? collecting_batch(redis, op->grant.grant.discount_id)
                                        : batch_new(redis, op->verb, 1);
    }
    if (batch == NULL) {
        store_complete(redis->store, op, STATUS_UNAVAILABLE);
    } else {
        batch_add(batch, op);
    }
}

static enum status redis_cancel(void *self, struct store_op *op)
{
    struct batch *batch = op->slot;
    bool is_in_doubt = batch->in_doubt || batch->state == BATCH_SENT;

    (void)self; /* the batch has it */
    batch->ops[op->slot_index] = NULL;
    batch->open--;
    /* A batch that is due stays until the flush, because until then grants may still be added to
     * it. */
    if (batch->open == 0 && batch->state == BATCH_WAITING) {
        queue_remove(&batch->link);
        free(batch);
    }
    return is_in_doubt ? op_status_if_reply_lost(op) : STATUS_UNAVAILABLE;
}

/* Takes grant batches out of the queue, as many as fit into one command. */
static struct batch *grants_take(struct queue *batches)
{
    struct batch *first = NULL, **end = &first;
    size_t users = 0;

    for (struct queue *at = batches->next, *next; at != batches; at = next) {
        struct batch *batch = CONTAINER_OF(at, struct batch, link);

        next = at->next;
        if (batch->verb == STORE_GRANT && users + batch->count <= LIMIT_GRANTS_PER_BATCH) {
            queue_remove(&batch->link);
            users += batch->count;
            *end = batch;
            end = &batch->next_sent;
        }
    }
    return first;
}

/* Sends all batches in order, except that all grants go with the first of them: their clients
 * cannot know which came first. */
static void send_all(struct redis *redis, struct queue *batches)
{
    struct queue due;

    batches_compact(batches);
    queue_move(batches, &due);
    while (!queue_is_empty(&due)) {
        struct batch *batch = CONTAINER_OF(due.next, struct batch, link);

        if (batch->verb == STORE_GRANT) {
            batch = grants_take(&due);
        } else {
            queue_remove(&batch->link);
        }
        command_send(redis, batch);
    }
}

static void wait_all(struct redis *redis)
{
    batches_compact(&redis->due);
    while (!queue_is_empty(&redis->due)) {
        struct batch *batch = CONTAINER_OF(redis->due.next, struct batch, link);

        queue_remove(&batch->link);
        batch_enqueue(batch, BATCH_WAITING);
    }
}

static void redis_flush(void *self)
{
    struct redis *redis = self;

    memset(redis->collecting, 0, sizeof(redis->collecting));
    if (redis_link_is_ready(redis->link)) {
        send_all(redis, &redis->waiting);
        send_all(redis, &redis->due);
    } else {
        wait_all(redis);
    }
    redis_link_flush(redis->link);
}

static void fail_all(struct queue *batches)
{
    while (!queue_is_empty(batches)) {
        struct batch *batch = CONTAINER_OF(batches->next, struct batch, link);

        queue_remove(&batch->link);
        batch_fail(batch);
    }
}

static void redis_close(void *self)
{
    struct redis *redis = self;

    redis->is_closing = true;
    fail_all(&redis->due);
    fail_all(&redis->waiting);
    redis_link_close(redis->link);
}

static void redis_free(void *self)
{
    struct redis *redis = self;

    redis_link_free(redis->link);
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
    .warnings = redis_warnings,
    .submit = redis_submit,
    .cancel = redis_cancel,
    .flush = redis_flush,
    .close = redis_close,
    .free = redis_free,
};
