/* SPDX-License-Identifier: MIT */
/* Requests whose end two parsers may see in different places. Each carries a second request where
 * one of them would look for it. */
#include "http/attacks/attack.h"

/* Framing lines, an empty body in chunks or of no length, and the second request. */
#define TWO_ENDS(lines) BYTES("POST /livez HTTP/1.1\r\n" HOST lines "\r\n0\r\n\r\n" SMUGGLED)
#define HIDDEN(lines) BYTES("POST /livez HTTP/1.1\r\n" HOST lines "\r\n" SMUGGLED)

static const struct attack attacks[] = {
    /* Two lengths. */
    {"Content-Length twice, 0 first", HIDDEN("Content-Length: 0\r\nContent-Length: {length}\r\n"),
     MALFORMED_CLOSED},
    {"Content-Length twice, 0 last", HIDDEN("Content-Length: {length}\r\nContent-Length: 0\r\n"),
     MALFORMED_CLOSED},
    {"Content-Length twice, the same",
     HIDDEN("Content-Length: {length}\r\nContent-Length: {length}\r\n"), MALFORMED_CLOSED},
    {"Content-Length in two cases", HIDDEN("Content-Length: 0\r\ncontent-length: {length}\r\n"),
     MALFORMED_CLOSED},
    {"Content-Length as a list", HIDDEN("Content-Length: 147, 147\r\n"), REFUSED},
    {"Content-Length as a list of two", HIDDEN("Content-Length: 0,147\r\n"), REFUSED},
    {"Content-Length empty and again", HIDDEN("Content-Length:\r\nContent-Length: {length}\r\n"),
     REFUSED},

    /* A length and chunks. */
    {"Content-Length and chunks",
     TWO_ENDS("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), REFUSED},
    {"chunks and Content-Length",
     TWO_ENDS("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"), REFUSED},
    {"chunks and a Content-Length of 0",
     TWO_ENDS("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), REFUSED},
    {"chunks and a short Content-Length",
     TWO_ENDS("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), REFUSED},
    {"chunks on a GET and Content-Length",
     BYTES("GET /livez HTTP/1.1\r\n" HOST "Content-Length: {length}\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
     REFUSED},

    /* Encodings. */
    {"Transfer-Encoding twice",
     TWO_ENDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), MALFORMED_CLOSED},
    {"Transfer-Encoding: chunked and identity",
     TWO_ENDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), MALFORMED_CLOSED},
    {"Transfer-Encoding: xchunked", TWO_ENDS("Transfer-Encoding: xchunked\r\n"), REFUSED},
    {"Transfer-Encoding: gzip, chunked", TWO_ENDS("Transfer-Encoding: gzip, chunked\r\n"), REFUSED},
    {"Transfer-Encoding: chunked, gzip", TWO_ENDS("Transfer-Encoding: chunked, gzip\r\n"), REFUSED},
    {"Transfer-Encoding: chunked, chunked", TWO_ENDS("Transfer-Encoding: chunked, chunked\r\n"),
     REFUSED},
    {"Transfer-Encoding: identity", TWO_ENDS("Transfer-Encoding: identity\r\n"), REFUSED},
    {"Transfer-Encoding: gzip", TWO_ENDS("Transfer-Encoding: gzip\r\n"), REFUSED},
    {"Transfer-Encoding: cow", TWO_ENDS("Transfer-Encoding: cow\r\n"), REFUSED},
    {"Transfer-Encoding with a parameter", TWO_ENDS("Transfer-Encoding: chunked;q=1\r\n"), REFUSED},
    {"Transfer-Encoding quoted", TWO_ENDS("Transfer-Encoding: \"chunked\"\r\n"), REFUSED},
    {"Transfer-Encoding: \\vchunked", TWO_ENDS("Transfer-Encoding: \013chunked\r\n"), REFUSED},
    {"Transfer-Encoding: chunked\\v", TWO_ENDS("Transfer-Encoding: chunked\013\r\n"), REFUSED},
    {"Transfer-Encoding with a long s", TWO_ENDS("Transfer-Encoding: chunked\305\277\r\n"),
     REFUSED},
    {"Transfer-Encoding empty", TWO_ENDS("Transfer-Encoding:\r\n"), REFUSED},
    {"chunks on HTTP/1.0",
     BYTES("POST /livez HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
     MALFORMED_CLOSED},
    {"chunks and Content-Length on HTTP/1.0",
     BYTES("POST /livez HTTP/1.0\r\n" HOST "Connection: keep-alive\r\nContent-Length: {length}\r\n"
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED),
     REFUSED},
    {"Transfer-Encoding: chunked and a blank",
     BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked \r\n\r\n"
           "34\r\n" DISCOUNT "\r\n0\r\n\r\n"),
     EITHER(CREATED)},
    {"Transfer-Encoding: CHUNKED",
     BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: CHUNKED\r\n\r\n"
           "34\r\n" DISCOUNT "\r\n0\r\n\r\n"),
     CREATED},

    /* Names that one parser takes for the real one. */
    {"Content-Length and a blank", HIDDEN("Content-Length : {length}\r\n"), REFUSED},
    {"Content-Length and a tab", HIDDEN("Content-Length\t: {length}\r\n"), REFUSED},
    {"Content-Length and \\v", HIDDEN("Content-Length\013: {length}\r\n"), MALFORMED_CLOSED},
    {"Content-Length and a no-break space", HIDDEN("Content-Length\240: {length}\r\n"),
     MALFORMED_CLOSED, EITHER("405 method-not-allowed, 201, kept")},
    {"Transfer-Encoding and a blank", TWO_ENDS("Transfer-Encoding : chunked\r\n"), REFUSED},
    {"Transfer-Encoding and a tab", TWO_ENDS("Transfer-Encoding\t: chunked\r\n"), REFUSED},
    {"Transfer-Encoding and a blank, with Content-Length",
     TWO_ENDS("Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n"), REFUSED},
    {"Content-Length after a blank", HIDDEN("X: y\r\n Content-Length: {length}\r\n"), REFUSED},
    {"Content_Length is another header", HIDDEN("Content_Length: {length}\r\n"),
     "405 method-not-allowed, 201, kept"},

    /* Lines that go on in the next one. */
    {"a folded Content-Length", HIDDEN("Content-Length:\r\n {length}\r\n"), REFUSED},
    {"a Content-Length folded with a tab", HIDDEN("Content-Length:\r\n\t{length}\r\n"), REFUSED},
    {"a Content-Length that goes on", HIDDEN("Content-Length: 0\r\n 147\r\n"), REFUSED},
    {"a folded Transfer-Encoding", TWO_ENDS("Transfer-Encoding:\r\n chunked\r\n"), REFUSED},
    {"a Transfer-Encoding folded with a tab", TWO_ENDS("Transfer-Encoding:\r\n\tchunked\r\n"),
     REFUSED},
    {"a Transfer-Encoding that goes on", TWO_ENDS("Transfer-Encoding: x,\r\n chunked\r\n"),
     REFUSED},
    {"a header that goes on with Transfer-Encoding",
     TWO_ENDS("X: y\r\n\tTransfer-Encoding: chunked\r\n"), REFUSED},

    /* What ends a line. */
    {"a CR before Content-Length", HIDDEN("X: y\rContent-Length: {length}\r\n"), REFUSED},
    {"a CR before Transfer-Encoding", TWO_ENDS("X: y\rTransfer-Encoding: chunked\r\n"), REFUSED},
    {"an LF before Content-Length",
     BYTES("POST /discount HTTP/1.1\r\n" HOST JSON
           "X: y\nContent-Length: {length}\r\n\r\n" DISCOUNT),
     EITHER(CREATED)},
    {"a CR and then CRLF", HIDDEN("X: y\r\r\nContent-Length: {length}\r\n"), REFUSED,
     EITHER("405 method-not-allowed, kept")},
    {"a CR in the middle of Content-Length", HIDDEN("Content-Length: 0\r147\r\n"), REFUSED},
    {"lines that end in LF", BYTES("GET /livez HTTP/1.1\nHost: t\n\n"), EITHER(OK_KEPT)},
    {"an empty line of LF only", BYTES("GET /livez HTTP/1.1\r\nHost: t\r\n\n"), EITHER(OK_KEPT)},

    /* Bodies where none is looked for. */
    {"a body on a GET is read", BYTES("GET /livez HTTP/1.1\r\n" HOST SIZED SMUGGLED), OK_KEPT},
    {"a body in chunks on a GET is read",
     BYTES("GET /livez HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n93\r\n" SMUGGLED
           "\r\n0\r\n\r\n"),
     OK_KEPT},
    {"a body on a HEAD is read", BYTES("HEAD /livez HTTP/1.1\r\n" HOST SIZED SMUGGLED), OK_KEPT},
    {"a body on OPTIONS is read", BYTES("OPTIONS /discount HTTP/1.1\r\n" HOST SIZED SMUGGLED),
     "204, kept"},
    {"a body on an unknown path is read", BYTES("POST /nothing HTTP/1.1\r\n" HOST SIZED SMUGGLED),
     NOT_FOUND},
    {"a body of the wrong type is read", BYTES("POST /discount HTTP/1.1\r\n" HOST SIZED SMUGGLED),
     "415 unsupported-media-type, kept"},
    {"a body on a bad path is read", BYTES("POST /%zz HTTP/1.1\r\n" HOST SIZED SMUGGLED),
     MALFORMED_KEPT, MALFORMED_CLOSED},
    {"a POST without any length has no body", BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "\r\n"),
     BAD_JSON},
    {"requests in one breath are answered in order",
     BYTES("GET /livez HTTP/1.1\r\n" HOST "\r\nGET /nothing HTTP/1.1\r\n" HOST
           "\r\nGET /livez HTTP/1.0\r\n" HOST "\r\n"),
     "200, 404 not-found, 200, closed"},
    {"garbage behind a request that is fine",
     BYTES("GET /livez HTTP/1.1\r\n" HOST "\r\n\001\002\003 garbage\r\n\r\n"),
     "200, 400 without a problem, closed|200, 400 malformed-request, closed|200, closed"},
    {"a body that is longer than its length",
     BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "Content-Length: 52\r\n\r\n" DISCOUNT
           "rest\r\n\r\n"),
     "201, closed|201, 400 malformed-request, closed"},
    {"a body that is shorter than its length",
     BYTES("POST /discount HTTP/1.1\r\n" HOST JSON "Content-Length: 53\r\n\r\n" DISCOUNT), "closed",
     .ends = true},
};

const struct attack_class attacks_on_framing = ATTACK_CLASS(
    "request smuggling",
    "400 and closed, and what was hidden is never carried out; a body is read where none is wanted",
    attacks);
