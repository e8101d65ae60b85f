/* SPDX-License-Identifier: MIT */
/* A command of discountd, run to its end: the binary that the environment variable DISCOUNTD names.
 * On the test's own thread; what goes wrong fails the test. */
#ifndef SUPPORT_COMMAND_H
#define SUPPORT_COMMAND_H

#define COMMAND_OUTPUT 8192

/* Runs it with these arguments and in this environment, a NULL at the end of each; NULL is none.
 * Its exit code, and what it wrote to standard output and error. */
int command_run(const char *const *arguments, const char *const *variables,
                char ret_output[COMMAND_OUTPUT]);

#endif
