#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a command that gets a NULL reply has an error in its context, and a connection given up is reported as lost.
# What happens: after redisAsyncFree the pending callbacks get NULL with err 0, and the disconnect callback gets REDIS_OK.
# Why it matters: giving up a hung Redis is the usual time-out, and code that asks err first takes it for a clean end.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libhiredis0.14=0.14.1-3 libhiredis-dev=0.14.1-3
program free libhiredis.so.0.14 <<'C'
#include <arpa/inet.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <sys/socket.h>

static void ignore(void *data) { (void)data; }

static void answered(redisAsyncContext *context, void *reply, void *data) {
    printf("%s: reply %s, err %d, text \"%s\"\n", (char *)data, reply ? "there" : "NULL", context->err, context->errstr);
}

static void connected(const redisAsyncContext *context, int status) {
    (void)context;
    printf("connected: %s\n", status == REDIS_OK ? "REDIS_OK" : "REDIS_ERR");
}

static void disconnected(const redisAsyncContext *context, int status) {
    printf("disconnected: %s, err %d\n", status == REDIS_OK ? "REDIS_OK" : "REDIS_ERR", context->err);
}

int main(void) {
    /* A server that takes connections and never answers. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(silent, (struct sockaddr *)&address, length) || listen(silent, 8) ||
        getsockname(silent, (struct sockaddr *)&address, &length)) return 1;

    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", ntohs(address.sin_port));
    if (!context || context->err) return 1;
    context->ev.addRead = context->ev.delRead = context->ev.addWrite = context->ev.delWrite = context->ev.cleanup = ignore;
    redisAsyncSetConnectCallback(context, connected);
    redisAsyncSetDisconnectCallback(context, disconnected);
    printf("hiredis %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    redisAsyncCommand(context, answered, "written", "INCR a");
    redisAsyncHandleWrite(context);
    redisAsyncHandleWrite(context);
    redisAsyncCommand(context, answered, "never written", "INCR b");
    printf("bytes of it still here: %zu\n", sdslen(context->c.obuf));
    redisAsyncFree(context);
    return 0;
}
C
observe "$(cat <<'T'
hiredis 0.14.1
connected: REDIS_OK
bytes of it still here: 21
written: reply NULL, err 0, text ""
never written: reply NULL, err 0, text ""
disconnected: REDIS_OK, err 0
T
)" "$("$temp/free")"
