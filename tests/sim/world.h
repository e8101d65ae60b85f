/* SPDX-License-Identifier: MIT */
/* One worker under control of the test: the real server and store, with a fake store as backend and
 * a virtual clock. The loop makes a turn when it is told to, in the order of worker.c. All on one
 * thread. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/metrics.h"
#include "http/server.h"
#include "sim/fake_store.h"

struct world_options {
    bool is_tcp;     /* otherwise local sockets: there the kernel acts only when we do, so nothing
                        depends on time */
    int unsent_most; /* size of the kernel's buffer for answers; 0: as usual */
    unsigned connections; /* this and the following: as in server.h and store.h */
    size_t in_flight;
    uint64_t store_deadline_ms, client_deadline_ms;
};

struct world {
    struct world_options options;
    struct fake_store fake;
    struct store *store;
    struct server *server;
    bool is_draining, is_closed;
    bool was_full; /* all its connections were in use at some time */

    /* Private. */
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

/* Returns a connected, non-blocking socket; -1 if the listener refuses. */
int world_connect(const struct world *world);

/* Makes one turn of the loop, without waiting. */
void world_turn(struct world *world);
/* Returns whether the loop would turn again without an event. */
bool world_is_busy(const struct world *world);

void world_drain(struct world *world, uint64_t grace_ms);

/* Call this after it is closed, as a drained server is at the end of its turn. Nothing may be left
 * open. */
void world_check_end(struct world *world);

#endif
