/* SPDX-License-Identifier: MIT */
/* Includes cmocka, after the headers that it needs. Its assertions and skip() leave the test by a
 * longjmp, so use them only on the test's own thread. */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
