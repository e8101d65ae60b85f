/* SPDX-License-Identifier: MIT */
/* Sizes at their limit, one past it and far past it. */
#include "http/attacks/attack.h"

#define BODY_TOO_LARGE "413 payload-too-large, closed"
#define HEADERS_TOO_LARGE "431 headers-too-large, closed"

#define LONG_CREATE(more) BYTES("POST /discount HTTP/1.1\r\n" HOST JSON SIZED DISCOUNT more)
#define LONG_CHUNK(size, more)                                                                     \
    BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n" size        \
          "\r\n" DISCOUNT more "\r\n0\r\n\r\n")

static const struct attack sizes[] = {
    {"a body of 16384 bytes", LONG_CREATE("{16332* }"), CREATED},
    {"a body of 16385 bytes", LONG_CREATE("{16333* }"), BODY_TOO_LARGE},
    {"a body of 200000 bytes", LONG_CREATE("{199948* }"), BODY_TOO_LARGE},
    {"a body of 16385 bytes that does not come", CREATE_WITH("Content-Length: 16385\r\n", ""),
     BODY_TOO_LARGE},
    {"a chunk of 16384 bytes", LONG_CHUNK("4000", "{16332* }"), CREATED},
    {"a chunk of 16385 bytes", LONG_CHUNK("4001", "{16333* }"),
     "413 payload-too-large, kept|413 payload-too-large, closed"},
    {"a chunk of 65536 bytes", LONG_CHUNK("10000", "{65484* }"),
     "413 payload-too-large, kept|413 payload-too-large, closed"},
    {"a chunk of 1000000 bytes", LONG_CHUNK("f4240", "{999948* }"), "closed",
     "413 payload-too-large, closed"},
    {"a chunk that never ends",
     BYTES("POST /discount HTTP/1.1\r\n" HOST JSON
           "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n{4194304* }"),
     "closed", "413 payload-too-large, closed"},
    {"a body of 1 MiB on a GET", BYTES("GET /livez HTTP/1.1\r\n" HOST SIZED "{1048576* }"),
     BODY_TOO_LARGE},
    {"a target of 4096 bytes", GET("/{4095*a}"), NOT_FOUND},
    {"a target of 4097 bytes", GET("/{4096*a}"), "414 uri-too-long, kept"},
    {"a target of 4096 bytes, encoded", GET("/{1365*%}"), MALFORMED_KEPT, MALFORMED_CLOSED},
    {"a query that makes 4096 bytes", GET("/livez?x={4087*a}"), OK_KEPT},
    {"a query that makes 4097 bytes", GET("/livez?x={4088*a}"), "414 uri-too-long, kept"},
    {"a target of 20000 bytes", GET("/{20000*a}"), FAR_TOO_LONG},
    {"a target of 100000 bytes", GET("/{100000*a}"), FAR_TOO_LONG},
    {"a target of 4096 bytes and 4096 of headers",
     BYTES("GET /{4095*a} HTTP/1.1\r\n" HOST "X: {4082*b}\r\n\r\n"), NOT_FOUND,
     "431 headers-too-large, kept"},
    /* "Host: t" and its end are 9 bytes, "X: " and its end 5. */
    {"headers of 4096 bytes", WITH("X: {4082*b}\r\n"), OK_KEPT, "431 headers-too-large, kept"},
    {"headers of 4097 bytes", WITH("X: {4083*b}\r\n"), HEADERS_TOO_LARGE,
     "431 headers-too-large, kept"},
    {"headers of 20000 bytes", WITH("X: {20000*b}\r\n"), FAR_TOO_LONG},
    {"headers of 100000 bytes", WITH("X: {100000*b}\r\n"), FAR_TOO_LONG},
    {"a header name of 4000 bytes", WITH("{4000*X}: y\r\n"), OK_KEPT},
    {"a header name of 20000 bytes", WITH("{20000*X}: y\r\n"), FAR_TOO_LONG},
    {"a line of 100000 bytes without an end", BYTES("{100000*A}"), FAR_TOO_LONG},
};

const struct attack_class attacks_on_sizes =
    ATTACK_CLASS("sizes", "taken at the limit; one past it 413, 414 or 431", sizes);
