/* SPDX-License-Identifier: MIT */
/* The only file that knows libmicrohttpd. The way of a request through it:
 *
 *   target_seen   the request line is read: an exchange begins
 *   access        1st call: the headers are checked, and refused before the body if need be;
 *                 next calls: the body, piece by piece; last call: the request is whole
 *   dispatch      the router finds the handler; the handler runs
 *   (parked)      if the handler has not answered, libmicrohttpd asks again each time it runs;
 *                 when that takes long, the connection is suspended, and it forgets it
 *   request_reply the answer is queued, the connection resumed; server_run sends it
 *   completed     the last byte has gone or the client has: the exchange ends, its memory with it
 *
 * The daemon runs in external epoll mode: it has no thread, and its epoll descriptor is one of the
 * descriptors that the worker's loop polls. Sockets are accepted by listener.c and handed to it. */
#include "http/server.h"

#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "discount/log.h"
#include "http/conn.h"
#include "http/header_check.h"
#include "http/listener.h"
#include "http/reply.h"
#include "http/router.h"

/* Per connection, for request line, headers and a piece of the body. libmicrohttpd zeroes all of it
 * after each request, so more than is needed costs throughput (docs/adr/0004). */
#define CONNECTION_MEMORY 12288
/* How long an idle connection is kept. More than any proxy in front keeps it, so that it is never
 * this side that closes a connection which the proxy is about to use. */
#define IDLE_S 75
#define HOUSEKEEPING_MS 1000
/* While draining, the sweep is what notices that the last connection has gone. */
#define HOUSEKEEPING_DRAINING_MS 20
/* What a client may send of a body that is too large before its connection is cut. */
#define SWALLOW_LIMIT 65536
/* How much of a streamed answer libmicrohttpd takes at a time, and how much of it the kernel holds
 * before it goes out. With the kernel's usual megabytes a slow but steady reader would show no
 * progress for longer than it is given. */
#define STREAM_BLOCK 16384
#define UNSENT_MOST 32768
/* How long a drain may take beyond its grace: longer than any operation and any request may, but
 * not as long as a client likes to take for a long list. */
#define DRAIN_MOST_MS 15000
/* MHD_USE_NO_THREAD_SAFETY, which the header of 0.9.75 does not have and its daemon ignores: only
 * the worker's thread calls. Without it 1.0 keeps an added connection to itself until the next run,
 * so that the connections past the limit would not be counted. */
#define ONE_THREAD (1U << 19)

/* How often the daemon runs on behind what was seen to happen, while some are parked: an answer may
 * take that many steps (it is put together, its head goes out, its body, the connection is read
 * again), and what is left to do then shows in no other way. */
#define RUNS_AFTER 4
/* The daemon runs so often while some are parked, whatever there is to do: it reads a long head in
 * many pieces, and tells of none. */
#define PARKED_POLL_MS 5
/* In one turn of the worker's loop, so that its other work has its turn, too. */
#define RUNS_MOST 4
/* How often libmicrohttpd asks for an answer before its connection is suspended. Suspending costs
 * two calls of epoll_ctl and an empty recv, a seventh of a grant (docs/adr/0012); most answers come
 * within a few turns, and a store that hangs must not make each turn visit all that wait for it. */
#define POLL_ATTEMPTS_MAX 8

/* What the way of an exchange has come to, once its request is whole. */
enum waiting {
    WAITING_NOT,
    WAITING_PARKED,    /* libmicrohttpd visits it */
    WAITING_SUSPENDED, /* it does not */
    WAITING_LEFT,      /* the client is gone, and the handler's answer is still to come */
};

/* Hexadecimal digits of a request id of our own, which is two numbers. */
#define ID_DIGITS 32
/* Enough for a grant from its request line to its answer, so that it takes one malloc. */
#define FIRST_MEMORY 2048

/* One request and its answer. */
struct exchange {
    struct request request;
    struct exchanges *exchanges;
    struct conn *conn;                 /* NULL when left */
    struct MHD_Connection *connection; /* the same */
    struct queue link;                 /* in exchanges->left, when left and answered */
    uint64_t began_ns;
    const struct route *route; /* NULL: it reached none */
    enum waiting waiting;
    unsigned poll_attempts;
    bool headers_seen, answered;
    bool broken; /* there is no answer and never will be: the connection is cut */
    size_t content_length, swallowed;
    size_t body_room; /* bytes that request.body.p has */

