/* SPDX-License-Identifier: MIT */
/* Takes a raw request target apart (RFC 9112, section 3.2.1: origin-form). Path segments are split
 * first and percent-decoded after, so that a segment may hold "/" as %2F. Pure; any thread. */
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

/* OK; NOT_FOUND for a path of more segments than any route has; URI_TOO_LONG; OVERLOADED without
 * memory; MALFORMED_REQUEST for another form than origin-form, a bad percent-encoding, bytes that
 * are not UTF-8 or are control characters, a query member given twice, or too many of them. */
enum status target_parse(struct str raw, struct arena *arena, struct target *ret_target)
    __attribute__((warn_unused_result));

#endif
