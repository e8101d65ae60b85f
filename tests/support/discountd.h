/* SPDX-License-Identifier: MIT */
/* The service as a child process of a test. The environment variable DISCOUNTD names the binary. On
 * the test's own thread; any error fails the test. */
#ifndef SUPPORT_DISCOUNTD_H
#define SUPPORT_DISCOUNTD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct discountd;

/* Starts the service on a free loopback port and waits until it accepts connections. `variables`
 * are "NAME=VALUE" and end with NULL. DISCOUNT_ variables of the test itself are not passed on. The
 * caller owns the service until discountd_stop. If a failed test leaves one, it is killed at
 * process exit. */
struct discountd *discountd_start(const char *const *variables);
/* Does the same without waiting: for an invalid configuration, or a store that answers late. */
struct discountd *discountd_launch(const char *const *variables);

/* Kills the service (SIGKILL) if it still runs, and frees it. NULL is allowed. */
void discountd_stop(struct discountd *service);

/* Returns the port that it serves on. Waits until the log names it. */
int discountd_port(struct discountd *service);

/* Returns its process id, for reading /proc. */
pid_t discountd_pid(const struct discountd *service);

void discountd_signal(struct discountd *service, int number);

/* Returns whether it has ended within this time; ret_status is then the one of waitpid. */
bool discountd_wait_exit(struct discountd *service, int64_t within_ms, int *ret_status);

/* Returns its standard output and error so far. The service owns the text; it is valid until the
 * next call. */
const char *discountd_log(struct discountd *service);
/* Waits until the log holds this text. Returns false after the time is over. */
bool discountd_log_wait(struct discountd *service, const char *text, int64_t within_ms);

#endif
