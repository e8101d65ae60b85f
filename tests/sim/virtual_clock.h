/* SPDX-License-Identifier: MIT */
/* The monotonic clock of a program that links this: it stands still until it is moved. libuv and
 * libmicrohttpd read it as they read the real one, because a program's own clock_gettime comes
 * before that of the C library. So a deadline costs no time, and a run can be repeated. */
#ifndef SIM_VIRTUAL_CLOCK_H
#define SIM_VIRTUAL_CLOCK_H

#include <stdint.h>

uint64_t virtual_clock_ms(void);
void virtual_clock_move(uint64_t ms);

#endif
