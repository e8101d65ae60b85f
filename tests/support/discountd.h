/* SPDX-License-Identifier: MIT */
/* The service itself as a child of a test: the binary that the environment variable DISCOUNTD
 * names. All of it on the test's own thread; what goes wrong fails the test. */
#ifndef SUPPORT_DISCOUNTD_H
#define SUPPORT_DISCOUNTD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct discountd;

/* Starts it on a free loopback port and waits until it accepts connections. `variables` are
 * "NAME=VALUE", a NULL at their end; the test's own DISCOUNT_ variables are not handed on. It is
 * the caller's until discountd_stop; one that a failed test leaves is killed when the process ends.
 */
struct discountd *discountd_start(const char *const *variables);
/* The same, but does not wait: for a configuration that is refused, or a store that is late. */
struct discountd *discountd_launch(const char *const *variables);

/* SIGKILL if it still runs, and forgets it; NULL is nothing. */
void discountd_stop(struct discountd *service);

/* The port that it serves on; waits until the log names it. */
int discountd_port(struct discountd *service);

/* For a look into /proc. */
pid_t discountd_pid(const struct discountd *service);

void discountd_signal(struct discountd *service, int number);

/* Whether it has ended within this time; ret_status is then as from waitpid. */
bool discountd_wait_exit(struct discountd *service, int64_t within_ms, int *ret_status);

/* What it has written to standard output and error so far. The text is the service's and lives
 * until the next call. */
const char *discountd_log(struct discountd *service);
/* Waits until the log holds this text; false when the time is over. */
bool discountd_log_wait(struct discountd *service, const char *text, int64_t within_ms);

#endif
