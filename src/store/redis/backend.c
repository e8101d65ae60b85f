/* SPDX-License-Identifier: MIT */
/* The backend for one standalone Redis. Operations become calls, and calls commands. Grants of the
 * same discount that come within one turn share a call, and such calls share a command. A call
 * waits in `due` until the flush, then in the link until its reply; NOSCRIPT puts it back into
 * `due` once, with the script's whole text.
 *
 * While there is no connection calls wait in `waiting`, and so does one whose connection was lost:
 * it is sent again, whether it had been sent or not, because every verb may be repeated. A grant is
 * one per user, a creation has its id before it is sent, and the rest are reads. Each operation
 * waits until its own deadline; once the outage is older than a deadline, new ones are refused at
 * once. */
#include <stdio.h>
#include <stdlib.h>

#include "discount/log.h"
#include "store/audit.h"
#include "store/backend.h"
#include "store/redis/link.h"
#include "store/redis/verbs.h"
#include "store/redis/verify.h"

#define GATHER_BUCKETS 256
/* How often at most the log says that Redis refuses. */
#define REFUSAL_LOG_MS 1000

enum call_place { CALL_DUE, CALL_WAITING, CALL_SENT };

struct call {
    struct redis_sent sent;
    struct queue link; /* in redis->due or redis->waiting, unless it is sent */
    struct redis *redis;
    struct call *next_gathering; /* in its bucket */
    struct call *next_sent;      /* in the command that it shares with the one before it */
    enum call_place place;
    enum store_verb verb;
    bool whole_script;
    bool in_doubt; /* an earlier attempt may have been applied, or may yet be */
    size_t count, room;
    size_t open;            /* operations that are not NULL */
    struct store_op *ops[]; /* NULL: past its deadline, its caller knows */
};

struct redis {
    struct store *store;
    struct redis_link *link;
    struct queue due;     /* since the last flush */
    struct queue waiting; /* for a connection, oldest first */
    bool is_closing;
    uint64_t refusal_logged_ms;
    struct call
        *gathering[GATHER_BUCKETS]; /* the grant calls in `due` that have room, by discount */
};

/* ---- The engine ---- */

static void *redis_engine_open(const char *url, const char **ret_error)
{
    struct redis_address *address = malloc(sizeof(*address));

    if (address == NULL || !redis_address_parse(url, address, ret_error)) {
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
    return redis_verify_at(engine, audit, ret_error);
}

/* ---- Calls ---- */

static void call_place(struct call *call, enum call_place place)
{
    call->place = place;
    queue_append(place == CALL_DUE ? &call->redis->due : &call->redis->waiting, &call->link);
}

static struct call *call_new(struct redis *redis, enum store_verb verb, size_t room)
{
    struct call *call = malloc(sizeof(*call) + room * sizeof(struct store_op *));

    if (call != NULL) {
        *call = (struct call){.redis = redis, .verb = verb, .room = room};
        call_place(call, CALL_DUE);
    }
    return call;
}

static void call_add(struct call *call, struct store_op *op)
{
    op->slot = call;
    op->slot_index = call->count;
    call->ops[call->count++] = op;
    call->open++;
}

/* The end of a call that is not sent (again). */
static void call_fail(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        struct store_op *op = call->ops[i];

        if (op != NULL) {
            store_complete(call->redis->store, op,
                           call->in_doubt ? store_status_if_reply_lost(op) : STATUS_UNAVAILABLE);
        }
    }
    free(call);
}

/* What an operation is told of whose call an earlier attempt was lost. Redis may have read that one
 * before, and may read it yet, from a connection that we have given up. So only that is said which
 * neither of the two makes untrue. */
static enum status status_in_doubt(const struct store_op *op, enum status status)
{
    switch (status) {
    case STATUS_UNAVAILABLE:
    case STATUS_OVERLOADED:
    case STATUS_CORRUPT:
    case STATUS_DISCOUNT_NOT_STARTED:
        return store_status_if_reply_lost(op) == STATUS_UNKNOWN ? STATUS_UNKNOWN : status;
    default:
        return status;
    }
}

/* Tells the operator, whom no status reaches. */
static void refusal_log(struct redis *redis, struct str words)
{
    uint64_t now_ms = uv_now(store_loop(redis->store));

    if (redis->refusal_logged_ms == 0 || now_ms - redis->refusal_logged_ms >= REFUSAL_LOG_MS) {
        redis->refusal_logged_ms = now_ms;
        log_write(LOG_WARNING, "redis: it refuses: %.*s", words.n < 120 ? (int)words.n : 120,
                  words.p);
    }
}

