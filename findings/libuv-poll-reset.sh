#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: when the peer resets, a poll handle says "readable", and reading gives the last data and then ECONNRESET.
# What happens: the callback gets UV_EBADF and no event, and the handle is stopped. Yet the descriptor is open and the data can be read.
# Why it matters: the last answer of a peer that closed hard is thrown away, and the log blames a bad descriptor.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libuv1=1.44.2-1+deb12u1 libuv1-dev=1.44.2-1+deb12u1
program reset libuv.so.1 <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static int calls;

static void polled(uv_poll_t *handle, int status, int events) {
    calls++;
    printf("callback: status %s, events %d, handle active: %s\n", status ? uv_err_name(status) : "0", events,
           uv_is_active((uv_handle_t *)handle) ? "yes" : "no");
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct linger hard = {.l_onoff = 1};
    socklen_t length = sizeof address;
    char data[32] = "";
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 8) ||
        getsockname(listener, (struct sockaddr *)&address, &length) ||
        connect(client, (struct sockaddr *)&address, length)) return 1;
    int server = accept(listener, NULL, NULL);
    if (write(server, "last words", 10) != 10) return 1;
    setsockopt(server, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(server);

    uv_poll_t handle;
    printf("libuv %s\n", uv_version_string());
    if (uv_poll_init(uv_default_loop(), &handle, client) || uv_poll_start(&handle, UV_READABLE, polled)) return 1;
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    ssize_t got = read(client, data, sizeof data - 1);
    printf("calls: %d, then read() returns %zd bytes: %s\n", calls, got, data);
    return 0;
}
C
observe "$(cat <<'T'
libuv 1.44.2
callback: status EBADF, events 0, handle active: no
calls: 1, then read() returns 10 bytes: last words
T
)" "$("$temp/reset")"
