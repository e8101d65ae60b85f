/* SPDX-License-Identifier: MIT */
/* The attack catalogue: raw bytes, and what becomes of them. Each file beside this one is one class
 * of input; attacks_test.c sends all of them, to discountd and through nginx.
 *
 * What is expected is written as what a client sees: the answers to the bytes, in order, and then
 * whether the connection is "kept", which is only so when the request that follows in the same
 * breath is answered as if nothing had been before it, or "closed". So "400 malformed-request,
 * closed" is one answer with that problem and then the end, and "100, 201, kept" is one answer with
 * an interim one before it. A connection that nobody closes until a deadline is over was "cut", and
 * nothing expects that. Where either of two answers is right, "|" stands between them; where the
 * two generations of libmicrohttpd differ, `expected` is what 0.9 (Debian 12) makes of it. */
#ifndef HTTP_ATTACKS_ATTACK_H
#define HTTP_ATTACKS_ATTACK_H

#include <stdbool.h>
#include <stddef.h>

struct attack {
    const char *name;
    /* What is sent. {4096*a} in it is 4096 times "a", {length} the length of all that comes behind
     * the first empty line, {id} a discount with stock left, {n*a} the sweep below. */
    const char *bytes;
    size_t size;
    const char *expected;
    /* Through nginx: NULL is the same. `why` says in few words what nginx does. */
    const char *through_nginx, *why;
    /* Why this answer is not the one we would like, or NULL. */
    const char *known;
    /* The same two with libmicrohttpd 1.0 (Debian 13), directly: NULL is the same as with 0.9. */
    const char *since_1_0, *known_since_1_0;
    /* Nothing comes behind these bytes, and the client says so. */
    bool ends;
    /* Sent once for each length {n*a}. */
    struct {
        int from, to, step;
    } run_all;
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
    attacks_on_json_syntax, attacks_on_json_text, attacks_on_json_members, attacks_on_sizes,
    attacks_that_kill;

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

/* Where libmicrohttpd may answer before this service sees the request. */
#define REFUSED MALFORMED_CLOSED "|400 without a problem, closed"
#define REFUSED_TWICE REFUSED "|400 without a problem, what is no answer"
#define TOO_LARGE                                                                                  \
    "413 payload-too-large, closed|413 without a problem, closed"                                  \
    "|413 without a problem, what is no answer"

/* ---- Why a result is known and not mended ---- */

#define OWN_TEXT "libmicrohttpd answers in its own words"
#define OWN_TEXT_TWICE "libmicrohttpd 0.9 answers in its own words, its headers twice"
#define ENDS_AT_NUL "libmicrohttpd 0.9 ends a text at a NUL"
#define NO_EXTENSIONS "libmicrohttpd 1.0 takes no chunk extensions"

/* ---- What libmicrohttpd 1.0 makes of it, before this service sees the request ---- */

#define REFUSED_SINCE_1_0 .since_1_0 = "400 without a problem, closed", .known_since_1_0 = OWN_TEXT
#define TOO_LARGE_SINCE_1_0                                                                        \
    .since_1_0 = "413 without a problem, closed", .known_since_1_0 = OWN_TEXT
#define CLOSED_SINCE_1_0 .since_1_0 = "closed"
#define TWICE_BEFORE_1_0 .known = OWN_TEXT_TWICE, REFUSED_SINCE_1_0

/* ---- What nginx does ---- */

#define BY_NGINX "refused by nginx"
#define LINE_DROPPED "nginx drops the line"
#define LENIENT "nginx takes it and writes it anew"
#define ONE_SIDE "closed towards nginx only"
#define WITH_NGINX_LINES "nginx's own lines count too"

#endif