    /* A streamed answer: what the client has not taken yet, and what comes after it. */
    struct str stream;
    enum { STREAM_GOING, STREAM_ENDED, STREAM_ABORTED } stream_state;

    _Alignas(max_align_t) char memory[FIRST_MEMORY]; /* the first of the request's arena */
};

/* What the exchanges of one worker share. */
struct exchanges {
    struct router router;
    struct store *store;
    const struct metrics_board *board;
    struct metrics *metrics; /* this worker's own */
    unsigned count;
    unsigned moving; /* those whose request comes in or whose answer goes out */
    unsigned parked;
    struct queue left;              /* those that nobody waits for and that nothing uses any more */
    unsigned runs_due;              /* of the daemon, since an event was seen; see server_is_busy */
    bool wants_run;                 /* the daemon must run, whatever else there is to do */
    bool draining;                  /* each answer closes its connection */
    struct MHD_Response *no_memory; /* prebuilt, for when nothing can be built */
    uint64_t id_prefix, id_count;   /* request ids: random per worker, then counted */
};

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
    uint64_t draining_since_ms; /* once exchanges.draining; the next too */
    uint64_t grace_ms;
};

/* ---- Waiting ---- */

static void event_seen(struct exchanges *exchanges)
{
    exchanges->runs_due = RUNS_AFTER;
}

/* ---- Answers ---- */

static struct exchange *exchange_of(struct request *request)
{
    return CONTAINER_OF(request, struct exchange, request);
}

static void waiting_set(struct exchange *exchange, enum waiting waiting)
{
    struct exchanges *exchanges = exchange->exchanges;

    exchanges->moving -= exchange->waiting == WAITING_NOT;
    exchanges->parked -= exchange->waiting == WAITING_PARKED;
    exchange->waiting = waiting;
    exchanges->moving += waiting == WAITING_NOT;
    exchanges->parked += waiting == WAITING_PARKED;
}

static void suspend(struct exchange *exchange)
{
    waiting_set(exchange, WAITING_SUSPENDED);
    MHD_suspend_connection(exchange->connection);
}

static void wait_end(struct exchange *exchange)
{
    if (exchange->waiting == WAITING_SUSPENDED) {
        MHD_resume_connection(exchange->connection);
    }
    waiting_set(exchange, WAITING_NOT);
    exchange->exchanges->wants_run = true;
    event_seen(exchange->exchanges);
}

static void count(const struct exchange *exchange, int code)
{
    const struct router *router = &exchange->exchanges->router;
    size_t route =
        exchange->route == NULL ? router->route_count : (size_t)(exchange->route - router->routes);

    metrics_response(exchange->exchanges->metrics, route, code,
                     (uv_hrtime() - exchange->began_ns) / 1000);
}

/* The end of a handler: queues a response, taking a reference, and wakes the connection. */
static void answer(struct exchange *exchange, int code, struct MHD_Response *response)
{
    assert(!exchange->answered);
    exchange->answered = true;
    count(exchange, code);
    if (exchange->waiting != WAITING_LEFT) {
        conn_enter(exchange->conn, CONN_SENDING);
        /* Of a parked connection this may be the end. */
        if (MHD_queue_response(exchange->connection, (unsigned)code, response) == MHD_NO) {
            exchange->broken = true;
        }
    }
    if (exchange->waiting == WAITING_LEFT) {
        /* The handler that answers may still look at its request. */
        queue_append(&exchange->exchanges->left, &exchange->link);
        exchange->exchanges->wants_run = true;
    } else if (exchange->waiting != WAITING_NOT) {
        wait_end(exchange);
    }
}

