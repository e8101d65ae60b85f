/* SPDX-License-Identifier: MIT */
/* Runs hiredis on the worker's loop. The states, and what leads on from each:
 *
 *   RESTING     the back-off timer          -> RESOLVING
 *   RESOLVING   an address, or none         -> CONNECTING, RESTING
 *   CONNECTING  connected, refused, timeout -> HANDSHAKE, RESTING
 *   HANDSHAKE   AUTH, SELECT, every SCRIPT LOAD, settings and probe answered as they should be
 *                                           -> READY, else RESTING
 *   READY       the connection is lost or given up             -> RESTING
 *   CLOSED      the end, from any state
 *
 * Three properties of hiredis 0.14 shape this file. It must not be disconnected from within its own
 * callbacks, so these only set `broken_reason`. It has no timeouts, so the timer here checks for
 * them. It schedules a write event for each command, which the adapter below ignores:
 * redis_link_flush writes. */
#include "store/redis/link.h"

#include <assert.h>
#include <hiredis/async.h>
#include <hiredis/sds.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/random.h>

#include "discount/log.h"
#include "probe.lua.h"
#include "store/redis/scripts.h"

#define BACKOFF_LEAST_MS 50
#define BACKOFF_DOUBLINGS 3
#define ADDRESS_TEXT 64
/* A ready link checks this often whether its oldest command is overdue. */
#define WATCH_MS 500
/* A silent connection is kept for this many deadlines. Replies that come after their operation's
 * deadline are dropped, so a reply later than this is of no use. */
#define PATIENCE_DEADLINES 2
/* The time limit for the TCP connection. The kernel repeats a lost first packet after one second,
 * then after two; a new connection is faster. */
#define CONNECT_MS 500

enum state { RESTING, RESOLVING, CONNECTING, HANDSHAKE, READY, CLOSED };

/* The loop's view of one connection's socket. It is not part of the link, because it must outlive
 * the connection until the loop has closed its handle. */
struct link_poll {
    uv_poll_t handle;
    struct redis_link *link; /* NULL once the connection is gone */
};

struct redis_link {
    uv_loop_t *loop;
    const struct redis_address *address;
    struct redis_settings_log *settings_log;
    redis_reply_fn replied;
    uint64_t deadline_ms;

    enum state state;
    redisAsyncContext *context; /* owned by hiredis, until one of its callbacks reports its end */
    struct link_poll *poll;     /* lives as long as context */
    bool flushing, wants_write;
    const char *broken_reason; /* why to give the connection up; NULL: keep it */
    uint64_t lost_ms;          /* when sending became impossible; 0 while READY */

    struct queue sent;
    uint64_t queued_bytes; /* written or queued on this connection so far */
    struct redis_settings settings;
    uint64_t settings_ms;            /* when they were asked for */
    unsigned warnings;               /* of the settings */
    char unfit[REDIS_SETTINGS_TEXT]; /* why this Redis is not used; "": it is */
    unsigned failures; /* in a row; 0 again once a connection stayed up for WATCH_MS */
    uint64_t jitter;
    uv_timer_t timer; /* for the back-off, the limits of connection and handshake, and the watch */
    uv_getaddrinfo_t resolver;
};

static void connection_drop(struct redis_link *link, const char *why);
static bool settings_ask(struct redis_link *link);

/* ---- The timer and the back-off ---- */

/* xorshift64. It spreads the reconnects of many workers; its quality does not matter. */
static uint64_t jitter_next(struct redis_link *link)
{
    link->jitter ^= link->jitter << 13;
    link->jitter ^= link->jitter >> 7;
    link->jitter ^= link->jitter << 17;
    return link->jitter;
}

static void resolve(struct redis_link *link);

static void rest_over(uv_timer_t *timer)
{
    resolve(timer->data);
}

/* Waits before the next attempt: twice as long after each failure, with a jitter of half the
 * delay. */
