/* SPDX-License-Identifier: MIT */
/* The fastest possible framework: one thread, bare epoll, and HTTP/1.1 parsed only as far as these
 * requests need it. Each grant runs one script on Redis; those of one turn are sent in one write.
 *
 *   PORT=8080 REDIS_URL=redis://127.0.0.1:6379 GRANT_LUA=grant.lua pipelined     until a signal
 *
 * A turn of the loop reads from clients and from Redis. serve() takes complete requests out of a
 * connection's buffer. In a later turn, a grant's reply becomes its answer. The turn ends with one
 * write to Redis and one to each client that has an answer. A connection has one request in
 * progress; others wait in its buffer. Discounts are created and read over a connection on which
 * the thread waits: only grants are measured. A client that sends an invalid request is
 * disconnected. */
#include <arpa/inet.h>
#include <errno.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uuid/uuid.h>

#define EVENTS_MOST 1024
#define REQUEST_MOST 16384
#define ANSWERS_MOST 32768
#define HEAD_MOST 256
#define ESCAPED 6 /* the longest form of one byte in a JSON string */

struct connection {
    int fd;
    bool gone, in_turn;
    bool waits; /* for Redis, which has its address: it is not freed before the reply */
    struct connection *next;
    json_t *body; /* of the grant in progress, owned; contains the user */
    const char *user;
    char id[64];
    size_t in_size, out_size;
    char in[REQUEST_MOST + 1], out[ANSWERS_MOST]; /* in ends with a NUL */
};

struct request {
    bool is_post;
    char *target, *body;
    size_t body_size;
};

static struct {
    char host[64];
    int port;
    char script_sha[41];
    redisContext *waiting;
    redisAsyncContext *link;
    bool wants_write;
} redis;

static int loop;
static struct connection *in_turn; /* to be settled when the turn ends */

static void serve(struct connection *connection);

static void die(const char *what)
{
    fprintf(stderr, "pipelined: %s\n", what);
    exit(1);
}

static void watch(int fd, void *whose)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = whose};

    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll does not watch a socket");
    }
}

/* ---- Redis ---- */

static void reads_always(void *data)
{
    (void)data;
}

static void wants_write(void *data)
{
    (void)data;
    redis.wants_write = true;
}

static void wrote_all(void *data)
{
    (void)data;
    redis.wants_write = false;
}

static void redis_gone(const redisAsyncContext *link, int status)
{
    (void)link;
    (void)status;
    die("Redis has gone");
}

static void redis_open(void)
{
    redis.waiting = redisConnect(redis.host, redis.port);
    redis.link = redisAsyncConnect(redis.host, redis.port);
    if (redis.waiting == NULL || redis.waiting->err != 0 || redis.link == NULL ||
        redis.link->err != 0) {
        die("cannot connect to Redis");
    }
    redis.link->ev.addRead = redis.link->ev.delRead = reads_always;
    redis.link->ev.addWrite = wants_write;
    redis.link->ev.delWrite = wrote_all;
    redisAsyncSetDisconnectCallback(redis.link, redis_gone);
    watch(redis.link->c.fd, &redis);
}

/* Written by hand, because hiredis's own formatting takes longer. */
static bool redis_grant(struct connection *connection, redisCallbackFn *done)
{
    static char command[2 * REQUEST_MOST + HEAD_MOST * 4];
    const char *id = connection->id, *user = connection->user;
    size_t id_size = strlen(id), user_size = strlen(user);
    int size = snprintf(command, sizeof(command),
                        "*8\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n3\r\n$%zu\r\ndiscount:{%s}\r\n"
                        "$%zu\r\ndiscount:{%s}:grants\r\n$%zu\r\nuser:{%s}:discounts\r\n"
                        "$%zu\r\n%s\r\n$%zu\r\n%s\r\n",
                        redis.script_sha, id_size + 11, id, id_size + 18, id, user_size + 17, user,
                        id_size, id, user_size, user);

    return redisAsyncFormattedCommand(redis.link, done, connection, command, (size_t)size) ==
           REDIS_OK;
}

static void script_load(const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    char *script = NULL;
    size_t room = 0;
    redisReply *reply;

    if (file == NULL || getdelim(&script, &room, '\0', file) < 0) {
        die("cannot read GRANT_LUA");
    }
    fclose(file);
    reply = redisCommand(redis.waiting, "SCRIPT LOAD %s", script);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING || reply->len != 40) {
        die("Redis does not take the script");
    }
    memcpy(redis.script_sha, reply->str, 41);
    freeReplyObject(reply);
    free(script);
}

/* ---- Answers ---- */

static void look_after(struct connection *connection)
{
    if (!connection->in_turn) {
        connection->in_turn = true;
        connection->next = in_turn;
        in_turn = connection;
    }
}