static bool header_add(struct MHD_Response *response, const char *name, const char *value)
{
    return value == NULL || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool headers_add(struct exchange *exchange, struct MHD_Response *response,
                        const struct reply *reply)
{
    char retry_after[16];

    if (reply->retry_after_s > 0) {
        snprintf(retry_after, sizeof(retry_after), "%d", reply->retry_after_s);
    }
    return header_add(response, "Content-Type", reply->content_type) &&
           header_add(response, "X-Request-ID", exchange->request.request_id.p) &&
           header_add(response, "Location", reply->location) &&
           header_add(response, "ETag", reply->etag) &&
           header_add(response, "Allow", reply->allow) &&
           header_add(response, "Idempotent-Replayed", reply->replayed ? "true" : NULL) &&
           header_add(response, "Retry-After", reply->retry_after_s > 0 ? retry_after : NULL) &&
           header_add(response, "Connection", exchange->exchanges->draining ? "close" : NULL);
}

/* Adds the headers and queues; for want of memory the prebuilt answer goes out instead. */
static void respond(struct exchange *exchange, const struct reply *reply,
                    struct MHD_Response *response)
{
    if (response == NULL || !headers_add(exchange, response, reply)) {
        answer(exchange, 503, exchange->exchanges->no_memory);
    } else {
        answer(exchange, reply->code, response);
    }
    if (response != NULL) {
        MHD_destroy_response(response);
    }
}

void request_reply(struct request *request, const struct reply *reply)
{
    struct exchange *exchange = exchange_of(request);
    struct MHD_Response *response = NULL;

    if (reply->replayed) {
        metrics_replay(exchange->exchanges->metrics);
    }
    if (reply->body.p != NULL || reply->content_type == NULL) {
        /* libmicrohttpd only reads the body, and the arena lives until `completed`. */
        response = MHD_create_response_from_buffer(reply->body.n, (void *)(uintptr_t)reply->body.p,
                                                   MHD_RESPMEM_PERSISTENT);
    }
    respond(exchange, reply, response);
}

void request_problem(struct request *request, const struct problem *problem)
{
    struct reply reply = reply_problem(request, problem);

    metrics_problem(exchange_of(request)->exchanges->metrics, problem->status);
    request_reply(request, &reply);
}

void request_refuse(struct request *request, enum status status)
{
    request_problem(request, &(struct problem){.status = status});
}

/* ---- Streamed answers ---- */

/* libmicrohttpd asks for up to `max` bytes of the body. When there are none yet, the connection is
 * suspended until a piece is pushed; it must not be asked again before. */
static ssize_t stream_read(void *cls, uint64_t position, char *buffer, size_t max)
{
    struct exchange *exchange = cls;
    size_t n = exchange->stream.n < max ? exchange->stream.n : max;

    (void)position; /* the answer is read once, from front to back */
    event_seen(exchange->exchanges);
    if (n > 0) {
        memcpy(buffer, exchange->stream.p, n);
        exchange->stream = str_from(exchange->stream, n);
        conn_enter(exchange->conn, CONN_SENDING);
        return (ssize_t)n;
    }
    if (exchange->stream_state != STREAM_GOING) {
        return exchange->stream_state == STREAM_ENDED ? MHD_CONTENT_READER_END_OF_STREAM
                                                      : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    suspend(exchange);
    conn_enter(exchange->conn, CONN_WORKING);
    exchange->request.stream_next(&exchange->request);
    return 0;
}

void request_stream(struct request *request, const char *content_type, struct str first,
                    request_fn next)
{
    struct exchange *exchange = exchange_of(request);
    struct reply reply = {.code = 200, .content_type = content_type};
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, exchange, NULL);

    exchange->stream = first;
    request->stream_next = next;
    if (response != NULL && str_eq(request->method, STR("HEAD"))) {
        /* Else libmicrohttpd 0.9.75 ends this bodiless answer with the last chunk of a body, which
         * the client takes for the beginning of the next answer. This one ends by closing. */
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    respond(exchange, &reply, response);
}

void request_stream_push(struct request *request, struct str bytes)
{
    struct exchange *exchange = exchange_of(request);

    exchange->stream = bytes;
    conn_enter(exchange->conn, CONN_SENDING);
    if (exchange->waiting != WAITING_NOT) {
        wait_end(exchange);
    }
}

void request_stream_end(struct request *request, struct str bytes)
{
    exchange_of(request)->stream_state = STREAM_ENDED;
    request_stream_push(request, bytes);
}

void request_stream_abort(struct request *request)
{
    exchange_of(request)->stream_state = STREAM_ABORTED;
    request_stream_push(request, (struct str){NULL, 0});
}

/* ---- Requests ---- */

struct str request_query(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (str_eq(request->query[i].name, str_of(name))) {
            return request->query[i].value;
        }
    }
    return (struct str){NULL, 0};
}

static struct conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info == NULL ? NULL : info->socket_context;
}

static struct exchange *exchange_new(struct exchanges *exchanges, struct conn *conn,
                                     struct MHD_Connection *connection)
{
    struct exchange *exchange = malloc(sizeof(*exchange));

