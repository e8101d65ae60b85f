/* SPDX-License-Identifier: MIT */
/* The ceiling of every server that uses libmicrohttpd. One thread with epoll reads each request
 * completely and answers with a constant, as long as a grant. No store, no JSON, no memory.
 *
 *   PORT=8080 ceiling      until a signal ends it */
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

/* The same as discountd's; it is faster than the default of 32 KiB. */
#define CONNECTION_MEMORY 8192
/* A daemon at its limit accepts no connection, and may not yet know of those that have ended. */
#define CONNECTIONS_MOST 16384

static const char GRANT[] =
    "{\"discount_code\":\"bench\",\"discount_id\":\"dsc-AAAAAAAAAAAAAAAAAAAAAA\",\"granted\":true,"
    "\"granted_at\":\"2020-11-26T10:27:57.202420Z\",\"user_id\":\"000000001-1606386477-1\"}\n";
static const char DISCOUNT[] =
    "{\"granted_count\":0,\"id\":\"dsc-AAAAAAAAAAAAAAAAAAAAAA\",\"total_count\":1}\n";

struct answers {
    struct MHD_Response *discount, *grant, *healthy;
};

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **state)
{
    static char seen;
    const struct answers *answers = cls;

    (void)version; /* any version is treated in the same way */
    (void)body;    /* the body is read but not used */
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    if (*body_size > 0) {
        *body_size = 0;
        return MHD_YES;
    }
    if (strcmp(url, "/healthy") == 0) {
        return MHD_queue_response(connection, MHD_HTTP_OK, answers->healthy);
    }
    if (strcmp(method, "POST") != 0) {
        return MHD_queue_response(connection, MHD_HTTP_OK, answers->discount);
    }
    return MHD_queue_response(connection, MHD_HTTP_CREATED,
                              strcmp(url, "/discount") == 0 ? answers->discount : answers->grant);
}

static struct MHD_Response *constant(const char *body, const char *type)
{
    union {
        const char *text;
        void *bytes;
    } content = {.text = body}; /* libmicrohttpd does not write to it */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), content.bytes, MHD_RESPMEM_PERSISTENT);

    if (response == NULL || MHD_add_response_header(response, "Content-Type", type) == MHD_NO) {
        fprintf(stderr, "ceiling: out of memory\n");
        exit(1);
    }
    return response;
}

/* Until a signal comes. The loop is ours, as discountd's is. */
static void serve(struct MHD_Daemon *daemon, int signals)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd ready[] = {{.fd = info->epoll_fd, .events = POLLIN},
                             {.fd = signals, .events = POLLIN}};

    while (ready[1].revents == 0) {
        MHD_UNSIGNED_LONG_LONG left_ms;
        int timeout_ms = MHD_get_timeout(daemon, &left_ms) == MHD_YES ? (int)left_ms : -1;

        poll(ready, 2, timeout_ms);
        MHD_run(daemon);
    }
}

int main(void)
{
    const char *port = getenv("PORT");
    struct answers answers = {
        .discount = constant(DISCOUNT, "application/json"),
        .grant = constant(GRANT, "application/json"),
        .healthy = constant("OK", "text/plain"),
    };
    struct MHD_Daemon *daemon;
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    daemon = MHD_start_daemon(MHD_USE_EPOLL, port == NULL ? 0 : (uint16_t)atoi(port), NULL, NULL,
                              answer, &answers, MHD_OPTION_CONNECTION_LIMIT,
                              (unsigned)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                              (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "ceiling: cannot listen on port %s\n", port == NULL ? "?" : port);
        return 1;
    }
    serve(daemon, signalfd(-1, &ends, 0));
    MHD_stop_daemon(daemon);
    MHD_destroy_response(answers.discount);
    MHD_destroy_response(answers.grant);
    MHD_destroy_response(answers.healthy);
    return 0;
}
