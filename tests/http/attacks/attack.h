/* SPDX-License-Identifier: MIT */
/* The attack catalogue: raw bytes, and what becomes of them. Each file beside this one is one class
 * of input; attacks_test.c sends all of them, to discountd and through nginx.
 *
 * An expectation is written as a client sees it: the answers to the bytes, in order, and then
 * "kept" or "closed" for the connection. It is kept only if the request that follows at once is
 * answered as if nothing had come before it. "400 malformed-request, closed" is one answer with
 * that problem, and then the end. "100, 201, kept" is an interim answer and a final one. A
 * connection that stays open without an answer until a deadline is "cut", and nothing expects that.
 *
 * "|" stands between answers that are all right. RFC 9112 leaves choices, and a refusal is right
 * whether this service makes it, its HTTP library or a proxy. So no attack depends on a version. */
#ifndef HTTP_ATTACKS_ATTACK_H
#define HTTP_ATTACKS_ATTACK_H

#include <stdbool.h>
#include <stddef.h>

struct attack {
    const char *name;
    /* What is sent. {4096*a} in it is 4096 times "a", {length} the length of all that comes behind
     * the first empty line, {id} a discount with stock left. */
    const char *bytes;
    size_t size;
    const char *expected;
    const char *through_nginx; /* NULL: the same */
    /* Nothing comes after these bytes, and the client says so. */
    bool ends;
};

struct attack_class {
    const char *name;
    const char *expected; /* of the class, in words */
    const struct attack *attacks;
    size_t count;
};

#define ATTACK_CLASS(name, expected, attacks)                                                      \
    {                                                                                              \
        name, expected, attacks, sizeof(attacks) / sizeof(attacks[0])                              \
    }

extern const struct attack_class attacks_on_framing, attacks_on_chunks, attacks_on_header_lines,
    attacks_on_header_meanings, attacks_on_request_line, attacks_on_methods, attacks_on_paths,
    attacks_on_queries, attacks_on_ids, attacks_on_media_types, attacks_on_idempotency_keys,
    attacks_on_json_syntax, attacks_on_json_text, attacks_on_json_members, attacks_on_sizes;

/* ---- Pieces of requests ---- */

#define BYTES(text) .bytes = text, .size = sizeof(text) - 1

#define HOST "Host: t\r\n"
#define JSON "Content-Type: application/json\r\n"
#define SIZED "Content-Length: {length}\r\n\r\n"

#define GET(target) BYTES("GET " target " HTTP/1.1\r\n" HOST "\r\n")
/* Header lines of a request that is fine without them. */
#define WITH(lines) BYTES("GET /livez HTTP/1.1\r\n" HOST lines "\r\n")
/* Header lines and a body of a create. */
#define CREATE_WITH(lines, body) BYTES("POST /discount HTTP/1.1\r\n" HOST JSON lines "\r\n" body)
#define CREATE(body) BYTES("POST /discount HTTP/1.1\r\n" HOST JSON SIZED body)
#define GRANT(body) BYTES("POST /discount/{id}/grant HTTP/1.1\r\n" HOST JSON SIZED body)

/* 52 bytes (0x34) that create a discount. */
#define DISCOUNT "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1}"
/* A whole request of 147 bytes (0x93) that creates one where none should be. */
#define SMUGGLED                                                                                   \
    "POST /discount HTTP/1.1\r\n" HOST JSON "Content-Length: 59\r\n\r\n"                           \
    "{\"brand_id\":\"smuggled\",\"discount_code\":\"c\",\"total_count\":1}"

/* ---- What is seen ---- */

#define MALFORMED_CLOSED "400 malformed-request, closed"
#define MALFORMED_KEPT "400 malformed-request, kept"
#define BAD_JSON "400 malformed-json, kept"
#define NOT_FOUND "404 not-found, kept"
#define NO_DISCOUNT "404 discount-not-found, kept"
#define INVALID "422 invalid-discount, kept"
#define CREATED "201, kept"
#define OK_KEPT "200, kept"

/* The end of a refusal that is no problem document is not looked at. */
#define REFUSED                                                                                    \
    MALFORMED_CLOSED "|400 without a problem, closed|400 without a problem, what is no answer"     \
                     "|closed"
#define TOO_LARGE                                                                                  \
    "413 payload-too-large, closed|413 without a problem, closed"                                  \
    "|413 without a problem, what is no answer"
/* Longer than what is read before anybody answers. */
#define FAR_TOO_LONG                                                                               \
    "414 uri-too-long, closed|414 without a problem, closed|431 headers-too-large, closed"         \
    "|431 without a problem, closed|closed"
/* The bytes may be refused. They may also be taken in the one way that hides nothing: a proxy
 * leaves a line out or writes it anew. */
#define EITHER(taken) taken "|" REFUSED

#endif
