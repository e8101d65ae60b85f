#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: at its connection limit a daemon takes the next client as soon as a connection has ended.
# What happens: with an event loop of one's own it stays deaf. The call of MHD_run that frees the place does not listen again.
# Why it matters: after a full house the service refuses to see clients while it is idle, until MHD_run is called unasked.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libmicrohttpd12=0.9.75-6 libmicrohttpd-dev=0.9.75-6
program deaf libmicrohttpd.so.12 <<'C'
#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct MHD_Daemon *server;
static int epoll;

static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *length, void **seen) {
    (void)closure; (void)connection; (void)url; (void)method; (void)version; (void)data; (void)length; (void)seen;
    return MHD_NO;
}

static unsigned connections(void) {
    return MHD_get_daemon_info(server, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

/* What an event loop does: runs the daemon when it asks for that, until it has asked for nothing for half a second. */
static void loop(void) {
    MHD_UNSIGNED_LONG_LONG timeout;
    struct pollfd ready = {.fd = epoll, .events = POLLIN};
    while (MHD_get_timeout(server, &timeout) == MHD_YES || poll(&ready, 1, 500) == 1) MHD_run(server);
}

int main(void) {
    server = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, NULL, MHD_OPTION_CONNECTION_LIMIT, 1, MHD_OPTION_END);
    if (!server) return 1;
    epoll = MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port)};
    int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
    printf("libmicrohttpd %s, connection limit 1\n", MHD_get_version());
    if (connect(first, (struct sockaddr *)&address, sizeof address)) return 1;
    loop();
    if (connect(second, (struct sockaddr *)&address, sizeof address)) return 1;
    loop();
    printf("two clients connected: the daemon has %u\n", connections());
    close(first);
    loop();
    printf("the first has gone, the second waits: the daemon has %u\n", connections());
    MHD_run(server);
    loop();
    printf("after MHD_run, which nothing asked for: the daemon has %u\n", connections());
    MHD_stop_daemon(server);
    return 0;
}
C
observe "$(cat <<'T'
libmicrohttpd 0.9.75, connection limit 1
two clients connected: the daemon has 1
the first has gone, the second waits: the daemon has 0
after MHD_run, which nothing asked for: the daemon has 1
T
)" "$("$temp/deaf")"