/* An error is in Redis's or a script's words, any other reply in nobody's. */
static void corruption_log(const struct store_op *op, const redisReply *error)
{
    struct str culprit = error != NULL && (op->verb == STORE_LIST || op->verb == STORE_WALLET)
                             ? STR("")
                             : redis_verbs_failing_id(op);
    char id[AUDIT_LINE], words[AUDIT_LINE];

    audit_line(culprit, id);
    audit_line(error == NULL ? STR("not of the form that the script gives")
                             : (struct str){error->str, (size_t)error->len},
               words);
    log_write(LOG_ERROR, "redis: unexpected reply to verb %d%s%.128s: %.160s", (int)op->verb,
              culprit.n == 0 ? "" : ", discount ", id, words);
}

/* Tells each operation of the call what the reply has for it; `place` is the call's in the command.
 */
static void call_finish(struct call *call, size_t place, const redisReply *reply)
{
    const redisReply *error = redis_verbs_error_in(call->verb, reply, place);
    struct redis_outcomes outcomes = redis_verbs_outcomes(reply, place, call->count);
    bool logged = false;

    for (size_t i = 0; i < call->count; i++) {
        struct store_op *op = call->ops[i];
        enum status status = error != NULL               ? redis_verbs_error_status(error)
                             : call->verb == STORE_GRANT ? redis_verbs_outcome(&outcomes, op)
                             : op != NULL                ? redis_verbs_decode(reply, op)
                                                         : STATUS_CORRUPT;

        if (op == NULL) {
            continue;
        }
        if (call->in_doubt) {
            status = status_in_doubt(op, status);
        }
        if (status == STATUS_CORRUPT && !logged) {
            corruption_log(op, error);
            logged = true;
        }
        store_complete(call->redis->store, op, status);
    }
    free(call);
}

/* The connection was lost before the reply came. A ping asks about that connection, so it is
 * answered. */
static void call_lost(struct call *call, enum redis_loss loss)
{
    call->in_doubt = call->in_doubt || loss == REDIS_LOSS_SENT;
    if (call->redis->is_closing || call->open == 0 || call->verb == STORE_PING) {
        call_fail(call);
    } else {
        call_place(call, CALL_WAITING);
    }
}

/* ---- Commands ---- */

/* Redis refused all of a command, or some of it. */
static void refused(struct redis *redis, struct str words)
{
    refusal_log(redis, words);
    if (redis_verbs_is_readonly(words)) {
        redis_link_mark_broken(redis->link, "it has become a read-only replica");
    }
}

static size_t length_of(const struct call *first)
{
    size_t n = 0;

    for (; first != NULL; first = first->next_sent) {
        n++;
    }
    return n;
}

