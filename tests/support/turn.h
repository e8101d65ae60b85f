/* SPDX-License-Identifier: MIT */
/* One worker without its server: a loop and a store on it, turned as worker.c turns them, with
 * deliver and flush after each poll. A turn belongs to one thread, any. */
#ifndef SUPPORT_TURN_H
#define SUPPORT_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/store.h"

struct turn {
    uv_loop_t loop;
    struct store *store; /* owned */

    /* Its own. */
    uv_check_t after_poll;
    uv_idle_t no_wait;
    uv_timer_t deadline;
    bool (*condition)(void *argument);
    void *argument;
    bool holds;
};

/* Opens a store on the engine, which is borrowed, and starts to connect. False without memory. */
bool turn_open(struct turn *turn, struct store_engine *engine, struct store_limits limits);

/* Turns until the condition holds, which is looked at first before the first turn and then at the
 * end of each; false when the time is over and it does not hold yet. */
bool turn_until(struct turn *turn, bool (*condition)(void *argument), void *argument,
                int64_t within_ms);
/* Turns until the store is ready, or is not. */
bool turn_until_ready(struct turn *turn, int64_t within_ms);
bool turn_until_not_ready(struct turn *turn, int64_t within_ms);

/* Closes the store, delivers, turns until every handle is closed and frees it. False when handles
 * are left when the time is over; nothing is freed then. */
bool turn_close(struct turn *turn, int64_t within_ms);

#endif
