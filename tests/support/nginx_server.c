/* SPDX-License-Identifier: MIT */
#include "support/nginx_server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/directory.h"
#include "support/loopback.h"
#include "support/need.h"
#include "support/process.h"
#include "support/test.h"

#define ATTEMPTS 20
#define CONFIGURATION 65536

extern char **environ;

struct nginx_server {
    struct nginx_server *next; /* next in `running` */
    struct directory directory;
    int port;
    int output; /* a file in memory; the child writes its output there */
    pid_t pid;  /* 0: it has ended */
    char *log;  /* owned; the output as last read */
};

/* The servers that are not stopped yet. They are killed if a test ends before it stops its own. */
static struct nginx_server *running;

/* ---- The configuration ---- */

/* Replaces every `was` by `now`. There must be at least one. */
static void replace(char text[CONFIGURATION], const char *was, const char *now)
{
    size_t before = strlen(was), after = strlen(now);
    char *at = strstr(text, was);

    if (at == NULL) {
        fail_msg("nginx.conf has no \"%s\" any more", was);
    }
    for (; at != NULL; at = strstr(at + after, was)) {
        assert_true(strlen(text) + after < CONFIGURATION + before);
        memmove(at + after, at + before, strlen(at + before) + 1);
        memcpy(at, now, after);
    }
}

/* Debian 12's nginx does not know `resolve`, and there is no DNS of Docker. So the service's
 * address replaces the replicas. */
static void configuration_write(const struct nginx_server *server, int upstream_port,
                                const char *ret_path)
{
    static char text[CONFIGURATION];
    const char *from = getenv("NGINX_CONF");
    char value[128];
    FILE *file;

    if (from == NULL) {
        fail_msg("the environment variable NGINX_CONF must name the configuration");
    }
    file = fopen(from, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    snprintf(value, sizeof(value), "server 127.0.0.1:%d max_fails", upstream_port);
    replace(text, "server app:8080 resolve max_fails", value);
    snprintf(value, sizeof(value), "listen 127.0.0.1:%d ", server->port);
    replace(text, "listen 8080 ", value);
    snprintf(value, sizeof(value), "%s/", server->directory.path);
    replace(text, "/tmp/", value);
    file = fopen(ret_path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- The process ---- */

static void launch(struct nginx_server *server, const char *program, int upstream_port)
{
    char path[64];
    /* nginx runs as one process, which dies with the test: a worker would outlive a killed master.
     * */
    char *arguments[] = {"nginx", "-p", server->directory.path, "-c", path, "-e", "stderr", "-g",
                         NULL,    NULL};
    static char modes[] = "daemon off; master_process off;";

    arguments[8] = modes;
    server->port = loopback_free_port();
    snprintf(path, sizeof(path), "%s/nginx.conf", server->directory.path);
    configuration_write(server, upstream_port, path);
    assert_int_equal(ftruncate(server->output, 0), 0);
    server->pid = process_start(program, arguments, environ, server->output);
    assert_true(server->pid > 0);
}

/* Returns whether it accepts connections, or has ended. */
static bool is_settled(void *argument)
{
    struct nginx_server *server = argument;
    int status, fd;

    if (process_wait(server->pid, 0, &status)) {
        server->pid = 0;
        return true;
    }
    if (strstr(nginx_server_log(server), "bind() to") != NULL) {
        process_kill(server->pid);
        server->pid = 0;
        return true;
    }
    fd = loopback_connect(server->port);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void dispose_all(void)
{
    while (running != NULL) {
        nginx_server_stop(running);
    }
}

static struct nginx_server *server_new(void)
{
    static bool is_registered;
    struct nginx_server *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    if (!is_registered) {
        assert_int_equal(atexit(dispose_all), 0);
        is_registered = true;
    }
    directory_make(&server->directory);
    server->output = memfd_create("nginx.log", MFD_CLOEXEC);
    assert_true(server->output >= 0);
    server->next = running;
    running = server;
    return server;
}

struct nginx_server *nginx_server_start(int upstream_port)
{
    const char *program = need_program("nginx");
    struct nginx_server *server = server_new();

    for (int i = 0; i < ATTEMPTS; i++) {
        launch(server, program, upstream_port);
        assert_true(clock_wait(is_settled, server, CLOCK_PATIENCE_MS));
        if (server->pid > 0) {
            return server;
        }
        if (strstr(nginx_server_log(server), "bind() to") == NULL) {
            break;
        }
        /* Another process took the port first. */
    }
    fail_msg("nginx does not start:\n%s", nginx_server_log(server));
    return NULL;
}

void nginx_server_stop(struct nginx_server *server)
{
    if (server == NULL) {
        return;
    }
    for (struct nginx_server **at = &running; *at != NULL; at = &(*at)->next) {
        if (*at == server) {
            *at = server->next;
            break;
        }
    }
    if (server->pid > 0) {
        process_kill(server->pid);
    }
    directory_remove(&server->directory);
    close(server->output);
    free(server->log);
    free(server);
}

int nginx_server_port(const struct nginx_server *server)
{
    return server->port;
}

const char *nginx_server_log(struct nginx_server *server)
{
    struct stat about;
    ssize_t n;

    assert_int_equal(fstat(server->output, &about), 0);
    free(server->log);
    server->log = calloc(1, (size_t)about.st_size + 1);
    assert_non_null(server->log);
    n = pread(server->output, server->log, (size_t)about.st_size, 0);
    assert_true(n >= 0);
    return server->log;
}
