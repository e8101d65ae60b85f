#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a timer of 1,500 ms fires 1,500 ms after uv_timer_start.
# What happens: it counts from when the loop last looked at the clock. After 2,000 ms of work in an I/O callback it fires at once.
# Why it matters: a deadline that is set by a busy worker has passed before its request is sent.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libuv1=1.44.2-1+deb12u1 libuv1-dev=1.44.2-1+deb12u1
program timer libuv.so.1 <<'C'
#include <stdio.h>
#include <time.h>
#include <uv.h>

static uv_async_t busy;
static uv_timer_t deadline;
static uint64_t began;

static void fired(uv_timer_t *timer) {
    (void)timer;
    printf("a timer of 1500 ms has fired before its time: %s\n", uv_hrtime() - began < 1500000000u ? "yes" : "no");
}

static void work(uv_async_t *async) {
    nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
    began = uv_hrtime();
    uv_timer_start(&deadline, fired, 1500, 0);
    uv_close((uv_handle_t *)async, NULL);
}

int main(void) {
    uv_loop_t *loop = uv_default_loop();
    uv_async_init(loop, &busy, work);
    uv_timer_init(loop, &deadline);
    uv_async_send(&busy);
    printf("libuv %s\n", uv_version_string());
    return uv_run(loop, UV_RUN_DEFAULT);
}
C
observe "$(cat <<'T'
libuv 1.44.2
a timer of 1500 ms has fired before its time: yes
T
)" "$("$temp/timer")"