static void answer(struct connection *connection, unsigned status, const char *text, size_t size)
{
    char *at = connection->out + connection->out_size;

    if (size + HEAD_MOST > sizeof(connection->out) - connection->out_size) {
        connection->gone = true;
        look_after(connection);
        return;
    }
    at +=
        sprintf(at, "HTTP/1.1 %u \r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                status, size);
    memcpy(at, text, size);
    connection->out_size = (size_t)(at - connection->out) + size;
    look_after(connection);
}

static void refuse(struct connection *connection, unsigned status)
{
    static const char refusal[] = "{\"granted\":false}";

    answer(connection, status, refusal, sizeof(refusal) - 1);
}

/* Writes a JSON string, and returns its end. */
static char *quoted(char *to, const char *text)
{
    *to++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ') {
            to += sprintf(to, "\\u%04x", (unsigned)*text);
        } else {
            *to++ = *text;
        }
    }
    *to++ = '"';
    return to;
}

/* ---- The handlers ---- */

static void create(struct connection *connection, json_t *body)
{
    const char *brand, *code;
    json_int_t total;
    uuid_t random;
    char id[41] = "dsc-", *text;
    redisReply *reply;

    if (json_unpack(body, "{s:s, s:s, s:I}", "brand_id", &brand, "discount_code", &code,
                    "total_count", &total) != 0) {
        refuse(connection, 422);
        return;
    }
    uuid_generate_random(random);
    uuid_unparse_lower(random, id + 4);
    reply = redisCommand(redis.waiting,
                         "HSET discount:{%s} brand_id %s discount_code %s total_count %lld", id,
                         brand, code, (long long)total);
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        refuse(connection, 503);
    } else {
        json_object_set_new(body, "id", json_string(id));
        text = json_dumps(body, JSON_COMPACT);
        answer(connection, 201, text, strlen(text));
        free(text);
    }
    freeReplyObject(reply);
}

static void granted(struct connection *connection, unsigned status, const char *granted_at,
                    const char *code)
{
    static char text[2 * ESCAPED * REQUEST_MOST + HEAD_MOST];
    char *at = quoted(stpcpy(text, "{\"discount_code\":"), code);

    at = quoted(stpcpy(at, ",\"discount_id\":"), connection->id);
    at = quoted(stpcpy(at, ",\"granted\":true,\"granted_at\":"), granted_at);
    at = quoted(stpcpy(at, ",\"user_id\":"), connection->user);
    *at++ = '}';
    answer(connection, status, text, (size_t)(at - text));
}

static void grant_done(redisAsyncContext *link, void *data, void *whose)
{
    struct connection *connection = whose;
    const redisReply *reply = data;
    unsigned status = 503;

    (void)link;
    connection->waits = false;
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
        reply->element[2]->len < REQUEST_MOST) {
        status = (unsigned)reply->element[0]->integer;
    }
    if (status == 201 || status == 200) {
        granted(connection, status, reply->element[1]->str, reply->element[2]->str);
    } else {
        refuse(connection, status);
    }
    json_decref(connection->body);
    serve(connection);
}

static void grant(struct connection *connection, json_t *body)
{
    if (json_unpack(body, "{s:s}", "user_id", &connection->user) != 0) {
        refuse(connection, 422);
    } else if (!redis_grant(connection, grant_done)) {
        refuse(connection, 503);
    } else {
        connection->body = json_incref(body);
        connection->waits = true;
    }
}

static void get(struct connection *connection)
{
    const char *id = connection->id;
    redisReply *total = redisCommand(redis.waiting, "HGET discount:{%s} total_count", id);
    redisReply *count = redisCommand(redis.waiting, "ZCARD discount:{%s}:grants", id);
    char text[HEAD_MOST];

    if (total == NULL || count == NULL || count->type != REDIS_REPLY_INTEGER) {
        refuse(connection, 503);
    } else if (total->type != REDIS_REPLY_STRING) {
        refuse(connection, 404);
    } else {
        answer(connection, 200, text,
               (size_t)snprintf(text, sizeof(text),
                                "{\"granted_count\":%lld,\"id\":\"%s\",\"total_count\":%lld}",
                                count->integer, id, atoll(total->str)));
    }
    freeReplyObject(total);
    freeReplyObject(count);
}

/* Takes the id out of /discount/{id}, which the text `after` must follow. */
static bool id_parse(struct connection *connection, const char *target, const char *after)
{
    const char *id = target + 10;
    size_t size = strncmp(target, "/discount/", 10) == 0 ? strcspn(id, "/") : 0;

    if (size == 0 || size >= sizeof(connection->id) || strcmp(id + size, after) != 0) {
        return false;
    }
    memcpy(connection->id, id, size);
    connection->id[size] = '\0';
    return true;
}

static void route(struct connection *connection, const struct request *request)
{
    json_t *body = NULL;

    if (request->is_post) {
        body = json_loadb(request->body, request->body_size, 0, NULL);
    }
    if (strcmp(request->target, "/healthy") == 0) {
        answer(connection, 200, "OK", 2);
    } else if (strcmp(request->target, "/discount") == 0 && request->is_post) {
        create(connection, body);
    } else if (!id_parse(connection, request->target, request->is_post ? "/grant" : "")) {
        refuse(connection, 404);
    } else if (request->is_post) {
        grant(connection, body);
    } else {
        get(connection);
    }
    json_decref(body);
}

