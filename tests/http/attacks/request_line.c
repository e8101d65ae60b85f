/* SPDX-License-Identifier: MIT */
/* Request lines that are none, other protocols, and methods. */
#include "http/attacks/attack.h"

#define LINE(line) BYTES(line "\r\n" HOST "\r\n")
#define NO_VERSION REFUSED "|505 without a problem, closed"

static const struct attack lines[] = {
    {"HTTP/0.9", BYTES("GET /livez\r\n"), REFUSED, .ends = true},
    {"HTTP/0.9 with headers", LINE("GET /livez"), REFUSED, EITHER("what is no answer")},
    {"HTTP/1.2", LINE("GET /livez HTTP/1.2"), "200, kept"},
    {"HTTP/2.0", LINE("GET /livez HTTP/2.0"), NO_VERSION},
    {"HTTP/9.9", LINE("GET /livez HTTP/9.9"), NO_VERSION},
    {"HTTP/1.10", LINE("GET /livez HTTP/1.10"), NO_VERSION, EITHER(OK_KEPT)},
    {"HTTP/01.1", LINE("GET /livez HTTP/01.1"), NO_VERSION},
    {"HTTP/1", LINE("GET /livez HTTP/1"), NO_VERSION},
    {"HTTP/", LINE("GET /livez HTTP/"), NO_VERSION},
    {"HTTP/-1.1", LINE("GET /livez HTTP/-1.1"), NO_VERSION},
    {"HTTP/1.1 and more", LINE("GET /livez HTTP/1.1x"), NO_VERSION},
    {"http/1.1", LINE("GET /livez http/1.1"), NO_VERSION},
    {"HTTPS/1.1", LINE("GET /livez HTTPS/1.1"), NO_VERSION},
    {"ICE/1.0", LINE("GET /livez ICE/1.0"), NO_VERSION},
    {"the preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), NO_VERSION},
    {"the hello of TLS", BYTES("\026\003\001\002\000\001\000\001\374\003\003"), REFUSED,
     .ends = true},
    {"the hello of TLS, and more", BYTES("\026\003\001\002\000\001\000\001\374\003\003\r\n\r\n"),
     REFUSED},
    {"a request to a mail server", BYTES("EHLO t\r\nMAIL FROM:<a@b>\r\n\r\n"), REFUSED},
    {"a command of Redis", BYTES("*1\r\n$8\r\nFLUSHALL\r\n\r\n"), REFUSED},
    {"a header of the PROXY protocol",
     BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n"), REFUSED},
    {"an empty line before the request", BYTES("\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n"),
     "200, kept|closed"},
    {"ten empty lines before the request",
     BYTES("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET /livez HTTP/1.1\r\n" HOST "\r\n"),
     "200, kept|closed"},
    {"empty lines only", BYTES("\r\n\r\n\r\n"), "closed", .ends = true},
    {"nothing at all", BYTES(""), "closed", .ends = true},
    {"an end in the middle of the line", BYTES("GET /liv"), "closed", .ends = true},
    {"an end in the middle of the headers", BYTES("GET /livez HTTP/1.1\r\nHos"), "closed",
     .ends = true},
    {"no target", LINE("GET"), REFUSED},
    {"no target, but a version", LINE("GET HTTP/1.1"), REFUSED},
    {"an empty target", LINE("GET  HTTP/1.1"), MALFORMED_KEPT "|" REFUSED},
    {"no method", LINE(" /livez HTTP/1.1"), REFUSED},
    {"no method and no blank", LINE("/livez HTTP/1.1"), REFUSED},
    {"a blank before the method", LINE(" GET /livez HTTP/1.1"), REFUSED},
    {"a blank in the target", LINE("GET /li vez HTTP/1.1"), MALFORMED_KEPT "|" REFUSED},
    {"two blanks before the target", LINE("GET  /livez HTTP/1.1"), EITHER(OK_KEPT)},
    {"two blanks before the version", LINE("GET /livez  HTTP/1.1"), MALFORMED_KEPT "|" REFUSED,
     EITHER(OK_KEPT)},
    {"a blank behind the version", LINE("GET /livez HTTP/1.1 "), REFUSED, EITHER(OK_KEPT)},
    {"tabs for blanks", LINE("GET\t/livez\tHTTP/1.1"), REFUSED},
    {"a tab in the target", LINE("GET /li\tvez HTTP/1.1"), MALFORMED_KEPT "|" REFUSED},
    {"\\v for a blank", LINE("GET\013/livez HTTP/1.1"), REFUSED},
    {"a CR in the line", LINE("GET /livez\rHTTP/1.1"), REFUSED},
    {"a CR in the target", LINE("GET /li\rvez HTTP/1.1"), MALFORMED_KEPT "|" REFUSED},
    {"a fold behind the line", BYTES("GET /livez\r\n HTTP/1.1\r\n" HOST "\r\n"), REFUSED,
     EITHER("what is no answer")},
};

const struct attack_class attacks_on_request_line =
    ATTACK_CLASS("request lines", "what is no HTTP/1.x: 400 or 505 and closed, or closed", lines);

#define NOT_ALLOWED "405 method-not-allowed, kept"
#define METHOD(method) BYTES(method " /discount HTTP/1.1\r\n" HOST "\r\n")

static const struct attack methods[] = {
    {"PUT", METHOD("PUT"), NOT_ALLOWED},
    {"DELETE", METHOD("DELETE"), NOT_ALLOWED},
    {"PATCH", METHOD("PATCH"), NOT_ALLOWED},
    {"PUT with a body", BYTES("PUT /discount/{id} HTTP/1.1\r\n" HOST JSON SIZED DISCOUNT),
     NOT_ALLOWED},
    {"DELETE of a discount", BYTES("DELETE /discount/{id} HTTP/1.1\r\n" HOST "\r\n"), NOT_ALLOWED},
    {"TRACE", METHOD("TRACE"), NOT_ALLOWED, "405 method-not-allowed, closed"},
    {"TRACK", METHOD("TRACK"), NOT_ALLOWED},
    {"DEBUG", METHOD("DEBUG"), NOT_ALLOWED},
    {"PROPFIND", METHOD("PROPFIND"), NOT_ALLOWED},
    {"QUERY", METHOD("QUERY"), NOT_ALLOWED},
    {"CONNECT to a path", METHOD("CONNECT"), NOT_ALLOWED, "405 method-not-allowed, closed"},
    {"CONNECT to a host", BYTES("CONNECT t:443 HTTP/1.1\r\n" HOST "\r\n"), MALFORMED_KEPT,
     MALFORMED_CLOSED},
    {"FOO", METHOD("FOO"), NOT_ALLOWED},
    {"get", METHOD("get"), NOT_ALLOWED, MALFORMED_CLOSED},
    {"Post", METHOD("Post"), NOT_ALLOWED, MALFORMED_CLOSED},
    {"GETT", METHOD("GETT"), NOT_ALLOWED},
    {"GET and symbols", METHOD("GET!~"), NOT_ALLOWED, MALFORMED_CLOSED},
    {"POST on what can only be read", BYTES("POST /livez HTTP/1.1\r\n" HOST "\r\n"), NOT_ALLOWED},
    {"a method with a bracket", METHOD("GET("), NOT_ALLOWED "|" REFUSED, MALFORMED_CLOSED},
    {"a method of 8 bits", METHOD("G\303\204T"), NOT_ALLOWED "|" REFUSED, MALFORMED_CLOSED},
    {"a method of 1000 letters", METHOD("{1000*A}"), NOT_ALLOWED},
    {"a method of 20000 letters", METHOD("{20000*A}"), FAR_TOO_LONG},
    {"a method that nothing has on an unknown path", BYTES("FOO /nothing HTTP/1.1\r\n" HOST "\r\n"),
     NOT_FOUND},
    {"OPTIONS *", BYTES("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "204, kept", MALFORMED_CLOSED},
    {"OPTIONS of a list", METHOD("OPTIONS"), "204, kept"},
    {"OPTIONS of nothing", BYTES("OPTIONS /nothing HTTP/1.1\r\n" HOST "\r\n"), NOT_FOUND},
    {"HEAD", METHOD("HEAD"), "200, kept|200, closed"},
    {"HEAD of nothing", BYTES("HEAD /nothing HTTP/1.1\r\n" HOST "\r\n"), "404, kept"},
    {"HEAD with a bad header", BYTES("HEAD /livez HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n"),
     "400, closed"},
};

const struct attack_class attacks_on_methods = ATTACK_CLASS(
    "methods", "405 with Allow; 404 where there is nothing; OPTIONS 204; HEAD as GET", methods);
