/* SPDX-License-Identifier: MIT */
/* The virtual monotonic clock of a program that links this: it stands still until it is moved. A
 * program's own clock_gettime replaces that of the C library, so libuv and libmicrohttpd read this
 * clock. So deadlines cost no time, and a run can be repeated. */
#ifndef SIM_VIRTUAL_CLOCK_H
#define SIM_VIRTUAL_CLOCK_H

#include <stdint.h>

uint64_t virtual_clock_ms(void);
void virtual_clock_move(uint64_t ms);

#endif
