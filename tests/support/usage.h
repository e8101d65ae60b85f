/* SPDX-License-Identifier: MIT */
/* What a process uses, as /proc tells. On the test's own thread: what cannot be read fails the
 * test. */
#ifndef SUPPORT_USAGE_H
#define SUPPORT_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether the memory of the discountd under test is its own only: a sanitizer's is not what a test
 * wants to measure. */
bool usage_is_plain(void);

/* The memory that this line of /proc/PID/status tells ("VmRSS:"), in KiB. */
long usage_memory_kib(pid_t pid, const char *name);
/* From now on VmHWM, the most that was ever resident, counts from what is resident now. */
void usage_peak_forget(pid_t pid);

/* How many descriptors it has open. */
unsigned usage_descriptors(pid_t pid);

/* How many sockets listen on this port of IPv4. */
unsigned usage_listeners(int port);

/* The processor time that it has taken so far, all threads together. */
int64_t usage_cpu_ms(pid_t pid);

#endif