/* The first call of a command stands for all of them. */
static void command_replied(struct redis_sent *sent, const redisReply *reply, enum redis_loss loss)
{
    struct call *call = CONTAINER_OF(sent, struct call, sent);
    bool unknown_script = loss == REDIS_LOSS_NONE && reply->type == REDIS_REPLY_ERROR &&
                          redis_verbs_is_noscript(reply) && !call->whole_script;
    struct str refusal = {NULL, 0};

    if (loss == REDIS_LOSS_NONE && !unknown_script) {
        refusal = redis_verbs_refusal(call->verb, length_of(call), reply);
    }
    if (refusal.n > 0) {
        refused(call->redis, refusal);
    }
    for (size_t place = 0; call != NULL; place++) {
        struct call *next = call->next_sent;

        call->next_sent = NULL;
        if (loss != REDIS_LOSS_NONE) {
            call_lost(call, loss);
        } else if (unknown_script) {
            call->whole_script = true;
            call_place(call, CALL_DUE);
        } else {
            call_finish(call, place, reply);
        }
        call = next;
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

/* Leaves those calls in the queue that somebody waits for. */
static void calls_compact(struct queue *calls)
{
    struct queue all;

    queue_move(calls, &all);
    while (!queue_is_empty(&all)) {
        struct call *call = CONTAINER_OF(all.next, struct call, link);

        queue_remove(&call->link);
        if (call->open == 0) {
            free(call);
            continue;
        }
        if (call->open < call->count) {
            call_compact(call);
        }
        queue_append(calls, &call->link);
    }
}

/* Sends calls as one command. */
static void command_send(struct redis *redis, struct call *first)
{
    struct redis_group groups[LIMIT_GRANTS_PER_CALL];
    struct redis_command command;
    size_t count = 0;
    bool whole_script = false;

    for (struct call *call = first; call != NULL; call = call->next_sent) {
        groups[count++] = (struct redis_group){call->ops, call->count};
        whole_script = whole_script || call->whole_script;
        call->place = CALL_SENT;
    }
    first->whole_script = whole_script;
    redis_verbs_encode(groups, count, whole_script, &command);
    if (!redis_link_send(redis->link, &first->sent, command.argc, command.argv, command.sizes)) {
        for (struct call *next; first != NULL; first = next) {
            next = first->next_sent;
            call_fail(first);
        }
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
    call = call_new(redis, STORE_GRANT, LIMIT_GRANTS_PER_CALL);
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
    queue_init(&redis->waiting);
    redis->link = redis_link_open(store_loop(store), engine, command_replied,
                                  store_limits(store).deadline_ms);
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

/* How old an outage may be for an operation to wait for its end. One that is older than a deadline
 * has outlasted whoever came with it, and lasts. A ping asks whether there is one. */
static uint64_t patience_ms(const struct redis *redis, const struct store_op *op)
{
    return op->verb == STORE_PING ? 0 : store_limits(redis->store).deadline_ms;
}

static void redis_submit(void *self, struct store_op *op)
{
    struct redis *redis = self;
    struct call *call = NULL;

    if (redis_link_outage_ms(redis->link) <= patience_ms(redis, op)) {
        call = op->verb == STORE_GRANT ? gathering_call(redis, op->grant.grant.discount_id)
                                       : call_new(redis, op->verb, 1);
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
    bool is_in_doubt = call->in_doubt || call->place == CALL_SENT;

    (void)self; /* the call knows */
    call->ops[op->slot_index] = NULL;
    call->open--;
    /* One that is due is looked at by the flush, and may be found by who gathers until then. */
    if (call->open == 0 && call->place == CALL_WAITING) {
        queue_remove(&call->link);
        free(call);
    }
    return is_in_doubt ? store_status_if_reply_lost(op) : STATUS_UNAVAILABLE;
}

/* Takes grant calls out of the queue, as many as one command has room for. */
static struct call *grants_take(struct queue *calls)
{
    struct call *first = NULL, **end = &first;
    size_t users = 0;

    for (struct queue *at = calls->next, *next; at != calls; at = next) {
        struct call *call = CONTAINER_OF(at, struct call, link);

        next = at->next;
        if (call->verb == STORE_GRANT && users + call->count <= LIMIT_GRANTS_PER_CALL) {
            queue_remove(&call->link);
            users += call->count;
            *end = call;
            end = &call->next_sent;
        }
    }
    return first;
}

/* In their order, but grants go with the first of them: their clients cannot know which came first.
 */
static void send_all(struct redis *redis, struct queue *calls)
{
    struct queue due;

    calls_compact(calls);
    queue_move(calls, &due);
    while (!queue_is_empty(&due)) {
        struct call *call = CONTAINER_OF(due.next, struct call, link);

        if (call->verb == STORE_GRANT) {
            call = grants_take(&due);
        } else {
            queue_remove(&call->link);
        }
        command_send(redis, call);
    }
}

static void wait_all(struct redis *redis)
{
    calls_compact(&redis->due);
    while (!queue_is_empty(&redis->due)) {
        struct call *call = CONTAINER_OF(redis->due.next, struct call, link);

        queue_remove(&call->link);
        call_place(call, CALL_WAITING);
    }
}

static void redis_flush(void *self)
{
    struct redis *redis = self;

    memset(redis->gathering, 0, sizeof(redis->gathering));
    if (redis_link_is_ready(redis->link)) {
        send_all(redis, &redis->waiting);
        send_all(redis, &redis->due);
    } else {
        wait_all(redis);
    }
    redis_link_flush(redis->link);
}

static void fail_all(struct queue *calls)
{
    while (!queue_is_empty(calls)) {
        struct call *call = CONTAINER_OF(calls->next, struct call, link);

        queue_remove(&call->link);
        call_fail(call);
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
    .submit = redis_submit,
    .cancel = redis_cancel,
    .flush = redis_flush,
    .close = redis_close,
    .free = redis_free,
};
