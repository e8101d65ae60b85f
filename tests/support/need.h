/* SPDX-License-Identifier: MIT */
/* What a test needs of the machine. On the test's own thread, from a test function: cmocka cannot
 * skip from a fixture. */
#ifndef SUPPORT_NEED_H
#define SUPPORT_NEED_H

#include <stdbool.h>

/* Does nothing when the thing is there. Else says on stderr what is missing and skips the test, or
 * fails it when the environment has REQUIRE_ALL=1. */
void need(bool is_there, const char *what);

/* Where a program lies that PATH names, in memory that stays until the process ends; skips or fails
 * the test as above when there is none. */
const char *need_program(const char *name);

#endif
