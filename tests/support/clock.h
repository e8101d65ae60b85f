/* SPDX-License-Identifier: MIT */
/* Waiting for a condition with a deadline. Any thread. */
#ifndef SUPPORT_CLOCK_H
#define SUPPORT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* How long a test waits for what must come, before it calls it missing: long enough for a busy
 * machine with sanitizers. */
#define CLOCK_PATIENCE_MS 20000

/* A clock that only goes forward. */
int64_t clock_ms(void);

/* Looks at the condition every few milliseconds until it holds; false when `within_ms` are over and
 * it still does not. */
bool clock_wait(bool (*condition)(void *argument), void *argument, int64_t within_ms);

#endif
