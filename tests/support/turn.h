/* SPDX-License-Identifier: MIT */
/* A worker without a server: a loop with a store on it. As in worker.c, each poll is followed by
 * deliver and flush. Each turn object belongs to one thread, which may be any. */
#ifndef SUPPORT_TURN_H
#define SUPPORT_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/store.h"

struct turn {
    uv_loop_t loop;
    struct store *store; /* owned */

    /* Private. */
    uv_check_t after_poll;
    uv_idle_t no_wait;
    uv_timer_t deadline;
    bool (*condition)(void *argument);
    void *argument;
    bool holds;
};

/* Opens a store on the engine, which is borrowed, and begins to connect. Returns false without
 * memory. */
bool turn_open(struct turn *turn, struct store_engine *engine, struct store_limits limits);

/* Runs the loop until the condition holds. The condition is checked before the first turn and after
 * each. Returns false if it does not hold when the time is over. */
bool turn_until(struct turn *turn, bool (*condition)(void *argument), void *argument,
                int64_t within_ms);
/* Run the loop until the store is ready, or until it is not. They return false after the time is
 * over. */
bool turn_until_ready(struct turn *turn, int64_t within_ms);
bool turn_until_not_ready(struct turn *turn, int64_t within_ms);

/* Closes the store, delivers, runs the loop until every handle is closed, and frees the store. If
 * handles are left when the time is over, it frees nothing and returns false. */
bool turn_close(struct turn *turn, int64_t within_ms);

#endif
