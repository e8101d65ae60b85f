#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: MHD_resume_connection makes the daemon's epoll descriptor readable, or MHD_get_timeout 0, so that it is run.
# What happens: with an event loop of one's own neither changes. Only a call of MHD_run, unasked, serves the resumed request.
# Why it matters: the request then waits for some other client's packet: fast under load, for ever when it is alone.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libmicrohttpd12=0.9.75-6 libmicrohttpd-dev=0.9.75-6
program resume libmicrohttpd.so.12 <<'C'
#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct MHD_Connection *suspended;

static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *length, void **seen) {
    (void)closure; (void)url; (void)method; (void)version; (void)data; (void)length;
    if (!*seen) {
        *seen = &suspended;
        return MHD_YES;
    }
    if (!suspended) {
        MHD_suspend_connection(suspended = connection);
        return MHD_YES;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(2, "ok", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

static int readable(int fd, int milliseconds) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, milliseconds) == 1;
}

int main(void) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, NULL,
                                                 MHD_OPTION_END);
    MHD_UNSIGNED_LONG_LONG timeout = 12345;
    if (!daemon) return 1;
    int epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&address, sizeof address) ||
        write(client, request, sizeof request - 1) < 0) return 1;
    for (int i = 0; i < 1000 && !suspended; i++)
        if (MHD_get_timeout(daemon, &timeout) == MHD_YES || readable(epoll, 10)) MHD_run(daemon);
    /* Until the daemon has nothing more to do. */
    while (MHD_get_timeout(daemon, &timeout) == MHD_YES || readable(epoll, 100)) MHD_run(daemon);
    printf("libmicrohttpd %s\n", MHD_get_version());
    printf("suspended: %s\n", suspended ? "yes" : "no");
    MHD_resume_connection(suspended);
    printf("resumed: MHD_get_timeout %s\n", MHD_get_timeout(daemon, &timeout) == MHD_YES ? "MHD_YES" : "MHD_NO");
    printf("the epoll descriptor is readable within half a second: %s\n", readable(epoll, 500) ? "yes" : "no");
    MHD_run(daemon);
    printf("after MHD_run: MHD_get_timeout %s", MHD_get_timeout(daemon, &timeout) == MHD_YES ? "MHD_YES" : "MHD_NO");
    for (int i = 0; i < 100 && !readable(client, 0); i++)
        if (MHD_get_timeout(daemon, &timeout) == MHD_YES || readable(epoll, 10)) MHD_run(daemon);
    printf(", the client is answered: %s\n", readable(client, 0) ? "yes" : "no");
    MHD_stop_daemon(daemon);
    return 0;
}
C
observe "$(cat <<'T'
libmicrohttpd 0.9.75
suspended: yes
resumed: MHD_get_timeout MHD_NO
the epoll descriptor is readable within half a second: no
after MHD_run: MHD_get_timeout MHD_YES, the client is answered: yes
T
)" "$("$temp/resume")"
