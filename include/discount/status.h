/* SPDX-License-Identifier: MIT */
/* The one list of what can become of a request: name, HTTP status, the problem's name in the URL
 * /problems/NAME, its title, and the detail used where a caller has nothing more exact to say.
 * Foreign codes (errno, hiredis, Redis error replies) become one of these at their library's door.
 * Details and titles are sent as they are, so they hold no quotes, backslashes or control
 * characters. Any thread. */
#ifndef DISCOUNT_STATUS_H
#define DISCOUNT_STATUS_H

#define STATUS_LIST(X)                                                                             \
    X(OK, 200, "ok", "OK", "Done.")                                                                \
    X(MALFORMED_JSON, 400, "malformed-json", "The body is not one JSON document",                  \
      "Send one JSON document in UTF-8, without duplicate members, nested at most 8 deep.")        \
    X(MALFORMED_REQUEST, 400, "malformed-request", "The request is malformed",                     \
      "The request line, a header, the query or a percent-encoding is malformed.")                 \
    X(NOT_FOUND, 404, "not-found", "There is no such resource", "No resource has this path.")      \
    X(DISCOUNT_NOT_FOUND, 404, "discount-not-found", "There is no such discount",                  \
      "No discount has this id.")                                                                  \
    X(GRANT_NOT_FOUND, 404, "grant-not-found", "There is no such grant",                           \
      "This user holds no grant of this discount.")                                                \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The resource does not have this method",     \
      "The Allow header lists the methods that this resource has.")                                \
    X(DISCOUNT_EXHAUSTED, 409, "discount-exhausted", "The discount is sold out",                   \
      "Every unit of this discount has been granted.")                                             \
    X(DISCOUNT_NOT_STARTED, 409, "discount-not-started", "The discount has not started",           \
      "This discount is not granted before its starts_at.")                                        \
    X(DISCOUNT_EXPIRED, 410, "discount-expired", "The discount has expired",                       \
      "This discount is not granted after its expires_at.")                                        \
    X(PAYLOAD_TOO_LARGE, 413, "payload-too-large", "The body is too large",                        \
      "A body may have at most 16384 bytes.")                                                      \
    X(URI_TOO_LONG, 414, "uri-too-long", "The request target is too long",                         \
      "A request target may have at most 4096 bytes.")                                             \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type", "The body has the wrong media type",  \
      "Send the body as application/json in UTF-8.")                                               \
    X(INVALID_DISCOUNT, 422, "invalid-discount", "The discount is not valid",                      \
      "Each fault is listed in errors.")                                                           \
    X(INVALID_GRANT, 422, "invalid-grant", "The grant is not valid",                               \
      "Each fault is listed in errors.")                                                           \
    X(IDEMPOTENCY_KEY_REUSED, 422, "idempotency-key-reused",                                       \
      "The idempotency key was used for another request",                                          \
      "This brand sent the same Idempotency-Key with another body before.")                        \
    X(HEADERS_TOO_LARGE, 431, "headers-too-large", "The headers are too large",                    \
      "The headers of a request may have at most 4096 bytes.")                                     \
    X(CORRUPT, 500, "store-corrupt", "The store holds what this service did not write",            \
      "The stored data cannot be read; the operator was told in the log.")                         \
    X(OVERLOADED, 503, "overloaded", "Too much is in progress",                                    \
      "The request was not applied; send it again.")                                               \
    X(UNAVAILABLE, 503, "store-unavailable", "The store does not answer",                          \
      "The request was not applied; send it again.")                                               \
    X(UNKNOWN, 503, "outcome-unknown", "The outcome is not known",                                 \
      "The request may have been applied; the same request again settles it.")

enum status {
#define STATUS_ENUM(name, code, problem, title, detail) STATUS_##name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
        STATUS_COUNT
};

/* The HTTP status code, the problem's name, its title and its usual detail; static strings. */
int status_code(enum status status);
const char *status_name(enum status status);
const char *status_title(enum status status);
const char *status_detail(enum status status);

#endif
