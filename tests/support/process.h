/* SPDX-License-Identifier: MIT */
/* A child process of a test. It dies with the thread that started it, so a crashing test leaves
 * nothing behind. Start it on the test's own thread. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs `path` with these arguments and this environment. Standard output and error go to the
 * descriptor `output`. Returns -1 if no process can be started. */
pid_t process_start(const char *path, char *const *arguments, char *const *environment, int output);

/* Runs a function in a fork of this process, which may have only one thread. Output goes to
 * `output`. When the function returns, the child exits with 0. It must not use assertions of
 * cmocka. */
pid_t process_fork(void (*run)(void *argument), void *argument, int output);

/* Limits the open descriptors of programs started from now on; 0 means this process's own limit. */
void process_limit_descriptors(unsigned most);

/* Returns whether it has ended within this time. Then ret_status is its wait status, and the pid
 * must not be used again. */
bool process_wait(pid_t pid, int64_t within_ms, int *ret_status);

/* Kills it with SIGKILL, and waits for its end. */
void process_kill(pid_t pid);

#endif
