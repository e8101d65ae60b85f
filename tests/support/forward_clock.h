/* SPDX-License-Identifier: MIT */
/* Moves the monotonic clock forward for the whole program, libraries included, so that a test need
 * not wait. Any thread; the wall clock does not change. */
#ifndef SUPPORT_FORWARD_CLOCK_H
#define SUPPORT_FORWARD_CLOCK_H

#include <stdint.h>

void forward_clock_move(uint64_t ms);

#endif
