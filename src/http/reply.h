/* SPDX-License-Identifier: MIT */
/* Problems (RFC 9457) as text. On the thread of the request. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "discount/request.h"

/* Makes a reply from a problem. The body is in the request's arena; its p is NULL without memory.
 * */
struct reply reply_problem(struct request *request, const struct problem *problem);

/* Returns whether a client's X-Request-ID is kept. It has 1 to LIMIT_REQUEST_ID letters, digits,
 * "-", "_", "." and "~": safe in a header, in JSON and in a log line. */
bool reply_request_id_is_sane(struct str id);

#endif