static void rest(struct redis_link *link, const char *why)
{
    unsigned doublings = link->failures < BACKOFF_DOUBLINGS ? link->failures : BACKOFF_DOUBLINGS;
    uint64_t delay_ms = (uint64_t)BACKOFF_LEAST_MS << doublings;

    if (link->state == CLOSED) {
        return;
    }
    if (link->lost_ms == 0) {
        link->lost_ms = uv_now(link->loop);
    }
    /* Why a Redis is unfit has been logged, once for all workers. */
    log_write(link->failures == 0 && link->unfit[0] == '\0' ? LOG_WARNING : LOG_DEBUG,
              "redis: no connection to %s:%s: %s", link->address->host, link->address->port, why);
    link->failures++;
    link->state = RESTING;
    uv_timer_start(&link->timer, rest_over, delay_ms / 2 + jitter_next(link) % delay_ms, 0);
}

static void too_late(uv_timer_t *timer)
{
    connection_drop(timer->data, "Redis did not answer in time");
}

/* Returns how long the oldest command has been overdue; 0: it is not, or there is none. A command
 * is overdue at its operation's deadline. So nothing is sent after a command whose operation has
 * already failed. */
static uint64_t overdue_ms(const struct redis_link *link)
{
    const struct redis_sent *oldest;
    uint64_t waits_ms;

    if (queue_is_empty(&link->sent)) {
        return 0;
    }
    oldest = CONTAINER_OF(link->sent.next, struct redis_sent, queue);
    waits_ms = uv_now(link->loop) - oldest->sent_ms;
    return waits_ms >= link->deadline_ms ? 1 + waits_ms - link->deadline_ms : 0;
}

static void watch(uv_timer_t *timer)
{
    struct redis_link *link = timer->data;
    uint64_t silent_ms = overdue_ms(link);

    /* Not before: otherwise a replica that refuses its first write would be tried again at once. */
    link->failures = 0;
    if (uv_now(link->loop) - link->settings_ms >= REDIS_SETTINGS_MS && !settings_ask(link)) {
        link->settings_ms = uv_now(link->loop); /* without memory now; the next time will do */
    }
    if (silent_ms > (PATIENCE_DEADLINES - 1) * link->deadline_ms) {
        link->lost_ms = uv_now(link->loop) - silent_ms;
        connection_drop(link, "a command has had no reply for too long");
    }
}

/* ---- The adapter: hiredis's event callbacks as events of the loop, and back ---- */

static void poll_update(struct redis_link *link);

static void write_out(struct redis_link *link)
{
    link->flushing = true;
    redisAsyncHandleWrite(link->context);
    link->flushing = false;
}

static void poll_happened(uv_poll_t *handle, int status, int events)
{
    struct link_poll *poll = CONTAINER_OF(handle, struct link_poll, handle);

    if ((status < 0 || (events & UV_READABLE) != 0) && poll->link != NULL) {
        redisAsyncHandleRead(poll->link->context);
    }
    /* The socket has failed, so the loop stopped watching it. Data may have arrived before the
     * failure. Watch it again until reading has taken that data and reports the failure itself. */
    if (status < 0 && poll->link != NULL) {
        poll_update(poll->link);
    }
    /* Reading may have closed the connection. */
    if ((events & UV_WRITABLE) != 0 && poll->link != NULL) {
        write_out(poll->link);
    }
    if (poll->link != NULL && poll->link->broken_reason != NULL) {
        connection_drop(poll->link, poll->link->broken_reason);
    }
}

static void poll_update(struct redis_link *link)
{
    int events = UV_READABLE | (link->wants_write ? UV_WRITABLE : 0);

    if (uv_poll_start(&link->poll->handle, events, poll_happened) != 0) {
        link->broken_reason = "the event loop cannot watch its socket";
    }
}

static void wants_read(void *data)
{
    (void)data; /* it always reads, so that it notices the end of the connection */
}

/* Called for each command. Outside a flush there is nothing to do, because the next flush will
 * write. During a flush it means that the socket is full. While connecting, it asks for the event
 * that reports the result. */
static void wants_write(void *data)
{
    struct redis_link *link = data;

    if ((link->flushing || link->state == CONNECTING) && !link->wants_write) {
        link->wants_write = true;
        poll_update(link);
    }
}

static void wrote_all(void *data)
{
    struct redis_link *link = data;

    if (link->wants_write) {
        link->wants_write = false;
        poll_update(link);
    }
}

static void poll_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF(handle, struct link_poll, handle));
}