/* ---- HTTP ---- */

enum parsed { PARTIAL, WHOLE, BROKEN };

/* A POST gives the length of its body. */
static bool body_parse(const char *head, struct request *request)
{
    const char *length = strcasestr(head, "\r\nContent-Length:");
    long size = length == NULL || length > request->body ? -1 : strtol(length + 17, NULL, 10);

    request->body_size = (size_t)size;
    return size >= 0 && size <= REQUEST_MOST - (request->body - head);
}

/* If more bytes come, it is parsed again from the start, which is rare. */
static enum parsed request_parse(char *text, size_t size, struct request *request)
{
    char *end = memmem(text, size, "\r\n\r\n", 4), *space;

    if (end == NULL) {
        return size < REQUEST_MOST ? PARTIAL : BROKEN;
    }
    request->is_post = strncmp(text, "POST ", 5) == 0;
    request->target = text + (request->is_post ? 5 : 4);
    request->body = end + 4;
    request->body_size = 0;
    space = strchr(request->target, ' ');
    if ((!request->is_post && strncmp(text, "GET ", 4) != 0) || space == NULL ||
        strncmp(space, " HTTP/1.1\r\n", 11) != 0 ||
        (request->is_post && !body_parse(text, request))) {
        return BROKEN;
    }
    if (request->body + request->body_size > text + size) {
        return PARTIAL;
    }
    *space = '\0';
    return WHOLE;
}

/* Serves complete requests, until one waits for Redis. */
static void serve(struct connection *connection)
{
    enum parsed parsed = WHOLE;
    struct request request;
    char *next;

    while (!connection->waits && connection->in_size > 0 && parsed == WHOLE) {
        parsed = request_parse(connection->in, connection->in_size, &request);
        if (parsed == WHOLE) {
            route(connection, &request);
            next = request.body + request.body_size;
            connection->in_size -= (size_t)(next - connection->in);
            memmove(connection->in, next, connection->in_size + 1);
        }
    }
    if (parsed == BROKEN) {
        connection->gone = true;
    }
    look_after(connection);
}

/* ---- Sockets ---- */

static void receive(struct connection *connection)
{
    size_t room = REQUEST_MOST - connection->in_size;
    ssize_t size = recv(connection->fd, connection->in + connection->in_size, room, 0);

    if (size > 0) {
        connection->in_size += (size_t)size;
        connection->in[connection->in_size] = '\0';
        serve(connection);
    } else if (size == 0 || errno != EAGAIN) { /* or more has come than there is room for */
        connection->gone = true;
        look_after(connection);
    }
}

/* Disconnects a client that does not read its answers, so that the socket is full. A client that
 * leaves while it waits for Redis is freed after the reply. */
static void settle(struct connection *connection)
{
    size_t size = connection->out_size;

    connection->in_turn = false;
    connection->out_size = 0;
    if (size > 0 && connection->fd >= 0 &&
        send(connection->fd, connection->out, size, MSG_NOSIGNAL) != (ssize_t)size) {
        connection->gone = true;
    }
    if (connection->gone && connection->fd >= 0) {
        close(connection->fd);
        connection->fd = -1;
    }
    if (connection->gone && !connection->waits) {
        free(connection);
    }
}

/* Bytes that Redis's socket does not take now are sent in the next turn, which begins with its
 * replies. */
static void turn_end(void)
{
    struct connection *connection;

    if (redis.wants_write) {
        redisAsyncHandleWrite(redis.link);
    }
    while ((connection = in_turn) != NULL) {
        in_turn = connection->next;
        settle(connection);
    }
}

static void welcome(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct connection *connection = fd < 0 ? NULL : malloc(sizeof(*connection));

    if (connection != NULL) {
        memset(connection, 0, offsetof(struct connection, in));
        connection->fd = fd;
        watch(fd, connection);
    }
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted sockets inherit it */
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, SOMAXCONN) != 0) {
        die("cannot listen");
    }
    return fd;
}

static void happened(void *whose, int listener)
{
    if (whose == &loop) {
        welcome(listener);
    } else if (whose == &redis) {
        redisAsyncHandleRead(redis.link);
    } else {
        receive(whose);
    }
}

int main(void)
{
    const char *port = getenv("PORT"), *url = getenv("REDIS_URL");
    struct epoll_event events[EVENTS_MOST];
    int listener, count, i;

    if (port == NULL || url == NULL ||
        sscanf(url, "redis://%63[^:]:%d", redis.host, &redis.port) != 2) {
        die("needs PORT and REDIS_URL=redis://HOST:PORT");
    }
    loop = epoll_create1(EPOLL_CLOEXEC);
    redis_open();
    script_load(getenv("GRANT_LUA"));
    listener = listen_on(port);
    watch(listener, &loop);
    for (;;) {
        count = epoll_wait(loop, events, EVENTS_MOST, -1);
        for (i = 0; i < count; i++) {
            happened(events[i].data.ptr, listener);
        }
        turn_end();
    }
}
