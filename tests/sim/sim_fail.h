/* SPDX-License-Identifier: MIT */
/* What ends a run: something that must hold does not. */
#ifndef SIM_SIM_FAIL_H
#define SIM_SIM_FAIL_H

/* Says what it is on stderr and aborts. */
void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
