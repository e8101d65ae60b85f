/* SPDX-License-Identifier: MIT */
/* Points in time: microseconds since 1970-01-01T00:00:00Z inside the service, RFC 3339 outside.
 * Pure; any thread. */
#ifndef DISCOUNT_TIMESTAMP_H
#define DISCOUNT_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/str.h"

/* "2020-11-26T10:27:57.202420Z" and its NUL, or a longer year. */
#define TIMESTAMP_SIZE 32

/* Returns whether `us` can be a time of a discount or a grant: in the years 1970 to 9999, and not
 * 0, which means "none". */
bool timestamp_is_valid(int64_t us);

/* Writes UTC with microseconds. It is RFC 3339 in the years 0 to 9999. Other years, which a wrong
 * clock or damaged data may show, have a sign and six digits. */
void timestamp_format(int64_t us, char ret_text[TIMESTAMP_SIZE]);

/* Parses an RFC 3339 date-time with `Z` or a numeric offset and up to nine fractional digits;
 * digits after the sixth are dropped. A leap second (:60) is read as the next second. False, and
 * ret_us untouched, for any other text, a date that does not exist, or a time before 1970. */
bool timestamp_parse(struct str text, int64_t *ret_us);

#endif
