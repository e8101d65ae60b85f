/* SPDX-License-Identifier: MIT */
/* cmocka, behind the headers that it wants included before it. Its assertions and skip() leave the
 * test by a jump, so they belong on the test's own thread. */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