    if (exchange == NULL) {
        return NULL;
    }
    memset(exchange, 0, offsetof(struct exchange, memory));
    exchange->exchanges = exchanges;
    exchange->conn = conn;
    exchange->connection = connection;
    exchange->began_ns = uv_hrtime();
    exchange->request.store = exchanges->store;
    exchange->request.board = exchanges->board;
    exchange->request.metrics = exchanges->metrics;
    arena_init_in(&exchange->request.arena, exchange->memory, sizeof(exchange->memory),
                  LIMIT_REQUEST_MEMORY);
    arena_init(&exchange->request.page, LIMIT_REQUEST_MEMORY);
    exchanges->count++;
    exchanges->moving++;
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    exchange->exchanges->count--;
    exchange->exchanges->moving -= exchange->waiting == WAITING_NOT;
    arena_fini(&exchange->request.page);
    arena_fini(&exchange->request.arena);
    free(exchange);
}

/* Called with the request line's target, before libmicrohttpd has looked into it. Its own parsing
 * of the query is cut off: version 1.0.1 is killed by a long query without "=", and this service
 * parses the query itself. */
static void *target_seen(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct conn *conn = conn_of(connection);
    struct exchange *exchange;
    char *query;

    if (conn == NULL || uri == NULL) {
        return NULL;
    }
    event_seen(cls);
    conn_enter(conn, CONN_READING);
    exchange = exchange_new(cls, conn, connection);
    if (exchange != NULL) {
        exchange->request.target = arena_dup(&exchange->request.arena, str_of(uri));
    }
    query = strchr(uri, '?');
    if (query != NULL) {
        query[1] = '\0';
    }
    return exchange;
}

/* Leaves "%2F" and "%00" in the path as they are; target.c decodes each segment. */
static size_t unescape_nothing(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

static enum MHD_Result header_line(void *cls, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
    (void)kind; /* headers only */
    header_check_add(cls, (struct str){name, name_size},
                     (struct str){value == NULL ? "" : value, value_size});
    return MHD_YES;
}

static void hexadecimal_put(uint64_t number, char at[ID_DIGITS / 2])
{
    for (int i = ID_DIGITS / 2 - 1; i >= 0; i--) {
        at[i] = "0123456789abcdef"[number & 15];
        number >>= 4;
    }
}

/* Keeps a sane X-Request-ID, else makes one of 32 hexadecimal digits. */
static struct str request_id_choose(struct exchange *exchange, struct str sent)
{
    struct exchanges *exchanges = exchange->exchanges;
    struct str id = {NULL, 0};
    char *digits;

    if (reply_request_id_is_sane(sent)) {
        return arena_dup(&exchange->request.arena, sent);
    }
    digits = arena_alloc(&exchange->request.arena, ID_DIGITS + 1);
    if (digits != NULL) {
        hexadecimal_put(exchanges->id_prefix, digits);
        hexadecimal_put(++exchanges->id_count, digits + ID_DIGITS / 2);
        digits[ID_DIGITS] = '\0';
        id = (struct str){digits, ID_DIGITS};
    }
    return id;
}

/* Makes a text of the connection's the request's own, which may outlive the connection. */
static bool keep(struct request *request, struct str *text)
{
    if (text->p != NULL) {
        *text = arena_dup(&request->arena, *text);
        return text->p != NULL;
    }
    return true;
}

/* The first call for a request: its headers are complete. What is refused here is refused before
 * its body is read, and libmicrohttpd closes the connection after it: just what a request deserves
 * whose end two parsers may see in different places. */
static void headers_seen(struct exchange *exchange, const char *method, const char *version)
{
    struct request *request = &exchange->request;
    struct header_check check = {0};
    enum status status = STATUS_OVERLOADED;

    exchange->headers_seen = true;
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, header_line, &check);
    request->method = str_of(method);
    request->request_id = request_id_choose(exchange, check.request_id);
    request->content_type = check.content_type;
    request->idempotency_key = check.idempotency_key;
    request->if_none_match = check.if_none_match;
    exchange->content_length = check.content_length;
    if (request->target.p != NULL && request->request_id.p != NULL &&
        keep(request, &request->method) && keep(request, &request->content_type) &&
        keep(request, &request->idempotency_key) && keep(request, &request->if_none_match)) {
        status = header_check_verdict(&check, strcmp(version, MHD_HTTP_VERSION_1_0) == 0);
    }
    if (status != STATUS_OK) {
        request_refuse(request, status);
    }
}

