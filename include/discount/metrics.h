/* SPDX-License-Identifier: MIT */
/* What the workers have counted since the start. Each worker writes its own numbers and nobody
 * else's, so counting takes no lock; whoever is asked for /metrics reads those of all. A number
 * read may be a request behind another. */
#ifndef DISCOUNT_METRICS_H
#define DISCOUNT_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "discount/status.h"

/* Rows of the route table, and one more for what reached none of them. */
#define METRICS_ROUTES 32
/* The codes that are answered; see metrics_codes. */
#define METRICS_CODES 18
/* Bounds of the histogram; see metrics_bounds_us. */
#define METRICS_BOUNDS 12

struct metrics {
    atomic_uint_least64_t responses[METRICS_ROUTES][METRICS_CODES];
    atomic_uint_least64_t problems[STATUS_COUNT];
    atomic_uint_least64_t replays;
    atomic_uint_least64_t refused_from_cache; /* refused without asking the store */
    /* Requests by the time from their request line to their answer: up to each bound, and beyond.
     */
    atomic_uint_least64_t durations[METRICS_BOUNDS + 1];
    atomic_uint_least64_t duration_sum_us;
    atomic_uint_least64_t connections, requests; /* there now */
};

/* Ascending. What is not among the codes is counted as the last. */
extern const int metrics_codes[METRICS_CODES];
extern const uint64_t metrics_bounds_us[METRICS_BOUNDS];

/* Those of all workers, also of those that are still to join. */
struct metrics_board {
    struct metrics *workers; /* owned by main, which has zeroed them */
    size_t count;
    size_t joined; /* main's alone, while it starts the workers */
};

/* The metrics of one worker more, for its thread to write. On main's thread. */
struct metrics *metrics_join(struct metrics_board *board);

/* ---- For a worker's own thread ---- */

/* An answer goes out, `duration_us` after its request line came in. */
void metrics_response(struct metrics *metrics, size_t route, int code, uint64_t duration_us);
void metrics_problem(struct metrics *metrics, enum status status);
void metrics_replay(struct metrics *metrics);
/* A grant is refused by what the store said before. */
void metrics_refused_from_cache(struct metrics *metrics);
void metrics_now(struct metrics *metrics, uint64_t connections, uint64_t requests);

#endif
