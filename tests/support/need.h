/* SPDX-License-Identifier: MIT */
/* Checks what a test needs of the machine. On the test's own thread, and from a test function:
 * cmocka cannot skip from a fixture. */
#ifndef SUPPORT_NEED_H
#define SUPPORT_NEED_H

#include <stdbool.h>

/* Does nothing if the thing is there. Otherwise it prints what is missing on stderr, and skips the
 * test; with REQUIRE_ALL=1 in the environment it fails the test. */
void need(bool is_there, const char *what);

/* Returns the path of a program that PATH finds. The memory stays until the process ends. If there
 * is none, it skips or fails the test as above. */
const char *need_program(const char *name);

#endif
