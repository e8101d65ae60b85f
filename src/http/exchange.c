/* SPDX-License-Identifier: MIT */
/* The way of a request through libmicrohttpd:
 *
 *   exchange_target_seen  the request line is read: an exchange begins
 *   exchange_access       1st call: the headers are checked, and refused before the body if need
 *                         be; next calls: the body, piece by piece; last call: the request is whole
 *   dispatch              the router finds the handler; the handler runs
 *   (parked)              if the handler has not answered, libmicrohttpd asks again each time it
 *                         runs; when that takes long, the connection is suspended, and it asks
 *                         no more
 *   request_reply         the answer is queued, the connection resumed; server_run sends it
 *   exchange_completed    the last byte has gone or the client has: the exchange ends, its memory
 *                         with it
 *
 * Nothing here knows the daemon: server.c runs it, and libmicrohttpd calls these functions. */
#include "http/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>
#include <uv.h>

#include "http/conn.h"
#include "http/header_check.h"
#include "http/reply.h"

/* A client may send so many bytes of a body that is too large before its connection is cut. */
#define SWALLOW_LIMIT 65536
/* Bytes of a streamed answer that libmicrohttpd takes at a time. */
#define STREAM_BLOCK 16384
/* Times that libmicrohttpd asks for an answer before its connection is suspended. Suspending costs
 * two calls of epoll_ctl and an empty recv, a seventh of a grant (docs/adr/0012). Most answers come
 * within a few turns. A store that hangs must not make each turn ask for all answers that wait for
 * it. */
#define POLL_ATTEMPTS_MAX 8

/* How an exchange waits for its handler's answer, once its request is whole. */
enum waiting {
    WAITING_NOT,
    WAITING_PARKED,    /* libmicrohttpd asks for its answer each time it runs */
    WAITING_SUSPENDED, /* libmicrohttpd does not ask */
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

    /* A streamed answer: the bytes that the client has not taken yet, and whether more come. */
    struct str stream;
    enum { STREAM_GOING, STREAM_ENDED, STREAM_ABORTED } stream_state;

    _Alignas(max_align_t) char memory[FIRST_MEMORY]; /* the first of the request's arena */
};

static struct exchange *exchange_of(struct request *request)
{
    return CONTAINER_OF(request, struct exchange, request);
}

/* ---- Waiting ---- */

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
    exchanges_event_seen(exchange->exchanges);
}

/* ---- Answers ---- */

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
        /* This may end a parked connection. */
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

/* Adds the headers and queues the response. Without memory for them the prebuilt answer goes out
 * instead. */
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
        metrics_count(exchange->exchanges->metrics, METRIC_REPLAYS);
    }
    if (reply->body.p != NULL || reply->content_type == NULL) {
        /* libmicrohttpd only reads the body, and the arena lives until exchange_completed. */
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
 * suspended until a piece is pushed: libmicrohttpd must not ask again before. */
static ssize_t stream_read(void *cls, uint64_t position, char *buffer, size_t max)
{
    struct exchange *exchange = cls;
    size_t n = exchange->stream.n < max ? exchange->stream.n : max;

    (void)position; /* the answer is read once, from front to back */
    exchanges_event_seen(exchange->exchanges);
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
        /* The answer ends by closing. So nothing that might follow its head can be taken for the
         * beginning of the next answer. */
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

/* Called with the request line's target, before libmicrohttpd has looked into it. This service
 * parses the query itself. The library's own parser gets nothing of it, because a query can end the
 * process in some versions of the library. */
void *exchange_target_seen(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct conn *conn = conn_of(connection);
    struct exchange *exchange;
    char *query;

    if (conn == NULL || uri == NULL) {
        return NULL;
    }
    exchanges_event_seen(cls);
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

enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_size, void **request_cls)
{
    struct exchange *exchange = *request_cls;
    struct exchanges *exchanges = cls;

    (void)url; /* exchange_target_seen kept the whole target */
    if (exchange == NULL) {
        return MHD_queue_response(connection, 503, exchanges->no_memory);
    }
    if (exchange->waiting == WAITING_PARKED) {
        poll_attempted(exchange);
        return MHD_YES;
    }
    exchanges_event_seen(exchanges);
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

void exchange_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                        enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *request_cls;

    (void)cls, (void)connection;
    (void)code; /* whether the client has it cannot be known from here */
    if (exchange == NULL) {
        return;
    }
    *request_cls = NULL;
    exchanges_event_seen(exchange->exchanges);
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

void exchanges_free_left(struct exchanges *exchanges)
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

bool exchanges_init(struct exchanges *exchanges, const struct router *router, struct store *store,
                    struct metrics_board *board)
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

void exchanges_fini(struct exchanges *exchanges)
{
    MHD_destroy_response(exchanges->no_memory);
}
