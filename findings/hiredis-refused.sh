#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: the disconnect callback is where every asynchronous connection ends, so reconnecting belongs there.
# What happens: after a refused connection it is never called. The connect callback is told, then the commands, then all is freed.
# Why it matters: a client that connects again only in its disconnect callback stays away after the first refusal.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libhiredis0.14=0.14.1-3 libhiredis-dev=0.14.1-3
program refused libhiredis.so.0.14 <<'C'
#include <arpa/inet.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

static int freed;

static void ignore(void *data) { (void)data; }
static void cleanup(void *data) { (void)data; freed = 1; printf("cleanup: the context is being freed\n"); }

static void answered(redisAsyncContext *context, void *reply, void *data) {
    (void)data;
    printf("command: reply %s, \"%s\"\n", reply ? "there" : "NULL", context->errstr);
}

static void connected(const redisAsyncContext *context, int status) {
    printf("connect callback: %s, \"%s\"\n", status == REDIS_OK ? "REDIS_OK" : "REDIS_ERR", context->errstr);
}

static int disconnects;
static void disconnected(const redisAsyncContext *context, int status) { (void)context; (void)status; disconnects++; }

int main(void) {
    /* A port that is taken and not listened on. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(taken, (struct sockaddr *)&address, length) || getsockname(taken, (struct sockaddr *)&address, &length)) return 1;

    printf("hiredis %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", ntohs(address.sin_port));
    if (!context || context->err) return 1;
    context->ev.data = context;
    context->ev.addRead = context->ev.delRead = context->ev.addWrite = context->ev.delWrite = ignore;
    context->ev.cleanup = cleanup;
    redisAsyncSetConnectCallback(context, connected);
    redisAsyncSetDisconnectCallback(context, disconnected);
    redisAsyncCommand(context, answered, NULL, "PING");
    struct pollfd ready = {.fd = context->c.fd, .events = POLLOUT};
    while (!freed && poll(&ready, 1, 5000) == 1) redisAsyncHandleWrite(context);
    printf("calls of the disconnect callback: %d\n", disconnects);
    return 0;
}
C
observe "$(cat <<'T'
hiredis 0.14.1
connect callback: REDIS_ERR, "Connection refused"
command: reply NULL, "Connection refused"
cleanup: the context is being freed
calls of the disconnect callback: 0
T
)" "$("$temp/refused")"