/* Takes in a piece of the body. Past the limit it is only counted, so that the client, which may
 * not read before it has sent everything, gets its 413; past a second limit the connection goes. */
static enum MHD_Result body_piece(struct exchange *exchange, const char *data, size_t size)
{
    struct request *request = &exchange->request;
    char *body = (char *)(uintptr_t)request->body.p;

    if (body == NULL) {
        exchange->body_room = exchange->content_length > 0 ? exchange->content_length : LIMIT_BODY;
        body = arena_alloc(&request->arena, exchange->body_room);
        request->body.p = body;
    }
    if (body == NULL || size > exchange->body_room - request->body.n || exchange->swallowed > 0) {
        exchange->swallowed += size;
        return exchange->swallowed > SWALLOW_LIMIT ? MHD_NO : MHD_YES;
    }
    memcpy(body + request->body.n, data, size);
    request->body.n += size;
    return MHD_YES;
}

/* Answers OPTIONS, and other methods that a resource lacks. */
static void method_not_allowed(struct request *request, const char *allow)
{
    struct str copy = arena_dup(&request->arena, str_of(allow));

    if (copy.p == NULL) {
        request_refuse(request, STATUS_OVERLOADED);
    } else if (str_eq(request->method, STR("OPTIONS"))) {
        request_reply(request, &(struct reply){.code = 204, .allow = copy.p});
    } else {
        request_problem(request,
                        &(struct problem){.status = STATUS_METHOD_NOT_ALLOWED, .allow = copy.p});
    }
}

/* The request is whole: finds its handler and runs it. */
static void dispatch(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    struct target target;
    char allow[ROUTER_ALLOW_SIZE];
    enum status status;

    if (exchange->swallowed > 0) {
        request_refuse(request,
                       request->body.p == NULL ? STATUS_OVERLOADED : STATUS_PAYLOAD_TOO_LARGE);
        return;
    }
    if (str_eq(request->target, STR("*")) && str_eq(request->method, STR("OPTIONS"))) {
        method_not_allowed(request, "GET, HEAD, OPTIONS, POST");
        return;
    }
    status = target_parse(request->target, &request->arena, &target);
    if (status == STATUS_OK) {
        memcpy(request->query, target.query, sizeof(target.query));
        request->query_count = target.query_count;
        status = router_match(&exchange->exchanges->router, request->method, &target,
                              &exchange->route, request->params, allow);
    }
    if (status == STATUS_METHOD_NOT_ALLOWED) {
        method_not_allowed(request, allow);
    } else if (status != STATUS_OK) {
        request_refuse(request, status);
    } else {
        exchange->route->handler(request);
    }
}

/* The last call for a request. */
static void request_whole(struct exchange *exchange)
{
    conn_enter(exchange->conn, CONN_WORKING);
    exchange->request.draining = exchange->exchanges->draining;
    dispatch(exchange);
    if (!exchange->answered) {
        /* No completion can have run yet (law 2 of the store), so the answer comes later. */
        waiting_set(exchange, WAITING_PARKED);
    }
}

/* libmicrohttpd asks again for the answer of a parked exchange. */
static void poll_attempted(struct exchange *exchange)
{
    if (++exchange->poll_attempts > POLL_ATTEMPTS_MAX) {
        suspend(exchange);
    }
}

static enum MHD_Result access_handler(void *cls, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *data_size, void **request_cls)
{
    struct exchange *exchange = *request_cls;
    struct exchanges *exchanges = cls;

    (void)url; /* target_seen kept the whole target */
    if (exchange == NULL) {
        return MHD_queue_response(connection, 503, exchanges->no_memory);
    }
    if (exchange->waiting == WAITING_PARKED) {
        poll_attempted(exchange);
        return MHD_YES;
    }
    event_seen(exchanges);
    if (!exchange->headers_seen) {
        headers_seen(exchange, method, version);
    } else if (*data_size > 0) {
        size_t size = *data_size;

        *data_size = 0;
        return body_piece(exchange, data, size);
    } else if (!exchange->answered) {
        request_whole(exchange);
    }
    return exchange->broken ? MHD_NO : MHD_YES;
}

