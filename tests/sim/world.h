/* SPDX-License-Identifier: MIT */
/* One worker in the hand: the real server and store on a loop that turns when it is told to, as
 * worker.c turns it, with a fake store behind and a virtual clock. All on one thread. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/metrics.h"
#include "http/server.h"
#include "sim/fake_store.h"

struct world_options {
    bool is_tcp;          /* else sockets of the local kind, whose every step is the kernel's answer
                           * to one of ours: nothing there depends on time */
    int unsent_most;      /* what the kernel holds of answers; 0: as usual */
    unsigned connections; /* the rest: as in server.h and store.h */
    size_t in_flight;
    uint64_t store_deadline_ms, client_deadline_ms;
};

struct world {
    struct world_options options;
    struct fake_store fake;
    struct store *store;
    struct server *server;
    bool is_draining, is_closed;
    bool was_full; /* it had as many connections as it may have */

    /* Its own. */
    uv_loop_t loop;
    uv_check_t after_poll;
    uv_idle_t no_wait;
    struct metrics metrics;
    struct metrics_board board;
    struct sockaddr_storage address;
    socklen_t address_size;
    uint64_t open_fds; /* at the beginning */
};

void world_open(struct world *world, struct chance *chance, const struct world_options *options);

/* A connected, non-blocking socket; -1 when the door is shut. */
int world_connect(const struct world *world);

/* One turn of the loop, without waiting. */
void world_turn(struct world *world);
/* Whether the loop would turn again without an event. */
bool world_is_busy(const struct world *world);

void world_drain(struct world *world, uint64_t grace_ms);

/* Once it is closed, which a drained server is at the end of its turn: nothing may be left. */
void world_check_end(struct world *world);

#endif