/* hiredis frees the context. */
static void cleaned_up(void *data)
{
    struct redis_link *link = data;

    uv_close((uv_handle_t *)&link->poll->handle, poll_closed);
    link->poll->link = NULL;
    link->poll = NULL;
    link->context = NULL;
}

/* Connects the context to the loop. False without memory; nothing is attached then. */
static bool attach(struct redis_link *link, redisAsyncContext *context)
{
    struct link_poll *poll = calloc(1, sizeof(*poll));

    if (poll == NULL || uv_poll_init(link->loop, &poll->handle, context->c.fd) != 0) {
        free(poll);
        return false;
    }
    poll->link = link;
    link->poll = poll;
    link->context = context;
    link->wants_write = false;
    link->queued_bytes = 0;
    link->broken_reason = NULL;
    context->data = link;
    context->ev.data = link;
    context->ev.addRead = wants_read;
    context->ev.addWrite = wants_write;
    context->ev.delWrite = wrote_all;
    context->ev.cleanup = cleaned_up;
    return true;
}

/* ---- The handshake and the settings ---- */

/* Gives this Redis up for a reason that an operator has to mend. */
static void unfit(struct redis_link *link)
{
    redis_settings_log_obstacle(link->settings_log, link->unfit);
    link->broken_reason = link->unfit;
}

/* The settings have been read, all of them. */
static void settings_judge(struct redis_link *link)
{
    if (redis_settings_obstacle(&link->settings, link->unfit)) {
        unfit(link);
        return;
    }
    link->warnings = redis_settings_warnings(&link->settings);
    redis_settings_log_warnings(link->settings_log, link->warnings);
}

/* The replies to INFO and CONFIG GET come in this order. */
static void info_replied(redisAsyncContext *context, void *reply, void *unused)
{
    struct redis_link *link = context->data;

    (void)unused;
    redis_settings_init(&link->settings);
    if (reply != NULL) {
        redis_settings_take_info(&link->settings, reply);
    }
}

static void config_replied(redisAsyncContext *context, void *reply, void *unused)
{
    struct redis_link *link = context->data;

    (void)unused;
    if (reply != NULL) {
        redis_settings_take_config(&link->settings, reply);
        settings_judge(link);
    }
}

/* False without memory. */
static bool settings_ask(struct redis_link *link)
{
    const char *info[] = {"INFO"};
    const char *config[] = {"CONFIG", "GET", "appendfsync"};

    link->settings_ms = uv_now(link->loop);
    return redisAsyncCommandArgv(link->context, info_replied, NULL, 1, info, NULL) == REDIS_OK &&
           redisAsyncCommandArgv(link->context, config_replied, NULL, 3, config, NULL) == REDIS_OK;
}

static void handshake_end(struct redis_link *link)
{
    link->state = READY;
    link->lost_ms = 0;
    redis_settings_log_obstacle(link->settings_log, NULL);
    uv_timer_start(&link->timer, watch, WATCH_MS, WATCH_MS);
    log_write(LOG_INFO, "redis: connected to %s:%s", link->address->host, link->address->port);
}

/* The last reply of a handshake. The settings come first: they say more of an old Redis or of a
 * node of a cluster than the probe does. */
static void probe_replied(redisAsyncContext *context, void *reply, void *unused)
{
    struct redis_link *link = context->data;

    (void)unused;
    if (reply == NULL || link->broken_reason != NULL) {
        return;
    }
    if (redis_settings_lacks(reply, link->unfit)) {
        unfit(link);
    } else {
        handshake_end(link);
    }
}

/* Names no discount, brand or user has, so nothing is stored under them: see probe.lua. */
static bool probe_send(struct redis_link *link)
{
    const char *argv[] = {"EVAL",
                          probe_lua,
                          "6",
                          "discount:{}",
                          "discount:{}:grants",
                          "discounts",
                          "brand:{}:discounts",
                          "user:{}:discounts",
                          "idempotency:0:{}:"};

    return redisAsyncCommandArgv(link->context, probe_replied, NULL, sizeof(argv) / sizeof(argv[0]),
                                 argv, NULL) == REDIS_OK;
}

