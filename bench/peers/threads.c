/* SPDX-License-Identifier: MIT */
/* The usual design in C: a thread pool of libmicrohttpd, where each thread has its own connection
 * to Redis and waits for the reply. This peer has the same libraries as discountd.
 *
 *   PORT=8080 REDIS_URL=redis://127.0.0.1:6379 GRANT_LUA=grant.lua THREADS=32 threads
 *
 * answer() collects the body of a request in a struct request. When it is complete, a handler sends
 * its command and makes the answer from the reply. */
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#define BODY_MOST 16384
#define CONNECTION_MEMORY 8192
#define UNPROCESSABLE 422 /* the constant's name differs between versions of libmicrohttpd */

struct request {
    size_t size;
    char body[BODY_MOST];
};

/* Set before the threads begin, and then constant. */
static struct {
    char host[64];
    int port;
    char *script;
    char script_sha[41];
} redis;

static void die(const char *what)
{
    fprintf(stderr, "threads: %s\n", what);
    exit(1);
}

/* ---- Redis ---- */

static redisContext *redis_open(void)
{
    redisContext *link = redisConnect(redis.host, redis.port);

    if (link != NULL && link->err != 0) {
        redisFree(link);
        link = NULL;
    }
    return link;
}

/* Returns this thread's connection; NULL while Redis is away. */
static redisContext **redis_link(void)
{
    static __thread redisContext *link;

    if (link != NULL && link->err != 0) {
        redisFree(link);
        link = NULL;
    }
    if (link == NULL) {
        link = redis_open();
    }
    return &link;
}

/* Returns the reply to a command, or NULL if there is none. */
static redisReply *redis_ask(const char *format, ...)
{
    redisContext *link = *redis_link();
    redisReply *reply;
    va_list arguments;

    if (link == NULL) {
        return NULL;
    }
    va_start(arguments, format);
    reply = redisvCommand(link, format, arguments);
    va_end(arguments);
    return reply;
}

static redisReply *redis_grant(const char *how, const char *script, const char *id,
                               const char *user)
{
    return redis_ask("%s %s 3 discount:{%s} discount:{%s}:grants user:{%s}:discounts %s %s", how,
                     script, id, id, user, id, user);
}

static void script_load(const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    size_t room = 0;
    redisReply *reply;

    if (file == NULL || getdelim(&redis.script, &room, '\0', file) < 0) {
        die("cannot read GRANT_LUA");
    }
    fclose(file);
    reply = redis_ask("SCRIPT LOAD %s", redis.script);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING || reply->len != 40) {
        die("Redis does not take the script");
    }
    memcpy(redis.script_sha, reply->str, 41);
    freeReplyObject(reply);
}

/* ---- Answers ---- */

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, char *text,
                                 enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, mode);
    enum MHD_Result result;

    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "application/json");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Takes ownership of the value. */
