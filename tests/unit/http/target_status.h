/* SPDX-License-Identifier: MIT */
/* Returns the status of a request target. On the test's own thread. */
#ifndef UNIT_HTTP_TARGET_STATUS_H
#define UNIT_HTTP_TARGET_STATUS_H

#include "http/target.h"
#include "unit/assert_str.h"

static inline enum status status_of_str(struct str raw)
{
    struct arena arena;
    struct target target;
    enum status status;

    arena_init(&arena, 65536);
    status = target_parse(raw, &arena, &target);
    arena_fini(&arena);
    return status;
}

static inline enum status status_of(const char *raw)
{
    return status_of_str(str_of(raw));
}

static inline void assert_malformed(const char *raw)
{
    if (status_of(raw) != STATUS_MALFORMED_REQUEST) {
        fail_msg("%s is not malformed but %s", raw, status_name(status_of(raw)));
    }
}

#endif
