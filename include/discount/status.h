/* SPDX-License-Identifier: MIT */
/* The list of all outcomes of a request. Each row has a name, the HTTP status, and the name of the
 * problem in the URL /problems/NAME. Then come its title, the default detail, and the advice on the
 * page of that URL.
 *
 * Foreign codes (errno, hiredis, Redis error replies) are translated to these where the library is
 * called. The texts are sent unescaped in JSON and in HTML, so they hold no quotes, backslashes,
 * ampersands, angle brackets or control characters. Any thread. */
#ifndef DISCOUNT_STATUS_H
#define DISCOUNT_STATUS_H

#define STATUS_LIST(X)                                                                             \
    X(OK, 200, "ok", "OK", "Done.", "There is nothing to do.")                                     \
    X(MALFORMED_JSON, 400, "malformed-json", "The body is not one JSON document",                  \
      "Send one JSON document in UTF-8, without duplicate members, nested at most 8 deep.",        \
      "Correct the body and send the request again. It will never be accepted as it is.")          \
    X(MALFORMED_REQUEST, 400, "malformed-request", "The request is malformed",                     \
      "The request line, a header, the query or a percent-encoding is malformed.",                 \
      "Correct the error that the detail names, and send the request again. An ambiguous "         \
      "header closes the connection too.")                                                         \
    X(NOT_FOUND, 404, "not-found", "There is no such resource", "No resource has this path.",      \
      "Check the path. Segments are percent-decoded one by one, so a slash "                       \
      "inside of one is written %2F.")                                                             \
    X(DISCOUNT_NOT_FOUND, 404, "discount-not-found", "There is no such discount",                  \
      "No discount has this id.",                                                                  \
      "Check the id: the answer to the creation of the discount has it. "                          \
      "Discounts are never deleted by this service.")                                              \
    X(GRANT_NOT_FOUND, 404, "grant-not-found", "There is no such grant",                           \
      "This user holds no grant of this discount.",                                                \
      "The user may ask for a grant with a POST, while stock lasts.")                              \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The resource does not have this method",     \
      "The Allow header lists the methods that this resource has.",                                \
      "Use one of the methods in the Allow header.")                                               \
    X(DISCOUNT_EXHAUSTED, 409, "discount-exhausted", "The discount is sold out",                   \
      "Every unit of this discount has been granted.",                                             \
      "This is final, because a stock never changes. A user who holds a grant keeps "              \
      "it, and nobody else gets one.")                                                             \
    X(DISCOUNT_NOT_STARTED, 409, "discount-not-started", "The discount has not started",           \
      "This discount is not granted before its starts_at.",                                        \
      "Wait as long as the Retry-After header says and send the request again.")                   \
    X(DISCOUNT_EXPIRED, 410, "discount-expired", "The discount has expired",                       \
      "This discount is not granted after its expires_at.",                                        \
      "This is final. A user who holds a grant keeps it, and gets it as the answer "               \
      "again.")                                                                                    \
    X(PAYLOAD_TOO_LARGE, 413, "payload-too-large", "The body is too large",                        \
      "A body may have at most 16384 bytes.",                                                      \
      "Send less. Every valid body is many times smaller.")                                        \
    X(URI_TOO_LONG, 414, "uri-too-long", "The request target is too long",                         \
      "A request target may have at most 4096 bytes.", "Shorten the path or the query.")           \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type", "The body has the wrong media type",  \
      "Send the body as application/json in UTF-8.",                                               \
      "Send the header Content-Type: application/json.")                                           \
    X(INVALID_DISCOUNT, 422, "invalid-discount", "The discount is not valid",                      \
      "The member errors lists every error.",                                                      \
      "Each entry of errors has a JSON Pointer to the error and says why it is one. "              \
      "All errors are listed at once.")                                                            \
    X(INVALID_GRANT, 422, "invalid-grant", "The grant is not valid",                               \
      "The member errors lists every error.",                                                      \
      "Each entry of errors has a JSON Pointer to the error and says why it is one. "              \
      "All errors are listed at once.")                                                            \
    X(IDEMPOTENCY_KEY_REUSED, 422, "idempotency-key-reused",                                       \
      "The idempotency key was used for another request",                                          \
      "This brand sent the same Idempotency-Key with another body before.",                        \
      "Use a new key for a new discount. To repeat a request, send the same body "                 \
      "as the first time.")                                                                        \
    X(HEADERS_TOO_LARGE, 431, "headers-too-large", "The headers are too large",                    \
      "The headers of a request may have at most 4096 bytes.", "Send fewer or shorter headers.")   \
    X(CORRUPT, 500, "store-corrupt", "The stored data is damaged",                                 \
      "The stored data cannot be read. The log tells the operator why.",                           \
      "Nothing was changed. Repeating the request does not help. The operator can find "           \
      "the damage with discountd verify.")                                                         \
    X(OVERLOADED, 503, "overloaded", "Too much is in progress",                                    \
      "The request was not applied; send it again.",                                               \
      "Nothing was changed. Wait as long as the Retry-After header says and send "                 \
      "the request again.")                                                                        \
    X(UNAVAILABLE, 503, "store-unavailable", "The store does not answer",                          \
      "The request was not applied; send it again.",                                               \
      "Nothing was changed. Wait as long as the Retry-After header says and send "                 \
      "the request again.")                                                                        \
    X(UNKNOWN, 503, "outcome-unknown", "The outcome is not known",                                 \
      "The request may have been applied; the same request again settles it.",                     \
      "Send the same request again. A grant is given once only, so the answer "                    \
      "then has the outcome. A creation without an Idempotency-Key may have "                      \
      "happened: look for it in the list first.")

enum status {
#define STATUS_ENUM(name, code, problem, title, detail, advice) STATUS_##name,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
        STATUS_COUNT
};

/* The HTTP status code, the problem's name, its title, its usual detail and its advice; static
 * strings. */
int status_code(enum status status);
const char *status_name(enum status status);
const char *status_title(enum status status);
const char *status_detail(enum status status);
const char *status_advice(enum status status);

#endif
