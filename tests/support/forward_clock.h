/* SPDX-License-Identifier: MIT */
/* Time that a test lets pass at once: for the whole program, libraries too, the monotonic clock is
 * as much ahead as it was moved. Any thread; the wall clock stays as it is. */
#ifndef SUPPORT_FORWARD_CLOCK_H
#define SUPPORT_FORWARD_CLOCK_H

#include <stdint.h>

void forward_clock_move(uint64_t ms);

#endif
