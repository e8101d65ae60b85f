/* SPDX-License-Identifier: MIT */
#include "support/raw_http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/loopback.h"

#define PIECE 65536

/* ---- The connection ---- */

bool http_connect(struct http_connection *connection, int port)
{
    *connection = (struct http_connection){.fd = loopback_connect(port)};
    return connection->fd >= 0;
}

void http_disconnect(struct http_connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    free(connection->bytes);
    record_fini(&connection->record);
    *connection = (struct http_connection){.fd = -1};
}

bool http_send(struct http_connection *connection, const void *bytes, size_t n)
{
    const char *at = bytes;

    record_sent(&connection->record, bytes, n);
    while (n > 0) {
        ssize_t sent = send(connection->fd, at, n, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return false;
        }
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool http_send_text(struct http_connection *connection, const char *text)
{
    return http_send(connection, text, strlen(text));
}

void http_send_end(struct http_connection *connection)
{
    shutdown(connection->fd, SHUT_WR);
}

/* Makes room for one more piece and a NUL after it. */
static bool room_make(struct http_connection *connection)
{
    size_t room = connection->used + PIECE + 1;
    char *bytes;

    if (room <= connection->room) {
        return true;
    }
    if (room > RAW_HTTP_MOST) {
        return false;
    }
    bytes = realloc(connection->bytes, 2 * room);
    if (bytes == NULL) {
        return false;
    }
    connection->bytes = bytes;
    connection->room = 2 * room;
    return true;
}

/* Receives the bytes that are there, or waits for some. HTTP_COMPLETE: something came. */
static enum http_end more(struct http_connection *connection, int64_t end_ms)
{
    struct pollfd poll_fd = {.fd = connection->fd, .events = POLLIN};
    int64_t left_ms = end_ms - clock_ms();
    ssize_t n;

    if (connection->is_over) {
        return connection->is_reset ? HTTP_RESET : HTTP_CLOSED;
    }
    if (!room_make(connection)) {
        return HTTP_MALFORMED;
    }
    if (poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0) <= 0) {
        return HTTP_TIMEOUT;
    }
    n = recv(connection->fd, connection->bytes + connection->used, PIECE, 0);
    if (n <= 0) {
        connection->is_over = true;
        connection->is_reset = n < 0;
        return n < 0 ? HTTP_RESET : HTTP_CLOSED;
    }
    connection->used += (size_t)n;
    connection->bytes[connection->used] = '\0';
    return HTTP_COMPLETE;
}

/* Receives until `n` bytes are there. */
static enum http_end need_bytes(struct http_connection *connection, size_t n, int64_t end_ms)
{
    enum http_end end = HTTP_COMPLETE;

    if (n > RAW_HTTP_MOST) {
        return HTTP_MALFORMED;
    }
    while (end == HTTP_COMPLETE && connection->used < n) {
        end = more(connection, end_ms);
    }
    return end;
}

/* Receives until `mark` is found at byte `from` or later; ret_end is its end. */
static enum http_end need_mark(struct http_connection *connection, size_t from, const char *mark,
                               int64_t end_ms, size_t *ret_end)
{
    for (;;) {
        const char *found = NULL;
        enum http_end end;

        if (connection->used > from) {
            found = memmem(connection->bytes + from, connection->used - from, mark, strlen(mark));
        }
        if (found != NULL) {
            *ret_end = (size_t)(found - connection->bytes) + strlen(mark);
            return HTTP_COMPLETE;
        }
        end = more(connection, end_ms);
        if (end != HTTP_COMPLETE) {
            return end;
        }
    }
}

/* Drops the first n bytes. */
static void consume(struct http_connection *connection, size_t n)
{
    memmove(connection->bytes, connection->bytes + n, connection->used - n);
    connection->used -= n;
}

static char *copy(const char *from, size_t n)
{
    char *text = malloc(n + 1);

    if (text == NULL) {
        abort();
    }
    memcpy(text, from, n);
    text[n] = '\0';
    return text;
}

/* ---- Headers ---- */

/* Returns the value of the header line at `line` if it has this name, else NULL. */
static const char *value_at(const char *line, const char *name)
{
    size_t n = strlen(name);

    return strncasecmp(line, name, n) == 0 && line[n] == ':' ? line + n + 1 : NULL;
}

/* Returns the line after the one at `line`; NULL after the last. */
static const char *line_next(const char *line)
{
    const char *end = strstr(line, "\r\n");

    return end == NULL || end[2] == '\r' || end[2] == '\0' ? NULL : end + 2;
}

size_t http_header_count(const struct http_response *response, const char *name)
{
    size_t count = 0;

    for (const char *line = line_next(response->head); line != NULL; line = line_next(line)) {
        count += value_at(line, name) != NULL;
    }
    return count;
}

const char *http_header(struct http_response *response, const char *name)
{
    for (const char *line = line_next(response->head); line != NULL; line = line_next(line)) {
        const char *value = value_at(line, name);
        size_t n;

        if (value == NULL) {
            continue;
        }
        value += strspn(value, " \t");
        n = strcspn(value, "\r");
        while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t')) {
            n--;
        }
        free(response->value);
        response->value = copy(value, n);
        return response->value;
    }
    return NULL;
}

