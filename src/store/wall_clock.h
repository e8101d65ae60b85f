/* SPDX-License-Identifier: MIT */
/* The rule for the clock from which a store takes the times of discounts and grants. SQLite uses
 * the clock of the machine, and Redis its own. */
#ifndef STORE_WALL_CLOCK_H
#define STORE_WALL_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What was logged of one clock, by any thread. Initialize it with {0}. */
struct wall_clock_log {
    _Atomic uint64_t logged_ms; /* when; 0: never */
};

/* Reads the clock of this machine, in microseconds since 1970. */
int64_t wall_clock_us(void);

/* Returns whether the clock can be right. Otherwise nothing may be stored with its times. */
bool wall_clock_is_right(int64_t us);

/* Logs that the clock shows this wrong time, at most once a minute. `now_ms` is that of a clock
 * that all threads share and nobody sets. `store` is the backend's scheme. */
void wall_clock_log_wrong(struct wall_clock_log *log, const char *store, int64_t us,
                          uint64_t now_ms);

#endif
