/* SPDX-License-Identifier: MIT */
/* Refuses header sections that two parsers may read differently. Such differences let requests be
 * smuggled past a proxy (RFC 9112, section 11.2), and nothing here relies on the library to refuse
 * them. Call header_check_add for each line, then header_check_verdict. Pure; any thread. */
#ifndef HTTP_HEADER_CHECK_H
#define HTTP_HEADER_CHECK_H

#include <stdbool.h>

#include "discount/status.h"
#include "discount/str.h"

struct header_check {
    unsigned content_lengths, transfer_encodings, hosts;
    size_t bytes;
    size_t content_length; /* of the last valid Content-Length */
    bool length_is_bad, encoding_is_bad, line_is_bad;
    struct str content_type, idempotency_key, request_id, if_none_match; /* borrowed */
    bool repeated; /* Content-Type or Idempotency-Key came twice */
};

/* Returns whether a header name, in any case, is the given lower-case one. */
bool header_check_is(struct str name, const char *lower_case_name);

/* Adds one line. `check` must be zeroed at first. */
void header_check_add(struct header_check *check, struct str name, struct str value);

/* Returns OK, MALFORMED_REQUEST, HEADERS_TOO_LARGE or PAYLOAD_TOO_LARGE. */
enum status header_check_verdict(const struct header_check *check, bool http_1_0);

#endif
