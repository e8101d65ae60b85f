/* SPDX-License-Identifier: MIT */
/* A blocking HTTP/1.1 client that sends exactly the bytes it is given and takes an answer apart as
 * strictly as it can. Any thread, one at a time for each connection. */
#ifndef SUPPORT_RAW_HTTP_H
#define SUPPORT_RAW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/record.h"

/* The most that an answer may be long, all of it; a longer one is malformed. */
#define RAW_HTTP_MOST (64 * 1024 * 1024)

struct http_connection {
    int fd; /* -1: not connected */
    bool is_over, is_reset;
    char *bytes; /* owned; received and not taken yet: of this answer or the next ones */
    size_t used, room;
    struct record record;
};

struct http_response {
    int status;
    char *head; /* owned; status line and headers as they came, with a NUL behind */
    char *body; /* owned; without the chunks' frames, with a NUL behind */
    size_t body_size;
    int interim_count; /* answers of 1xx that came before it */
    bool is_chunked;
    char *value; /* owned; what http_header gave last */
};

enum http_end {
    HTTP_COMPLETE,
    HTTP_CLOSED,  /* the server ended the connection before the answer was whole */
    HTTP_RESET,   /* the same, with a reset */
    HTTP_TIMEOUT, /* the answer was not whole within the time */
    HTTP_MALFORMED
};

/* False, with errno, when there is no connection to be had. */
bool http_connect(struct http_connection *connection, int port);
void http_disconnect(struct http_connection *connection);

/* False when the server has ended the connection. */
bool http_send(struct http_connection *connection, const void *bytes, size_t n);
bool http_send_text(struct http_connection *connection, const char *text);
/* Tells the server that nothing more will come; answers can still be received. */
void http_send_end(struct http_connection *connection);

/* Takes exactly one final answer; bytes behind it are kept for the next call. `method` is that of
 * the request, because an answer to HEAD has no body. The response is filled only when the result
 * is HTTP_COMPLETE, and then the caller's to give to http_response_fini. */
enum http_end http_receive(struct http_connection *connection, const char *method,
                           int64_t within_ms, struct http_response *ret_response);
/* Whether the server has closed the connection within this time and sent nothing more. */
bool http_wait_closed(struct http_connection *connection, int64_t within_ms);

/* The value of the first header of this name, without the blanks around it, in memory that the
 * response owns until the next call; NULL when there is none. */
const char *http_header(struct http_response *response, const char *name);
/* How many headers have this name. */
size_t http_header_count(const struct http_response *response, const char *name);
void http_response_fini(struct http_response *response);

/* One request on a connection of its own. `headers` are lines that end in CRLF, or NULL; a body, if
 * it is not NULL, brings its Content-Length, and Content-Type: application/json unless the headers
 * have one. True when there was a whole answer within CLOCK_PATIENCE_MS. */
bool http_request(int port, const char *method, const char *target, const char *headers,
                  const char *body, struct http_response *ret_response);

#endif
