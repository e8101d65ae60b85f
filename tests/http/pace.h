/* SPDX-License-Identifier: MIT */
/* How ordinary clients fare while others misbehave. On the test's own thread; what goes wrong fails
 * the test. */
#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stddef.h>
#include <stdint.h>

/* What the median of ordinary requests may be in any test: a thousand times what it is on a quiet
 * machine, less than it would be if they waited for a deadline, the housekeeping timer or a slow
 * client. */
#define PACE_MOST_US 400000

#define PACE_MOST 256

struct pace {
    size_t count;
    int64_t took_us[PACE_MOST];
};

/* One request that goes to the store and back, on a connection of its own, at this port. It must be
 * answered with 200, and the time that this took is noted. */
void pace_request(struct pace *pace, int port);
/* This many of them, one after another. */
void pace_requests(struct pace *pace, int port, size_t count);
/* Notes a time that was measured elsewhere. */
void pace_note(struct pace *pace, int64_t took_us);

/* The one in the middle. Sorts what was noted. */
int64_t pace_median_us(struct pace *pace);
/* It is below this, or ten times as much under a sanitizer. Says what it was, and the slowest, on
 * stderr. */
void pace_assert(struct pace *pace, const char *what, int64_t most_us);

/* A clock that only goes forward. */
int64_t pace_now_us(void);

#endif
