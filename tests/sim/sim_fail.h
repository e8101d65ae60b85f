/* SPDX-License-Identifier: MIT */
/* Ends a run because a check failed. */
#ifndef SIM_SIM_FAIL_H
#define SIM_SIM_FAIL_H

/* Prints the reason on stderr and aborts. */
void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
