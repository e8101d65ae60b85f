/* SPDX-License-Identifier: MIT */
/* A worker is one thread with its own listening socket, loop, server and store. Workers share
 * nothing. */
#ifndef SERVICE_WORKER_H
#define SERVICE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "discount/request.h"
#include "service/config.h"

struct worker;

/* Prepares a worker and starts its thread. `fd` is bound but does not listen yet; the worker owns
 * it from now on. It listens when the store is ready, or else after DISCOUNT_DEADLINE_MS. Until
 * then a load balancer finds a closed port instead of a failing replica. Returns NULL without
 * memory or descriptors. Config, engine, board and routes outlive the worker. */
struct worker *worker_start(const struct config *config, struct store_engine *engine,
                            struct metrics_board *board, const struct route *routes,
                            size_t route_count, int fd);

/* Tells the worker to drain: it takes no new connections, answers every request that came, and
 * ends. Any thread; returns at once. */
void worker_stop(struct worker *worker);

/* Waits until the worker has ended, and frees it. */
void worker_join(struct worker *worker);

#endif
