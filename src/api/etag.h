/* SPDX-License-Identifier: MIT */
/* Entity tags (RFC 9110, section 8.8.3): what tells one state of an answer from another. Pure; on
 * the thread of the request. */
#ifndef API_ETAG_H
#define API_ETAG_H

#include <stdbool.h>

#include "discount/arena.h"

/* The strong tag of these bytes, as the header has it. NULL without memory. */
const char *etag_print(struct str body, struct arena *arena);

/* Whether an If-None-Match (RFC 9110, section 13.1.2) names the tag: a "*", or one of a list,
 * compared weakly. What is no such header names nothing. */
bool etag_is_among(const char *etag, struct str if_none_match);

#endif