static enum MHD_Result send_json(struct MHD_Connection *connection, unsigned status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    return text == NULL ? MHD_NO : send_text(connection, status, text, MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_refusal(struct MHD_Connection *connection, unsigned status)
{
    static char refusal[] = "{\"granted\":false}";

    return send_text(connection, status, refusal, MHD_RESPMEM_PERSISTENT);
}

/* ---- The handlers ---- */

static enum MHD_Result create(struct MHD_Connection *connection, const struct request *request)
{
    json_t *body = json_loadb(request->body, request->size, 0, NULL);
    const char *brand, *code;
    json_int_t total;
    uuid_t random;
    char id[41] = "dsc-";
    redisReply *reply;

    if (json_unpack(body, "{s:s, s:s, s:I}", "brand_id", &brand, "discount_code", &code,
                    "total_count", &total) != 0) {
        json_decref(body);
        return send_refusal(connection, UNPROCESSABLE);
    }
    uuid_generate_random(random);
    uuid_unparse_lower(random, id + 4);
    reply = redis_ask("HSET discount:{%s} brand_id %s discount_code %s total_count %lld", id, brand,
                      code, (long long)total);
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        freeReplyObject(reply);
        json_decref(body);
        return send_refusal(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    }
    freeReplyObject(reply);
    json_object_set_new(body, "id", json_string(id));
    return send_json(connection, MHD_HTTP_CREATED, body);
}

/* Takes ownership of the script's reply. */
static enum MHD_Result grant_done(struct MHD_Connection *connection, redisReply *reply,
                                  const char *id, const char *user)
{
    enum MHD_Result result;
    unsigned status;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        freeReplyObject(reply);
        return send_refusal(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    }
    status = (unsigned)reply->element[0]->integer;
    if (status != MHD_HTTP_CREATED && status != MHD_HTTP_OK) {
        freeReplyObject(reply);
        return send_refusal(connection, status);
    }
    result = send_json(connection, status,
                       json_pack("{s:s, s:s, s:b, s:s, s:s}", "discount_code",
                                 reply->element[2]->str, "discount_id", id, "granted", 1,
                                 "granted_at", reply->element[1]->str, "user_id", user));
    freeReplyObject(reply);
    return result;
}

static enum MHD_Result grant(struct MHD_Connection *connection, const struct request *request,
                             const char *id)
{
    json_t *body = json_loadb(request->body, request->size, 0, NULL);
    enum MHD_Result result;
    redisReply *reply;
    const char *user;

    if (json_unpack(body, "{s:s}", "user_id", &user) != 0) {
        json_decref(body);
        return send_refusal(connection, UNPROCESSABLE);
    }
    reply = redis_grant("EVALSHA", redis.script_sha, id, user);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR &&
        strncmp(reply->str, "NOSCRIPT", 8) == 0) {
        freeReplyObject(reply);
        reply = redis_grant("EVAL", redis.script, id, user);
    }
    result = grant_done(connection, reply, id, user);
    json_decref(body);
    return result;
}

static enum MHD_Result get(struct MHD_Connection *connection, const char *id)
{
    redisReply *total = redis_ask("HGET discount:{%s} total_count", id);
    redisReply *granted = redis_ask("ZCARD discount:{%s}:grants", id);
    enum MHD_Result result;

    if (total == NULL || granted == NULL || granted->type != REDIS_REPLY_INTEGER) {
        result = send_refusal(connection, MHD_HTTP_SERVICE_UNAVAILABLE);
    } else if (total->type != REDIS_REPLY_STRING) {
        result = send_refusal(connection, MHD_HTTP_NOT_FOUND);
    } else {
        result =
            send_json(connection, MHD_HTTP_OK,
                      json_pack("{s:I, s:s, s:I}", "granted_count", (json_int_t)granted->integer,
                                "id", id, "total_count", (json_int_t)atoll(total->str)));
    }
    freeReplyObject(total);
    freeReplyObject(granted);
    return result;
}

static enum MHD_Result route(struct MHD_Connection *connection, const char *url, const char *method,
                             const struct request *request)
{
    bool is_post = strcmp(method, "POST") == 0;
    static char ok[] = "OK";
    char id[64];
    int end = 0;

    if (strcmp(url, "/healthy") == 0) {
        return send_text(connection, MHD_HTTP_OK, ok, MHD_RESPMEM_PERSISTENT);
    }
    if (strcmp(url, "/discount") == 0 && is_post) {
        return create(connection, request);
    }
    if (sscanf(url, "/discount/%63[^/]%n", id, &end) == 1) {
        if (strcmp(url + end, "/grant") == 0 && is_post) {
            return grant(connection, request, id);
        }
        if (url[end] == '\0' && !is_post) {
            return get(connection, id);
        }
    }
    return send_refusal(connection, MHD_HTTP_NOT_FOUND);
}

/* ---- libmicrohttpd ---- */

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **state)
{
    struct request *request = *state;

    (void)cls;
    (void)version;
    if (request == NULL) {
        request = malloc(sizeof(*request));
        *state = request;
        if (request == NULL) {
            return MHD_NO;
        }
        request->size = 0;
        return MHD_YES;
    }
    if (*body_size > 0) {
        if (*body_size > BODY_MOST - request->size) {
            return MHD_NO;
        }
        memcpy(request->body + request->size, body, *body_size);
        request->size += *body_size;
        *body_size = 0;
        return MHD_YES;
    }
    return route(connection, url, method, request);
}

static void completed(void *cls, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)connection;
    (void)why;
    free(*state);
    *state = NULL;
}

int main(void)
{
    const char *port = getenv("PORT"), *url = getenv("REDIS_URL"), *threads = getenv("THREADS");
    struct MHD_Daemon *daemon;
    sigset_t ends;
    int which;

    if (port == NULL || url == NULL ||
        sscanf(url, "redis://%63[^:]:%d", redis.host, &redis.port) != 2) {
        die("needs PORT and REDIS_URL=redis://HOST:PORT");
    }
    signal(SIGPIPE, SIG_IGN);
    script_load(getenv("GRANT_LUA"));
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)atoi(port), NULL, NULL, answer, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)(threads == NULL ? 32 : atoi(threads)), MHD_OPTION_CONNECTION_LIMIT, 16384U,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (daemon == NULL) {
        die("cannot listen");
    }
    sigwait(&ends, &which);
    MHD_stop_daemon(daemon);
    free(redis.script);
    return 0;
}
