/* SPDX-License-Identifier: MIT */
/* A child process of a test. It dies with the thread that started it, so that nothing is left
 * behind when a test crashes: start it on the test's own thread. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs `path` with these arguments and this environment; standard output and error go to the
 * descriptor `output`. -1 when there is no process to be had. */
pid_t process_start(const char *path, char *const *arguments, char *const *environment, int output);

/* Runs a function in a copy of this process, which must have one thread only: with the output as
 * above, until it returns, and then the child ends with 0. No assertion of cmocka's belongs there.
 */
pid_t process_fork(void (*run)(void *argument), void *argument, int output);

/* Programs started from now on may have this many descriptors open and not more; 0: as many as this
 * process may. */
void process_limit_descriptors(unsigned most);

/* Whether it has ended within this time; then its wait status is in ret_status, and the pid must
 * not be used any more. */
bool process_wait(pid_t pid, int64_t within_ms, int *ret_status);

/* SIGKILL, and waits for the end. */
void process_kill(pid_t pid);

#endif
