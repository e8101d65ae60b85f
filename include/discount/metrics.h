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

/* X(NAME, kind, name, help): the metrics that are one number, for each worker; /metrics has their
 * sum. A counter grows by metrics_count, a gauge is set by metrics_set. */
#define METRICS_LIST(X)                                                                            \
    X(REPLAYS, counter, "discount_http_replays_total",                                             \
      "Answers that were given before: Idempotent-Replayed.")                                      \
    X(REFUSED_FROM_CACHE, counter, "discount_grants_refused_from_cache_total",                     \
      "Grants that were refused without asking the store.")                                        \
    X(CONNECTIONS, gauge, "discount_http_connections", "Clients that are connected.")              \
    X(REQUESTS, gauge, "discount_http_requests", "Requests in progress.")

enum metric {
#define METRIC_NAME(NAME, kind, name, help) METRIC_##NAME,
    METRICS_LIST(METRIC_NAME)
#undef METRIC_NAME
        METRIC_COUNT
};

struct metrics {
    atomic_uint_least64_t responses[METRICS_ROUTES][METRICS_CODES];
    atomic_uint_least64_t problems[STATUS_COUNT];
    atomic_uint_least64_t numbers[METRIC_COUNT];
    /* Requests by the time from their request line to their answer: up to each bound, and beyond.
     */
    atomic_uint_least64_t durations[METRICS_BOUNDS + 1];
    atomic_uint_least64_t duration_sum_us;
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
void metrics_count(struct metrics *metrics, enum metric counter);
void metrics_set(struct metrics *metrics, enum metric gauge, uint64_t value);

#endif
