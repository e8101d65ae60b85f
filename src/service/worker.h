/* SPDX-License-Identifier: MIT */
/* A worker: one thread with a listening socket, loop, server and store of its own. Workers share
 * nothing. */
#ifndef SERVICE_WORKER_H
#define SERVICE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "discount/request.h"
#include "service/config.h"

struct worker;

/* Prepares a worker and starts its thread. `fd` is bound but does not listen yet, and belongs to
 * the worker from now on: it listens once the store is ready, or after DISCOUNT_DEADLINE_MS in
 * vain, so that a balancer finds a refusing port and not a failing replica. NULL without memory or
 * descriptors. Config, engine, board and routes outlive the worker. */
struct worker *worker_start(const struct config *config, struct store_engine *engine,
                            struct metrics_board *board, const struct route *routes,
                            size_t route_count, int fd);

/* Tells the worker to drain: no new connections, answers to everything that came, and the end. Any
 * thread; returns at once. */
void worker_stop(struct worker *worker);

/* Waits until the worker has ended, and frees it. */
void worker_join(struct worker *worker);

#endif
