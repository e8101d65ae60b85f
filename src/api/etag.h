/* SPDX-License-Identifier: MIT */
/* Entity tags (RFC 9110, section 8.8.3): they tell one state of an answer from another. Pure; on
 * the thread of the request. */
#ifndef API_ETAG_H
#define API_ETAG_H

#include <stdbool.h>

#include "discount/arena.h"

/* Returns the strong tag of these bytes, in the form of the header. NULL without memory. */
const char *etag_print(struct str body, struct arena *arena);

/* Returns whether an If-None-Match (RFC 9110, section 13.1.2) names the tag. It may be "*" or a
 * list, which is compared weakly. An invalid header names no tag. */
bool etag_is_among(const char *etag, struct str if_none_match);

#endif