static void completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                      enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *request_cls;

    (void)cls, (void)connection;
    (void)code; /* whether the client has it cannot be known from here */
    if (exchange == NULL) {
        return;
    }
    *request_cls = NULL;
    event_seen(exchange->exchanges);
    conn_enter(exchange->conn, CONN_IDLE);
    if (exchange->waiting == WAITING_PARKED) {
        /* The store has its operation, and the handler its request. */
        waiting_set(exchange, WAITING_LEFT);
        exchange->conn = NULL;
        exchange->connection = NULL;
    } else {
        exchange_free(exchange);
    }
}

/* Frees the exchanges that were answered after their clients had gone. */
static void left_free(struct exchanges *exchanges)
{
    while (!queue_is_empty(&exchanges->left)) {
        struct exchange *exchange = CONTAINER_OF(exchanges->left.next, struct exchange, link);

        queue_remove(&exchange->link);
        exchange_free(exchange);
    }
}

/* ---- What they share ---- */

static struct MHD_Response *no_memory_build(void)
{
    /* It may stand in for the answer to a change that was made, so it claims no more than is known.
     */
    static char body[] = "{\"detail\":\"The request may have been applied; the same request again "
                         "settles it.\",\"status\":503,\"title\":\"The outcome is not known\","
                         "\"type\":\"/problems/outcome-unknown\"}\n";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);

    if (response != NULL && (!header_add(response, "Content-Type", "application/problem+json") ||
                             !header_add(response, "Retry-After", "1") ||
                             !header_add(response, "Connection", "close"))) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

static bool exchanges_init(struct exchanges *exchanges, const struct router *router,
                           struct store *store, struct metrics_board *board)
{
    exchanges->router = *router;
    exchanges->store = store;
    exchanges->board = board;
    exchanges->metrics = metrics_join(board);
    queue_init(&exchanges->left);
    exchanges->no_memory = no_memory_build();
    return exchanges->no_memory != NULL &&
           getrandom(&exchanges->id_prefix, sizeof(exchanges->id_prefix), 0) >= 0;
}

static void exchanges_fini(struct exchanges *exchanges)
{
    MHD_destroy_response(exchanges->no_memory);
}

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

/* Closes the door once everyone who stood before it is in, and those who cannot be served any more
 * out of it. */
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

/* Now and then: cuts late connections, tries to accept again after a lack of descriptors, and lets
 * the daemon see to its own timeouts. */
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
    event_seen(&server->exchanges);
}

static bool daemon_start(struct server *server)
{
    /* Before 1.0 being strict only adds an answer of the library's own, and a broken one, to what
     * header_check.c refuses in ours; since 1.0 it refuses what is not seen from here. */
    int strict = strcmp(MHD_get_version(), "1.") < 0 ? 0 : 1;
    /* The limits are a little wider than ours, so that ours answer. */
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)completed, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_changed, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)target_seen, &server->exchanges},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape_nothing, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)server->conn_limit + 1, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S + 1, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, strict, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | ONE_THREAD, 0, NULL,
        NULL, access_handler, &server->exchanges, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    return server->daemon != NULL;
}

/* Makes the daemon's epoll descriptor and the sweep part of the loop. */
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

/* The turn that comes of this ends with the next poll, which is at the next glance at the latest.
 */
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
    left_free(&server->exchanges);
    for (unsigned i = 0; i < RUNS_MOST && server_is_busy(server); i++) {
        server->exchanges.runs_due -=
            server->exchanges.runs_due > 0 && !server->exchanges.wants_run;
        server->exchanges.wants_run = false;
        MHD_run(server->daemon);
    }
    if (server->exchanges.parked > 0 && !uv_is_active((uv_handle_t *)&server->parked_poll)) {
        uv_timer_start(&server->parked_poll, parked_poll, PARKED_POLL_MS, PARKED_POLL_MS);
    }
    metrics_now(server->exchanges.metrics, server->conns.count, server->exchanges.count);
}

/* Whether anything but those that are parked may have something to do. Also a connection without an
 * exchange may, which libmicrohttpd answers itself: one run is for that. */
static bool may_move(const struct server *server)
{
    return server->exchanges.runs_due == RUNS_AFTER ||
           (server->exchanges.runs_due > 0 && server->exchanges.moving > 0);
}

bool server_is_busy(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    /* 0 while the daemon holds ready connections that its epoll descriptor does not show; and it
     * takes the parked ones for such. Its other timeouts are in seconds, and the sweep runs the
     * daemon often enough for those. */
    return server->exchanges.wants_run ||
           ((server->exchanges.parked == 0 || may_move(server)) &&
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
