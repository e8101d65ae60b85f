/* SPDX-License-Identifier: MIT */
/* The resources that a process uses, read from /proc. On the test's own thread; a file that cannot
 * be read fails the test. */
#ifndef SUPPORT_USAGE_H
#define SUPPORT_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns whether discountd runs without a sanitizer, whose memory would spoil a measurement. */
bool usage_is_plain(void);

/* Returns the memory in this line of /proc/PID/status (such as "VmRSS:"), in KiB. */
long usage_memory_kib(pid_t pid, const char *name);
/* Resets the peak of resident memory (VmHWM) to the present value. */
void usage_peak_forget(pid_t pid);

/* Returns the number of its open descriptors. */
unsigned usage_descriptors(pid_t pid);

/* Returns how many sockets listen on this IPv4 port. */
unsigned usage_listeners(int port);

/* Returns the processor time of all its threads so far. */
int64_t usage_cpu_ms(pid_t pid);

#endif
