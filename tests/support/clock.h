/* SPDX-License-Identifier: MIT */
/* Waiting for a condition with a deadline. Any thread. */
#ifndef SUPPORT_CLOCK_H
#define SUPPORT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* How long a test waits for an event before it fails. Long enough for a busy machine with
 * sanitizers. */
#define CLOCK_PATIENCE_MS 20000

/* Returns the monotonic clock. */
int64_t clock_ms(void);

/* Checks the condition every few milliseconds until it holds. Returns false if it does not hold
 * within `within_ms`. */
bool clock_wait(bool (*condition)(void *argument), void *argument, int64_t within_ms);

#endif
