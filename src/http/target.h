/* SPDX-License-Identifier: MIT */
/* Parses a raw request target (RFC 9112, section 3.2.1: origin-form). The path is split before it
 * is percent-decoded, so a segment may hold "/" as %2F. Pure; any thread. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "discount/arena.h"
#include "discount/limits.h"
#include "discount/request.h"
#include "discount/status.h"

struct target {
    struct str segments[LIMIT_PATH_SEGMENTS]; /* decoded, in the arena; "/" is one empty segment */
    size_t segment_count;
    struct query_pair query[LIMIT_QUERY_PAIRS]; /* decoded, in the arena; "+" is a space */
    size_t query_count;
};

/* Returns OK; NOT_FOUND for more segments than any route has; URI_TOO_LONG; OVERLOADED without
 * memory; else MALFORMED_REQUEST. That means: not origin-form, a bad percent-encoding, a control
 * character, a byte that is not UTF-8, a repeated query member, or too many of them. */
enum status target_parse(struct str raw, struct arena *arena, struct target *ret_target)
    __attribute__((warn_unused_result));

#endif