void http_response_fini(struct http_response *response)
{
    free(response->head);
    free(response->body);
    free(response->value);
    *response = (struct http_response){0};
}

/* Removes status line and headers from the received bytes. */
static enum http_end head_receive(struct http_connection *connection, int64_t end_ms,
                                  struct http_response *response)
{
    size_t size = 0;
    enum http_end end = need_mark(connection, 0, "\r\n\r\n", end_ms, &size);

    if (end != HTTP_COMPLETE) {
        return end;
    }
    free(response->head);
    response->head = copy(connection->bytes, size);
    consume(connection, size);
    if (strncmp(response->head, "HTTP/1.1 ", 9) != 0 ||
        strspn(response->head + 9, "0123456789") != 3) {
        return HTTP_MALFORMED;
    }
    response->status = atoi(response->head + 9);
    return HTTP_COMPLETE;
}

/* ---- Bodies ---- */

/* Returns how much to allocate for a body of this size and a NUL. It is a power of two, so that a
 * long body is not copied for each of its chunks. */
static size_t body_room(size_t size)
{
    size_t room = 64;

    while (room < size + 1) {
        room *= 2;
    }
    return room;
}

static void body_append(struct http_response *response, const char *bytes, size_t n)
{
    size_t room = body_room(response->body_size), wanted = body_room(response->body_size + n);
    char *body = response->body;

    if (body == NULL || wanted > room) {
        body = realloc(body, wanted);
    }
    if (body == NULL) {
        abort();
    }
    if (n > 0) {
        memcpy(body + response->body_size, bytes, n);
    }
    response->body = body;
    response->body_size += n;
    body[response->body_size] = '\0';
}

static enum http_end sized_body(struct http_connection *connection, size_t size, int64_t end_ms,
                                struct http_response *response)
{
    enum http_end end = need_bytes(connection, size, end_ms);

    if (end == HTTP_COMPLETE) {
        body_append(response, connection->bytes, size);
        consume(connection, size);
    }
    return end;
}

/* Reads the chunk at `at`. If its size is not 0, another chunk follows. */
static enum http_end chunk(struct http_connection *connection, size_t *at, int64_t end_ms,
                           struct http_response *response, size_t *ret_size)
{
    size_t data = 0, size;
    enum http_end end = need_mark(connection, *at, "\r\n", end_ms, &data);
    const char *start = connection->bytes + *at;
    char *size_end;

    if (end != HTTP_COMPLETE) {
        return end;
    }
    size = strtoul(start, &size_end, 16);
    if (size_end == start || *size_end != '\r' || size > RAW_HTTP_MOST) {
        return HTTP_MALFORMED;
    }
    end = need_bytes(connection, data + size + 2, end_ms);
    if (end != HTTP_COMPLETE) {
        return end;
    }
    /* This also refuses trailers, which the service never sends. */
    if (memcmp(connection->bytes + data + size, "\r\n", 2) != 0) {
        return HTTP_MALFORMED;
    }
    body_append(response, connection->bytes + data, size);
    *at = data + size + 2;
    *ret_size = size;
    return HTTP_COMPLETE;
}

