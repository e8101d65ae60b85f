/* SPDX-License-Identifier: MIT */
/* A blocking HTTP/1.1 client. It sends exactly the bytes that it is given, and parses answers as
 * strictly as it can. Any thread, one at a time for each connection. */
#ifndef SUPPORT_RAW_HTTP_H
#define SUPPORT_RAW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/record.h"

/* The maximum length of an answer; a longer one counts as malformed. */
#define RAW_HTTP_MOST (64 * 1024 * 1024)

struct http_connection {
    int fd; /* -1: not connected */
    bool is_over, is_reset;
    char *bytes; /* owned; bytes received but not yet used, of this answer or later ones */
    size_t used, room;
    struct record record;
};

struct http_response {
    int status;
    char *head; /* owned; status line and headers as received, and a NUL */
    char *body; /* owned; without the frames of chunks; ends with a NUL */
    size_t body_size;
    int interim_count; /* number of 1xx answers before it */
    bool is_chunked;
    char *value; /* owned; the value that http_header returned last */
};

enum http_end {
    HTTP_COMPLETE,
    HTTP_CLOSED,  /* the server closed the connection before the answer was complete */
    HTTP_RESET,   /* the server reset the connection before the answer was complete */
    HTTP_TIMEOUT, /* the answer was not complete within the time */
    HTTP_MALFORMED
};

/* Connects. Returns false, with errno, if that fails. */
bool http_connect(struct http_connection *connection, int port);
void http_disconnect(struct http_connection *connection);

/* Sends bytes. Returns false if the server has closed the connection. */
bool http_send(struct http_connection *connection, const void *bytes, size_t n);
bool http_send_text(struct http_connection *connection, const char *text);
/* Shuts down sending; answers can still be received. */
void http_send_end(struct http_connection *connection);

/* Receives exactly one final answer; later bytes are kept for the next call. `method` is the
 * request's, because an answer to HEAD has no body. The response is set only for HTTP_COMPLETE.
 * Then the caller owns it, and frees it with http_response_fini. */
enum http_end http_receive(struct http_connection *connection, const char *method,
                           int64_t within_ms, struct http_response *ret_response);
/* Returns whether the server closes the connection within this time without sending anything. */
bool http_wait_closed(struct http_connection *connection, int64_t within_ms);

/* Returns the value of the first header of this name, without blanks around it; NULL if there is
 * none. The response owns the text until the next call. */
const char *http_header(struct http_response *response, const char *name);
/* Returns how many headers have this name. */
size_t http_header_count(const struct http_response *response, const char *name);
void http_response_fini(struct http_response *response);

/* Sends one request on its own connection. `headers` are lines that end in CRLF, or NULL. A body,
 * if not NULL, adds Content-Length, and Content-Type: application/json unless the headers have one.
 * Returns whether a complete answer came within CLOCK_PATIENCE_MS. */
bool http_request(int port, const char *method, const char *target, const char *headers,
                  const char *body, struct http_response *ret_response);

#endif
