/* SPDX-License-Identifier: MIT */
#include "support/redis_server.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/directory.h"
#include "support/loopback.h"
#include "support/need.h"
#include "support/process.h"
#include "support/test.h"

#define ARGUMENTS 64
#define ATTEMPTS 20
#define COMMAND_TIMEOUT_S 10

extern char **environ;

struct redis_server {
    struct redis_server *next; /* next in `running` */
    char *program;
    char *options[ARGUMENTS]; /* owned, ends with NULL */
    const char *password;     /* one of the options, or NULL */
    struct directory directory;
    char url[320];
    int port;
    pid_t pid; /* 0: it is not running */
    redisContext *client;
    char *text; /* reply to the last command */
};

/* The servers that are not stopped yet. They are stopped if a test ends before it stops its own. */
static struct redis_server *running;

/* ---- The process ---- */

static void launch(struct redis_server *server)
{
    char port[8], log[64];
    char *arguments[ARGUMENTS + 16] = {
        server->program,        "--port", port, "--bind",    "127.0.0.1", "--dir",
        server->directory.path, "--save", "",   "--logfile", "redis.log"};
    size_t count = 11;
    int output;

    snprintf(port, sizeof(port), "%d", server->port);
    snprintf(log, sizeof(log), "%s/start.log", server->directory.path);
    for (size_t i = 0; server->options[i] != NULL; i++) {
        arguments[count++] = server->options[i];
    }
    output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(output >= 0);
    server->pid = process_start(server->program, arguments, environ, output);
    close(output);
    assert_true(server->pid > 0);
}

static void client_drop(struct redis_server *server)
{
    if (server->client != NULL) {
        redisFree(server->client);
        server->client = NULL;
    }
}

/* Opens a connection and logs in. Returns false while that fails. */
static bool client_connect(struct redis_server *server)
{
    const struct timeval timeout = {.tv_sec = COMMAND_TIMEOUT_S};

    if (server->client != NULL && server->client->err == 0) {
        return true;
    }
    client_drop(server);
    server->client = redisConnectWithTimeout("127.0.0.1", server->port, timeout);
    if (server->client == NULL || server->client->err != 0) {
        client_drop(server);
        return false;
    }
    redisSetTimeout(server->client, timeout);
    if (server->password != NULL) {
        freeReplyObject(redisCommand(server->client, "AUTH %s", server->password));
    }
    return true;
}

/* Returns whether this server answers, and not another process's on the same port. */
static bool answers(void *argument)
{
    struct redis_server *server = argument;
    char ours[32];

    if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
        server->pid = 0;
        return true; /* it has ended, so waiting is useless */
    }
    snprintf(ours, sizeof(ours), "process_id:%d\r", (int)server->pid);
    return client_connect(server) && strcmp(redis_server_command(server, "PING"), "PONG") == 0 &&
           strstr(redis_server_command(server, "INFO server"), ours) != NULL;
}

static void dispose(struct redis_server *server)
{
    for (struct redis_server **at = &running; *at != NULL; at = &(*at)->next) {
        if (*at == server) {
            *at = server->next;
            break;
        }
    }
    client_drop(server);
    if (server->pid > 0) {
        process_kill(server->pid);
    }
    directory_remove(&server->directory);
    for (size_t i = 0; server->options[i] != NULL; i++) {
        free(server->options[i]);
    }
    free(server->program);
    free(server->text);
    free(server);
}

static void dispose_all(void)
{
    while (running != NULL) {
        dispose(running);
    }
}

/* ---- Start and stop ---- */

static void options_take(struct redis_server *server, const char *const *options)
{
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        assert_true(i + 1 < ARGUMENTS);
        server->options[i] = strdup(options[i]);
        assert_non_null(server->options[i]);
        if (i > 0 && strcmp(options[i - 1], "--requirepass") == 0) {
            server->password = server->options[i];
        }
    }
}

static struct redis_server *server_new(const char *const *options)
{
    static bool is_registered;
    const char *program = need_program("redis-server");
    struct redis_server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    if (!is_registered) {
        assert_int_equal(atexit(dispose_all), 0);
        is_registered = true;
    }
    directory_make(&server->directory);
    server->next = running;
    running = server;
    server->program = strdup(program);
    assert_non_null(server->program);
    options_take(server, options);
    return server;
}

struct redis_server *redis_server_start(const char *const *options)
{
    struct redis_server *server = server_new(options);

    for (int i = 0; i < ATTEMPTS; i++) {
        server->port = loopback_free_port();
        launch(server);
        assert_true(clock_wait(answers, server, CLOCK_PATIENCE_MS));
        if (server->pid > 0) {
            snprintf(server->url, sizeof(server->url), "redis://%s%s%s127.0.0.1:%d",
                     server->password == NULL ? "" : ":",
                     server->password == NULL ? "" : server->password,
                     server->password == NULL ? "" : "@", server->port);
            return server;
        }
        /* It has ended: another process took the port first. */
    }
    fail_msg("redis-server does not start; see its options");
    return NULL;
}

void redis_server_stop(struct redis_server *server)
{
    if (server != NULL) {
        dispose(server);
    }
}

void redis_server_kill(struct redis_server *server)
{
    client_drop(server);
    process_kill(server->pid);
    server->pid = 0;
}

void redis_server_relaunch(struct redis_server *server)
{
    assert_int_equal(server->pid, 0);
    launch(server);
}

void redis_server_restart(struct redis_server *server)
{
    redis_server_relaunch(server);
    assert_true(clock_wait(answers, server, CLOCK_PATIENCE_MS));
    assert_true(server->pid > 0);
}

void redis_server_freeze(struct redis_server *server)
{
    int status = 0;

    assert_int_equal(kill(server->pid, SIGSTOP), 0);
    assert_int_equal(waitpid(server->pid, &status, WUNTRACED), server->pid);
    assert_true(WIFSTOPPED(status));
}

void redis_server_thaw(struct redis_server *server)
{
    assert_int_equal(kill(server->pid, SIGCONT), 0);
}

int redis_server_port(const struct redis_server *server)
{
    return server->port;
}

const char *redis_server_url(const struct redis_server *server)
{
    return server->url;
}

/* ---- Commands ---- */

static void reply_print(FILE *to, const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        fprintf(to, "%lld", reply->integer);
        break;
    case REDIS_REPLY_NIL:
        fputs("(nil)", to);
        break;
    case REDIS_REPLY_ERROR:
        fprintf(to, "(error) %s", reply->str);
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < reply->elements; i++) {
            fputs(i > 0 ? "\n" : "", to);
            reply_print(to, reply->element[i]);
        }
        break;
    default:
        fwrite(reply->str, 1, (size_t)reply->len, to);
    }
}

const char *redis_server_command(struct redis_server *server, const char *format, ...)
{
    redisReply *reply = NULL;
    size_t size = 0;
    va_list arguments;
    FILE *to;

    free(server->text);
    server->text = NULL;
    to = open_memstream(&server->text, &size);
    assert_non_null(to);
    if (client_connect(server)) {
        va_start(arguments, format);
        reply = redisvCommand(server->client, format, arguments);
        va_end(arguments);
    }
    if (reply == NULL) {
        fputs("(no answer)", to);
    } else {
        reply_print(to, reply);
        freeReplyObject(reply);
    }
    fclose(to);
    assert_non_null(server->text);
    return server->text;
}