static enum http_end chunked_body(struct http_connection *connection, int64_t end_ms,
                                  struct http_response *response)
{
    size_t at = 0, size = 1;

    response->is_chunked = true;
    while (size > 0) {
        enum http_end end = chunk(connection, &at, end_ms, response, &size);

        if (end != HTTP_COMPLETE) {
            return end;
        }
    }
    consume(connection, at);
    return HTTP_COMPLETE;
}

static enum http_end body_receive(struct http_connection *connection, const char *method,
                                  int64_t end_ms, struct http_response *response)
{
    bool has_length = http_header_count(response, "Content-Length") > 0;
    bool has_encoding = http_header_count(response, "Transfer-Encoding") > 0;
    bool has_none = response->status == 204 || response->status == 304;
    const char *text;
    char *text_end;
    size_t size;

    if (has_none || strcmp(method, "HEAD") == 0) {
        body_append(response, NULL, 0);
        return has_none && has_encoding ? HTTP_MALFORMED : HTTP_COMPLETE;
    }
    if (has_encoding) {
        text = http_header(response, "Transfer-Encoding");
        return has_length || strcmp(text, "chunked") != 0
                   ? HTTP_MALFORMED
                   : chunked_body(connection, end_ms, response);
    }
    /* A body without a length ends with the connection. It could not be told from one that was cut
     * off. */
    if (http_header_count(response, "Content-Length") != 1) {
        return HTTP_MALFORMED;
    }
    text = http_header(response, "Content-Length");
    size = strtoul(text, &text_end, 10);
    return text[0] == '\0' || *text_end != '\0' ? HTTP_MALFORMED
                                                : sized_body(connection, size, end_ms, response);
}

/* ---- Answers ---- */

enum http_end http_receive(struct http_connection *connection, const char *method,
                           int64_t within_ms, struct http_response *ret_response)
{
    int64_t end_ms = clock_ms() + within_ms;
    struct http_response response = {0};
    enum http_end end = head_receive(connection, end_ms, &response);

    while (end == HTTP_COMPLETE && response.status < 200) {
        response.interim_count++;
        end = head_receive(connection, end_ms, &response);
    }
    if (end == HTTP_COMPLETE) {
        end = body_receive(connection, method, end_ms, &response);
    }
    if (end == HTTP_COMPLETE) {
        record_answer(&connection->record, response.head, response.body, response.body_size);
        *ret_response = response;
    } else {
        http_response_fini(&response);
    }
    return end;
}

bool http_wait_closed(struct http_connection *connection, int64_t within_ms)
{
    enum http_end end;

    if (connection->used > 0) {
        return false;
    }
    end = more(connection, clock_ms() + within_ms);
    return end == HTTP_CLOSED || end == HTTP_RESET;
}

bool http_request(int port, const char *method, const char *target, const char *headers,
                  const char *body, struct http_response *ret_response)
{
    bool has_type = headers != NULL && strcasestr(headers, "Content-Type:") != NULL;
    struct http_connection connection;
    char *text = NULL;
    bool is_whole;

    if (asprintf(&text, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s", method, target,
                 headers == NULL ? "" : headers) < 0) {
        abort();
    }
    is_whole = http_connect(&connection, port) && http_send_text(&connection, text);
    free(text);
    if (body != NULL) {
        if (asprintf(&text, "%sContent-Length: %zu\r\n\r\n%s",
                     has_type ? "" : "Content-Type: application/json\r\n", strlen(body),
                     body) < 0) {
            abort();
        }
        /* A service that refuses early may close the connection before the whole body is sent. */
        http_send_text(&connection, text);
        free(text);
    } else {
        http_send_text(&connection, "\r\n");
    }
    is_whole = is_whole &&
               http_receive(&connection, method, CLOCK_PATIENCE_MS, ret_response) == HTTP_COMPLETE;
    http_disconnect(&connection);
    return is_whole;
}
