/* SPDX-License-Identifier: MIT */
/* Bodies in chunks (RFC 9112, section 7.1). */
#include "http/attacks/attack.h"

#define CHUNKS(chunks)                                                                             \
    BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n" chunks)

static const struct attack attacks[] = {
    {"one chunk", CHUNKS("34\r\n" DISCOUNT "\r\n0\r\n\r\n"), CREATED},
    {"three chunks",
     CHUNKS("1\r\n{\r\n8\r\n\"brand_i\r\n2B\r\nd\":\"b\",\"discount_code\":\"c\",\"total_count\":1}"
            "\r\n0\r\n\r\n"),
     CREATED},
    {"a size with zeros before it", CHUNKS("000034\r\n" DISCOUNT "\r\n000\r\n\r\n"), CREATED},
    {"a chunk extension", CHUNKS("34;a=b\r\n" DISCOUNT "\r\n0;c\r\n\r\n"), EITHER(CREATED)},
    {"a quoted chunk extension", CHUNKS("34;a=\"b\"\r\n" DISCOUNT "\r\n0\r\n\r\n"),
     EITHER(CREATED)},
    {"trailer fields", CHUNKS("34\r\n" DISCOUNT "\r\n0\r\nX-Trailer: y\r\n\r\n"), CREATED},
    {"a trailer that would frame", CHUNKS("34\r\n" DISCOUNT "\r\n0\r\nContent-Length: 5\r\n\r\n"),
     CREATED},
    {"a trailer that would encode",
     CHUNKS("34\r\n" DISCOUNT "\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), CREATED},
    {"a trailer that is a request", CHUNKS("34\r\n" DISCOUNT "\r\n0\r\n" SMUGGLED), REFUSED,
     EITHER("201, 400 malformed-request, closed")},
    {"no chunk", CHUNKS("0\r\n\r\n"), BAD_JSON},
    {"a chunk extension with a bare LF", CHUNKS("34;\na\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED),
     REFUSED},
    {"a size that is none", CHUNKS("zz\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"an empty size", CHUNKS("\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size of -1", CHUNKS("-1\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size with +", CHUNKS("+34\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size with 0x", CHUNKS("0x34\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size after a blank", CHUNKS(" 34\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size before a blank", CHUNKS("34 \r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED,
     EITHER("201, 201, kept")},
    {"a size with _", CHUNKS("3_4\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size with a NUL", CHUNKS("34\0\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), REFUSED},
    {"a size of 2^31 - 1", CHUNKS("7fffffff\r\n" DISCOUNT "\r\n0\r\n\r\n"), "closed",
     "413 payload-too-large, closed", .ends = true},
    {"a size of 2^32 + 52", CHUNKS("100000034\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), "closed",
     "413 payload-too-large, closed", .ends = true},
    {"a size of 2^64 - 1", CHUNKS("ffffffffffffffff\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED),
     "413 payload-too-large, closed|closed", MALFORMED_CLOSED, .ends = true},
    {"a size of 2^64 + 52", CHUNKS("10000000000000034\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED),
     TOO_LARGE, MALFORMED_CLOSED},
    {"a size of 200 digits", CHUNKS("{200*f}\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED), TOO_LARGE,
     MALFORMED_CLOSED},
    {"no line's end behind a chunk", CHUNKS("34\r\n" DISCOUNT "0\r\n\r\n" SMUGGLED), REFUSED},
    {"a chunk that is longer than its size", CHUNKS("33\r\n" DISCOUNT "\r\n0\r\n\r\n" SMUGGLED),
     REFUSED},
    {"two bytes that are no line's end behind a chunk",
     CHUNKS("34\r\n" DISCOUNT "XX0\r\n\r\n" SMUGGLED), REFUSED},
    {"no last chunk", CHUNKS("34\r\n" DISCOUNT "\r\n"), "closed", .ends = true},
    {"no empty line behind the last chunk", CHUNKS("34\r\n" DISCOUNT "\r\n0\r\n"), "closed",
     .ends = true},
    {"an end in the middle of a size", CHUNKS("3"), "closed", .ends = true},
    {"chunks on a GRANT of bad JSON",
     BYTES("POST /discount/{id}/grant HTTP/1.1\r\n" HOST JSON
           "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n"),
     BAD_JSON},
};

const struct attack_class attacks_on_chunks =
    ATTACK_CLASS("chunked bodies",
                 "put together, or 400 or 413 and closed, and nothing behind is read", attacks);
