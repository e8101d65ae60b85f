/* SPDX-License-Identifier: MIT */
/* Returns the verdict on a header section. On the test's own thread. */
#ifndef UNIT_HTTP_HEADER_LINES_H
#define UNIT_HTTP_HEADER_LINES_H

#include "http/header_check.h"
#include "unit/assert_str.h"

/* Complete header lines: names and values in turn, ended by NULL. */
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
/* The header that every valid HTTP/1.1 request has. */
#define HOST "Host", "localhost"

static inline struct header_check check_of(const char *const *lines)
{
    struct header_check check = {0};

    for (; *lines != NULL; lines += 2) {
        header_check_add(&check, str_of(lines[0]), str_of(lines[1]));
    }
    return check;
}

static inline enum status verdict(const char *const *lines)
{
    struct header_check check = check_of(lines);

    return header_check_verdict(&check, false);
}

static inline enum status verdict_1_0(const char *const *lines)
{
    struct header_check check = check_of(lines);

    return header_check_verdict(&check, true);
}

static inline void assert_malformed(const char *const *lines)
{
    assert_int_equal(verdict(lines), STATUS_MALFORMED_REQUEST);
}

#endif
