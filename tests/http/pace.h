/* SPDX-License-Identifier: MIT */
/* How fast ordinary clients are served while others misbehave. On the test's own thread; any error
 * fails the test. */
#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stddef.h>
#include <stdint.h>

/* The limit for the median of ordinary requests in any test. It is a thousand times the value of a
 * quiet machine. It is less than any deadline, housekeeping interval or slow client would cause. */
#define PACE_MOST_US 400000

#define PACE_MOST 256

struct pace {
    size_t count;
    int64_t took_us[PACE_MOST];
};

/* Sends one request, which needs the store, on a new connection to this port. It must be answered
 * with 200; the time is recorded. */
void pace_request(struct pace *pace, int port);
/* Sends this many of them, one after another. */
void pace_requests(struct pace *pace, int port, size_t count);
/* Records a time that was measured elsewhere. */
void pace_note(struct pace *pace, int64_t took_us);

/* Returns the median. Sorts the recorded times. */
int64_t pace_median_us(struct pace *pace);
/* Requires a median below this limit, or ten times the limit under a sanitizer. Prints it and the
 * maximum on stderr. */
void pace_assert(struct pace *pace, const char *what, int64_t most_us);

/* Returns the monotonic clock. */
int64_t pace_now_us(void);

#endif
