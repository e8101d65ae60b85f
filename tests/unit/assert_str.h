/* SPDX-License-Identifier: MIT */
/* Compares a struct str with a C string, which cmocka cannot do. It is a macro, so that a failure
 * names the line of the test. */
#ifndef UNIT_ASSERT_STR_H
#define UNIT_ASSERT_STR_H

#include "discount/str.h"
#include "support/test.h"

#define assert_str_equal(actual, expected)                                                         \
    do {                                                                                           \
        struct str actual_ = (actual);                                                             \
                                                                                                   \
        assert_non_null(actual_.p);                                                                \
        assert_int_equal(actual_.n, strlen(expected));                                             \
        assert_memory_equal(actual_.p, expected, actual_.n);                                       \
    } while (0)

#endif
