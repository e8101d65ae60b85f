/* SPDX-License-Identifier: MIT */
/* The daemon of one worker and its connections. listener.c accepts sockets, and this file hands
 * them to libmicrohttpd; exchange.c has the requests that come in over them. Decided here: when the
 * daemon runs, which connections are cut, and when a drain is over. This file never looks into a
 * request.
 *
 * The daemon runs in external epoll mode: it has no thread, and its epoll descriptor is one of the
 * descriptors that the worker's loop polls. */
#include "http/server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "discount/log.h"
#include "http/conn.h"
#include "http/exchange.h"
#include "http/listener.h"

/* Per connection, for request line, headers and a piece of the body. libmicrohttpd zeroes all of it
 * after each request, so more than is needed costs throughput (docs/adr/0004). */
#define CONNECTION_MEMORY 12288
/* An idle connection is kept for so long. That is longer than any proxy in front keeps it, so that
 * this side never closes a connection that the proxy is about to use. */
#define IDLE_S 75
#define HOUSEKEEPING_MS 1000
/* While draining, only the housekeeping timer notices that the last connection has gone. */
#define HOUSEKEEPING_DRAINING_MS 20
/* The kernel holds so much of an answer before it goes out. With its usual megabytes a slow but
 * steady reader would show no progress for longer than it is given. */
#define UNSENT_MOST 32768
/* A drain may take so long beyond its grace: longer than any operation and any request may, but not
 * as long as a client likes to take for a long list. */
#define DRAIN_MOST_MS 15000
/* MHD_USE_NO_THREAD_SAFETY, which the header of 0.9.75 does not have and its daemon ignores: only
 * the worker's thread calls. Without it 1.0 keeps an added connection to itself until the next run,
 * so that the connections past the limit would not be counted. */
#define ONE_THREAD (1U << 19)

/* The daemon runs so often while requests are parked, whatever there is to do: it reads a long head
 * in many pieces, and no event shows them. */
#define PARKED_POLL_MS 5
/* Runs in one turn of the worker's loop, so that its other work has its turn, too. */
#define RUNS_MOST 4

struct server {
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    uv_poll_t poll; /* of the daemon's epoll descriptor */
    uv_timer_t housekeeping;
    uv_timer_t parked_poll; /* active while requests are parked */
    struct listener listener;
    struct conns conns;
    unsigned conn_limit;
    struct exchanges exchanges;
    uint64_t draining_since_ms; /* while exchanges.draining; the next too */
    uint64_t grace_ms;
};

/* ---- Connections ---- */

static void conn_begin(struct server *server, struct MHD_Connection *connection,
                       void **socket_context)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const int unsent_most = UNSENT_MOST;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_most, sizeof(unsent_most)) != 0) {
        log_write(LOG_DEBUG, "http: a connection keeps its large buffer");
    }
    *socket_context = conn_new(&server->conns, fd);
    if (*socket_context == NULL) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void conn_end(struct server *server, void **socket_context)
{
    if (*socket_context != NULL) {
        conn_free(*socket_context);
    }
    listener_resume(&server->listener);
}

static void connection_changed(void *cls, struct MHD_Connection *connection, void **socket_context,
                               enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_begin(cls, connection, socket_context);
    } else {
        conn_end(cls, socket_context);
    }
}

static void accepted(void *context, int fd, const struct sockaddr_storage *peer,
                     socklen_t peer_size)
{
    struct server *server = context;

    /* libmicrohttpd closes the socket itself when it cannot take it. */
    if (MHD_add_connection(server->daemon, fd, (const struct sockaddr *)peer, peer_size) ==
        MHD_NO) {
        log_write(LOG_WARNING, "http: a connection was refused");
    }
    server->exchanges.wants_run = true;
    if (server->conns.count >= server->conn_limit) {
        listener_pause(&server->listener);
    }
}

/* During the grace: closes the listener once the handshakes that had begun are accepted. After it:
 * closes the listener in any case, and after DRAIN_MOST_MS more cuts every connection. */
static void drain_on(struct server *server)
{
    uint64_t for_ms = uv_now(server->loop) - server->draining_since_ms;

    if (for_ms < server->grace_ms) {
        listener_finish(&server->listener);
    } else {
        listener_close(&server->listener);
    }
    if (for_ms > server->grace_ms + DRAIN_MOST_MS) {
        conns_cut_all(&server->conns);
    }
}

/* Cuts late connections, tries to accept again after a lack of descriptors, and lets the daemon see
 * to its own timeouts. */
static void housekeeping(uv_timer_t *timer)
{
    struct server *server = timer->data;

    conns_cut_late(&server->conns);
    if (server->conns.count < server->conn_limit) {
        listener_resume(&server->listener);
    }
    if (server->exchanges.draining) {
        drain_on(server);
    }
    server->exchanges.wants_run = true;
}

/* ---- The server's life ---- */

static void daemon_readable(uv_poll_t *poll, int status, int events)
{
    struct server *server = poll->data;

    (void)status, (void)events; /* MHD_run finds out what there is */
    server->exchanges.wants_run = true;
    exchanges_event_seen(&server->exchanges);
}

