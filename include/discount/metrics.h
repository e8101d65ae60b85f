/* SPDX-License-Identifier: MIT */
/* Counters of the workers since the start. Each worker writes only its own, so counting takes no
 * lock; the worker that answers /metrics reads those of all. Two numbers read together may differ
 * by a request. */
#ifndef DISCOUNT_METRICS_H
#define DISCOUNT_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "discount/status.h"

/* Rows of the route table, and one more for requests that match no route. */
#define METRICS_ROUTES 32
/* The number of codes that are counted; see metrics_codes. */
#define METRICS_CODES 18
/* The number of bounds of the histogram; see metrics_bounds_us. */
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
    /* Requests by the time from request line to answer: one bucket up to each bound, and one
     * above. */
    atomic_uint_least64_t durations[METRICS_BOUNDS + 1];
    atomic_uint_least64_t duration_sum_us;
};

/* Ascending. A code that is not listed counts as the last one. */
extern const int metrics_codes[METRICS_CODES];
extern const uint64_t metrics_bounds_us[METRICS_BOUNDS];

/* The metrics of all workers, including those that have not joined yet. */
struct metrics_board {
    struct metrics *workers; /* owned by main, which zeroes them */
    size_t count;
    size_t joined; /* used by main only, while it starts the workers */
};

/* Returns the metrics of the next worker, for its thread to write. On main's thread. */
struct metrics *metrics_join(struct metrics_board *board);

/* ---- For a worker's own thread ---- */

/* Counts an answer. `duration_us`: from the request line to the answer. */
void metrics_response(struct metrics *metrics, size_t route, int code, uint64_t duration_us);
void metrics_problem(struct metrics *metrics, enum status status);
void metrics_count(struct metrics *metrics, enum metric counter);
void metrics_set(struct metrics *metrics, enum metric gauge, uint64_t value);

#endif
