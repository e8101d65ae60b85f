/* SPDX-License-Identifier: MIT */
/* Problems (RFC 9457) as text. On the thread of the request. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "discount/request.h"

/* A problem as a reply. The body is in the request's arena; its p
 * is NULL when there is no memory for it. */
struct reply reply_problem(struct request *request, const struct problem *problem);

/* Whether a client's X-Request-ID is kept: 1 to LIMIT_REQUEST_ID letters, digits, "-", "_", "." and
 * "~", so that it can stand in a header, in JSON and in a log line as it is. */
bool reply_request_id_is_sane(struct str id);

#endif
