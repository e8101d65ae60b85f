#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a GET has no body, so it can be answered in the first call of the handler like in any later one.
# What happens: a response queued in the first call gets "Connection: close" and ends the connection. In the second call it does not.
# Why it matters: the obvious handler for a GET loses keep-alive on every request, and only a count of connections shows it.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libmicrohttpd12=0.9.75-6 libmicrohttpd-dev=0.9.75-6
program first libmicrohttpd.so.12 <<'C'
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer_at;

static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *length, void **seen) {
    (void)closure; (void)url; (void)method; (void)version; (void)data; (void)length;
    int call = *seen ? 2 : 1;
    *seen = &answer_at;
    if (call < answer_at) return MHD_YES;
    struct MHD_Response *response = MHD_create_response_from_buffer(2, "ok", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

static void ask(int port, int call) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), answers = 0;
    char reply[1024] = "";
    answer_at = call;
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) return;
    for (int i = 0; i < 2; i++) {
        size_t have = 0;
        if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0) break;
        for (ssize_t got; !strstr(reply, "\r\n\r\nok") && (got = read(fd, reply + have, sizeof reply - 1 - have)) > 0;)
            reply[have += got] = '\0';
        answers += strstr(reply, "\r\n\r\nok") != NULL;
        if (i == 0)
            printf("answered in call %d: \"Connection: close\" is %s", call, strstr(reply, "Connection: close") ? "sent" : "not sent");
        memset(reply, 0, sizeof reply);
    }
    printf(", requests answered on the connection: %d of 2\n", answers);
    close(fd);
}

int main(void) {
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, handle, NULL,
                                                 MHD_OPTION_END);
    if (!daemon) return 1;
    int port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    printf("libmicrohttpd %s\n", MHD_get_version());
    ask(port, 1);
    ask(port, 2);
    MHD_stop_daemon(daemon);
    return 0;
}
C
observe "$(cat <<'T'
libmicrohttpd 0.9.75
answered in call 1: "Connection: close" is sent, requests answered on the connection: 1 of 2
answered in call 2: "Connection: close" is not sent, requests answered on the connection: 2 of 2
T
)" "$("$temp/first")"