/* Leaves "%2F" and "%00" in the path as they are; target.c decodes each segment. */
static size_t unescape_nothing(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

static bool daemon_start(struct server *server)
{
    /* Before 1.0 the library does not become safer by being strict; it only answers some requests
     * itself that header_check.c refuses with a problem. */
    int strict = strcmp(MHD_get_version(), "1.") < 0 ? 0 : 1;
    /* The limits are a little wider than ours, so that ours answer. */
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)exchange_completed, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)exchange_target_seen, &server->exchanges},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape_nothing, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)server->conn_limit + 1, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S + 1, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, strict, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | ONE_THREAD, 0, NULL,
        NULL, exchange_access, &server->exchanges, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    return server->daemon != NULL;
}

/* Makes the daemon's epoll descriptor and the timers part of the loop. */
static bool handles_start(struct server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    if (info == NULL || uv_poll_init(server->loop, &server->poll, info->epoll_fd) != 0) {
        return false;
    }
    uv_timer_init(server->loop, &server->housekeeping);
    uv_timer_init(server->loop, &server->parked_poll);
    server->parked_poll.data = server;
    server->poll.data = server;
    server->housekeeping.data = server;
    return uv_poll_start(&server->poll, UV_READABLE, daemon_readable) == 0 &&
           uv_timer_start(&server->housekeeping, housekeeping, HOUSEKEEPING_MS, HOUSEKEEPING_MS) ==
               0;
}

struct server *server_open(uv_loop_t *loop, const struct server_options *options)
{
    const struct router router = {options->routes, options->route_count};
    struct server *server = calloc(1, sizeof(*server));

    if (server == NULL) {
        return NULL;
    }
    server->loop = loop;
    server->conn_limit = options->connection_limit;
    conns_init(&server->conns, loop, (uint64_t)IDLE_S * 1000, options->client_deadline_ms);
    listener_init(&server->listener, accepted, server);
    if (!exchanges_init(&server->exchanges, &router, options->store, options->board) ||
        !daemon_start(server) || !handles_start(server)) {
        /* The process ends over this; the loop's handles are never run. */
        return NULL;
    }
    return server;
}

bool server_listen(struct server *server, int fd)
{
    return listener_start(&server->listener, server->loop, fd);
}

/* Asks for a run in the turn that this timer begins. */
static void parked_poll(uv_timer_t *timer)
{
    struct server *server = timer->data;

    if (server->exchanges.parked == 0) {
        uv_timer_stop(timer);
    } else {
        server->exchanges.wants_run = true;
    }
}

void server_run(struct server *server)
{
    exchanges_free_left(&server->exchanges);
    for (unsigned i = 0; i < RUNS_MOST && server_is_busy(server); i++) {
        exchanges_run_begins(&server->exchanges);
        MHD_run(server->daemon);
    }
    if (server->exchanges.parked > 0 && !uv_is_active((uv_handle_t *)&server->parked_poll)) {
        uv_timer_start(&server->parked_poll, parked_poll, PARKED_POLL_MS, PARKED_POLL_MS);
    }
    metrics_set(server->exchanges.metrics, METRIC_CONNECTIONS, server->conns.count);
    metrics_set(server->exchanges.metrics, METRIC_REQUESTS, server->exchanges.count);
}

bool server_is_busy(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    /* The timeout is 0 while the daemon holds ready connections that its epoll descriptor does not
     * show, and it takes the parked ones for such. Its other timeouts are in seconds: the
     * housekeeping timer runs the daemon often enough for those. */
    return server->exchanges.wants_run ||
           ((server->exchanges.parked == 0 || exchanges_may_move(&server->exchanges)) &&
            MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0);
}

void server_drain(struct server *server, uint64_t grace_ms)
{
    if (!server->exchanges.draining) {
        server->grace_ms = grace_ms;
        server->draining_since_ms = uv_now(server->loop);
        server->exchanges.draining = true;
        listener_refuse(&server->listener);
        uv_timer_start(&server->housekeeping, housekeeping, HOUSEKEEPING_DRAINING_MS,
                       HOUSEKEEPING_DRAINING_MS);
    }
}

bool server_is_drained(struct server *server)
{
    if (!server->exchanges.draining || server->listener.fd >= 0 || server->exchanges.count > 0) {
        return false;
    }
    if (server->conns.count == 0) {
        return true;
    }
    return uv_now(server->loop) - server->draining_since_ms >= server->grace_ms &&
           !conns_have_unread(&server->conns);
}

void server_close(struct server *server)
{
    listener_close(&server->listener);
    uv_close((uv_handle_t *)&server->poll, NULL);
    uv_close((uv_handle_t *)&server->housekeeping, NULL);
    uv_close((uv_handle_t *)&server->parked_poll, NULL);
    MHD_stop_daemon(server->daemon);
    exchanges_fini(&server->exchanges);
}

void server_free(struct server *server)
{
    free(server);
}