static void handshake_replied(redisAsyncContext *context, void *reply_pointer, void *unused)
{
    struct redis_link *link = context->data;
    const redisReply *reply = reply_pointer;

    (void)unused;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && link->broken_reason == NULL) {
        if (link->failures <= 1) {
            log_write(LOG_WARNING, "redis: the handshake was refused: %.*s", (int)reply->len,
                      reply->str);
        }
        link->broken_reason = "the handshake was refused";
    }
}

static void handshake_send(struct redis_link *link, int argc, const char **argv,
                           const size_t *sizes)
{
    if (redisAsyncCommandArgv(link->context, handshake_replied, NULL, argc, argv, sizes) !=
        REDIS_OK) {
        link->broken_reason = "out of memory during the handshake";
    }
}

static void handshake_begin(struct redis_link *link)
{
    const struct redis_address *address = link->address;
    const char *auth[] = {"AUTH", address->user, address->password};
    const char *auth_default[] = {"AUTH", address->password};
    const char *select[] = {"SELECT", address->db};

    link->state = HANDSHAKE;
    link->unfit[0] = '\0';
    if (address->password[0] != '\0') {
        bool named = address->user[0] != '\0';

        handshake_send(link, named ? 3 : 2, named ? auth : auth_default, NULL);
    }
    handshake_send(link, 2, select, NULL);
    for (int verb = 0; verb < STORE_VERB_COUNT; verb++) {
        const struct redis_script *script = &redis_scripts[verb];
        const char *load[] = {"SCRIPT", "LOAD", script->text.p};
        const size_t sizes[] = {6, 4, script->text.n};

        if (script->text.n > 0) {
            handshake_send(link, 3, load, sizes);
        }
    }
    if (!settings_ask(link) || !probe_send(link)) {
        link->broken_reason = "out of memory during the handshake";
    }
}

/* ---- Connecting ---- */

static void connected(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;

    if (status == REDIS_OK) {
        redisEnableKeepAlive(&link->context->c);
        uv_timer_start(&link->timer, too_late, PATIENCE_DEADLINES * link->deadline_ms, 0);
        handshake_begin(link);
    } else {
        rest(link, context->errstr[0] != '\0' ? context->errstr : "the connection was refused");
    }
}

static void disconnected(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;

    (void)status;
    rest(link, link->broken_reason != NULL  ? link->broken_reason
               : context->errstr[0] != '\0' ? context->errstr
                                            : "the connection was closed");
}

static void connect_to(struct redis_link *link, const char *ip)
{
    redisAsyncContext *context = redisAsyncConnect(ip, (int)strtol(link->address->port, NULL, 10));

    if (context == NULL || context->err != 0 || !attach(link, context)) {
        rest(link, context == NULL ? "out of memory" : context->errstr);
        if (context != NULL) {
            redisAsyncFree(context);
        }
        return;
    }
    link->state = CONNECTING;
    uv_timer_start(&link->timer, too_late, CONNECT_MS, 0);
    redisAsyncSetDisconnectCallback(context, disconnected);
    redisAsyncSetConnectCallback(context, connected);
    poll_update(link);
}

/* Chooses another address of the name after each failure: one of them may have no server. */
static const struct addrinfo *address_choose(const struct addrinfo *found, unsigned failures)
{
    const struct addrinfo *chosen = found;

    for (unsigned i = 0; i < failures; i++) {
        chosen = chosen->ai_next == NULL ? found : chosen->ai_next;
    }
    return chosen;
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct redis_link *link = request->data;
    const struct addrinfo *address;
    char ip[ADDRESS_TEXT];

    if (link->state != CLOSED) {
        address = status != 0 ? NULL : address_choose(found, link->failures);
        if (address == NULL) {
            rest(link, uv_strerror(status));
        } else if (getnameinfo(address->ai_addr, address->ai_addrlen, ip, sizeof(ip), NULL, 0,
                               NI_NUMERICHOST) != 0) {
            rest(link, "its address cannot be written");
        } else {
            connect_to(link, ip);
        }
    }
    uv_freeaddrinfo(found);
}

/* Resolves on another thread, because a name server may be slow. */
static void resolve(struct redis_link *link)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status;

    link->state = RESOLVING;
    link->resolver.data = link;
    status =
        uv_getaddrinfo(link->loop, &link->resolver, resolved, link->address->host, NULL, &hints);
    if (status != 0) {
        rest(link, uv_strerror(status));
    }
}

