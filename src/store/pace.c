/* SPDX-License-Identifier: MIT */
/* In: how much a backend served, and how long it was busy. Out: whether the next operation should
 * be refused at once. */
#include "store/pace.h"

/* An operation may be expected to wait for 1/4 of its deadline. The rest is a reserve for a store
 * that becomes slower meanwhile. */
#define WAIT_SHARE 4
/* Up to this many operations in flight are accepted however slow the store is. */
#define ALWAYS_TAKEN 64

void pace_init(struct pace *pace, uint64_t deadline_ms)
{
    *pace = (struct pace){.patience_ms = deadline_ms / WAIT_SHARE};
}

void pace_served(struct pace *pace, size_t count)
{
    pace->served += count;
}

void pace_keep(struct pace *pace, uint64_t now_ms, bool is_busy)
{
    if (pace->is_busy) {
        pace->busy_ms += now_ms - pace->seen_ms;
    }
    while (pace->busy_ms > pace->patience_ms) {
        pace->busy_ms /= 2;
        pace->served /= 2;
    }
    pace->seen_ms = now_ms;
    pace->is_busy = is_busy;
}

bool pace_is_behind(const struct pace *pace, size_t in_flight, uint64_t oldest_waited_ms)
{
    if (in_flight <= ALWAYS_TAKEN) {
        return false;
    }
    if (oldest_waited_ms > 2 * pace->patience_ms) {
        return true; /* the measured pace was wrong */
    }
    return oldest_waited_ms > pace->patience_ms / WAIT_SHARE &&
           in_flight * pace->busy_ms > pace->served * pace->patience_ms;
}
