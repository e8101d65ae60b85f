#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: redisReconnect gives back the connection as it was configured.
# What happens: the time-out of redisSetTimeout is gone, so the next command on a hung Redis waits for ever.
# Why it matters: the time-out is lost just when it was needed once, and nothing says so.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libhiredis0.14=0.14.1-3 libhiredis-dev=0.14.1-3
program reconnect libhiredis.so.0.14 <<'C'
#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static void show(const char *when, redisContext *context) {
    struct timeval limit = {0};
    socklen_t length = sizeof limit;
    getsockopt(context->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &length);
    printf("%s: the time-out is %ld ms\n", when, limit.tv_sec * 1000L + limit.tv_usec / 1000);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(silent, (struct sockaddr *)&address, length) || listen(silent, 8) ||
        getsockname(silent, (struct sockaddr *)&address, &length)) return 1;

    printf("hiredis %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    redisContext *context = redisConnect("127.0.0.1", ntohs(address.sin_port));
    if (!context || context->err || redisSetTimeout(context, (struct timeval){.tv_usec = 200000})) return 1;
    show("redisSetTimeout", context);
    void *reply = redisCommand(context, "PING");
    printf("a command on a hung Redis: reply %s, err %d (1 is REDIS_ERR_IO), \"%s\"\n", reply ? "there" : "NULL", context->err,
           context->errstr);
    printf("redisReconnect: %d\n", redisReconnect(context));
    show("redisReconnect", context);
    redisFree(context);
    return 0;
}
C
observe "$(cat <<'T'
hiredis 0.14.1
redisSetTimeout: the time-out is 200 ms
a command on a hung Redis: reply NULL, err 1 (1 is REDIS_ERR_IO), "Resource temporarily unavailable"
redisReconnect: 0
redisReconnect: the time-out is 0 ms
T
)" "$("$temp/reconnect")"