/* Must not be called from within a callback of hiredis. */
static void connection_drop(struct redis_link *link, const char *why)
{
    bool was_connected = link->state == HANDSHAKE || link->state == READY;

    link->broken_reason = why;
    redisAsyncFree(link->context);
    /* hiredis calls `disconnected` only for a context that was connected. */
    if (!was_connected) {
        rest(link, why);
    }
}

/* ---- The link ---- */

struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_address *address,
                                   struct redis_settings_log *settings_log, redis_reply_fn replied,
                                   uint64_t deadline_ms)
{
    struct redis_link *link = calloc(1, sizeof(*link));

    if (link == NULL || getrandom(&link->jitter, sizeof(link->jitter), 0) < 0) {
        free(link);
        return NULL;
    }
    link->jitter |= 1; /* xorshift never leaves 0 */
    link->loop = loop;
    link->address = address;
    link->settings_log = settings_log;
    link->replied = replied;
    link->deadline_ms = deadline_ms;
    link->lost_ms = uv_now(loop);
    queue_init(&link->sent);
    uv_timer_init(loop, &link->timer);
    link->timer.data = link;
    resolve(link);
    return link;
}

unsigned redis_link_warnings(const struct redis_link *link)
{
    unsigned count = 0;

    for (unsigned bits = link->state == READY ? link->warnings : 0; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

bool redis_link_is_ready(const struct redis_link *link)
{
    return link->state == READY && link->broken_reason == NULL && overdue_ms(link) == 0;
}

uint64_t redis_link_outage_ms(const struct redis_link *link)
{
    if (redis_link_is_ready(link)) {
        return 0;
    }
    if (link->state == READY) {
        return link->broken_reason == NULL ? overdue_ms(link) : 1;
    }
    return 1 + uv_now(link->loop) - link->lost_ms;
}

static void command_replied(redisAsyncContext *context, void *reply, void *sent_pointer)
{
    struct redis_sent *sent = sent_pointer;
    struct redis_link *link = sent->link;
    enum redis_loss loss = REDIS_LOSS_NONE;

    if (reply == NULL) {
        /* The rest in hiredis's buffer was never given to the kernel. */
        uint64_t written = link->queued_bytes - sdslen(context->c.obuf);

        loss = sent->end > written ? REDIS_LOSS_UNSENT : REDIS_LOSS_SENT;
    }
    queue_remove(&sent->queue);
    link->replied(sent, reply, loss);
}

bool redis_link_send(struct redis_link *link, struct redis_sent *sent, int argc, const char **argv,
                     const size_t *sizes)
{
    size_t before;

    if (!redis_link_is_ready(link)) {
        return false;
    }
    before = sdslen(link->context->c.obuf);
    if (redisAsyncCommandArgv(link->context, command_replied, sent, argc, argv, sizes) !=
        REDIS_OK) {
        return false;
    }
    link->queued_bytes += sdslen(link->context->c.obuf) - before;
    sent->link = link;
    sent->end = link->queued_bytes;
    sent->sent_ms = uv_now(link->loop);
    queue_append(&link->sent, &sent->queue);
    return true;
}

void redis_link_flush(struct redis_link *link)
{
    if (link->context != NULL && link->broken_reason == NULL && sdslen(link->context->c.obuf) > 0) {
        write_out(link);
    }
    if (link->context != NULL && link->broken_reason != NULL) {
        connection_drop(link, link->broken_reason);
    }
}

void redis_link_mark_broken(struct redis_link *link, const char *why)
{
    link->broken_reason = why;
}

void redis_link_close(struct redis_link *link)
{
    enum state state = link->state;

    link->state = CLOSED;
    if (link->context != NULL) {
        redisAsyncFree(link->context);
    }
    if (state == RESOLVING) {
        /* It cannot be cancelled once it runs; `resolved` then sees the state. */
        uv_cancel((uv_req_t *)&link->resolver);
    }
    uv_close((uv_handle_t *)&link->timer, NULL);
}

void redis_link_free(struct redis_link *link)
{
    assert(queue_is_empty(&link->sent));
    free(link);
}
