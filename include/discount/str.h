/* SPDX-License-Identifier: MIT */
/* A borrowed sequence of bytes: pointer and length travel together, and no NUL at the end is
 * needed. The bytes belong to the code that made them. Any thread. */
#ifndef DISCOUNT_STR_H
#define DISCOUNT_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A struct str over a string literal. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})

/* As STR, for static initializers, where a compound literal is not a constant. */
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

static inline struct str str_of(const char *text)
{
    return (struct str){text, strlen(text)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Returns the part of s from byte `from` on; `from` is at most s.n. */
static inline struct str str_from(struct str s, size_t from)
{
    return (struct str){s.p + from, s.n - from};
}

#endif
