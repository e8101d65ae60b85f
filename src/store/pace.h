/* SPDX-License-Identifier: MIT */
/* Measures how fast a backend is, and decides whether a new operation would wait too long (ADR 13).
 * Pure: the caller passes all times, from one clock. It belongs to its store's thread. */
#ifndef STORE_PACE_H
#define STORE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
    uint64_t patience_ms; /* how long an operation may be expected to wait */
    uint64_t served, busy_ms;
    uint64_t seen_ms; /* when pace_keep was called last */
    bool is_busy;     /* at the last pace_keep */
};

/* Initializes the pace for operations with this deadline. */
void pace_init(struct pace *pace, uint64_t deadline_ms);

/* Counts operations that the backend has served. */
void pace_served(struct pace *pace, size_t count);

/* Called once per turn of the loop. `is_busy`: the backend has something to serve from now on. All
 * counts are halved after each patience_ms, so that recent ones weigh more. */
void pace_keep(struct pace *pace, uint64_t now_ms, bool is_busy);

/* Returns whether one more operation would wait too long after `in_flight` others, of which the
 * oldest has waited `oldest_waited_ms`. A short queue or a short wait is no evidence: an idle
 * backend has low throughput only because it had little to do. */
bool pace_is_behind(const struct pace *pace, size_t in_flight, uint64_t oldest_waited_ms);

#endif
