/* SPDX-License-Identifier: MIT */
/* The wall clock of a test's child processes, which the test sets while they run. The environment
 * variable MOVED_CLOCK_LIBRARY names the library of tests/chaos/moved_clock.c, which the children
 * load. On the test's own thread; any error fails the test. */
#ifndef SUPPORT_MOVED_CLOCK_H
#define SUPPORT_MOVED_CLOCK_H

#include <stdint.h>

struct moved_clock {
    char path[64];
    int64_t *offset_us; /* shared with the children */
};

/* Makes a clock that is right. Processes that are started before moved_clock_end_giving have it. */
void moved_clock_open(struct moved_clock *clock);
/* Processes that are started from now on have the usual clock. */
void moved_clock_end_giving(void);
void moved_clock_close(struct moved_clock *clock);

/* Sets the clock; it runs on from there. */
void moved_clock_set(struct moved_clock *clock, int64_t us);
/* Sets it this much ahead of the right time; 0: it is right. */
void moved_clock_shift(struct moved_clock *clock, int64_t us);

#endif
