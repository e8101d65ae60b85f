/* SPDX-License-Identifier: MIT */
/* Runs a command of discountd to its end. The environment variable DISCOUNTD names the binary. On
 * the test's own thread; any error fails the test. */
#ifndef SUPPORT_COMMAND_H
#define SUPPORT_COMMAND_H

#define COMMAND_OUTPUT 8192

/* Runs the command with these arguments and this environment. Both lists end with NULL; NULL is an
 * empty list. Returns the exit code, and the text of standard output and error. */
int command_run(const char *const *arguments, const char *const *variables,
                char ret_output[COMMAND_OUTPUT]);

#endif
