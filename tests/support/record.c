/* SPDX-License-Identifier: MIT */
/* Writes bytes sent and answers received as lines of JSON, in which each character is a byte:
 *
 *   {"request":"GET /livez HTTP/1.1\r\nHost: t\r\n\r\n","head":"HTTP/1.1 200
 * OK\r\n...","body":"OK"}
 *
 * It does not check the requests: some are malformed on purpose. */
#include "support/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *directory(void)
{
    return getenv("DISCOUNT_EXCHANGES");
}

void record_sent(struct record *record, const void *bytes, size_t n)
{
    char *sent;

    if (directory() == NULL || n == 0) {
        return;
    }
    sent = realloc(record->sent, record->n + n + 1);
    if (sent == NULL) {
        abort();
    }
    memcpy(sent + record->n, bytes, n);
    record->sent = sent;
    record->n += n;
    sent[record->n] = '\0';
}

/* Returns the length of the first request. If its framing is invalid, that is everything sent: the
 * connection ends with the answer. */
static size_t request_size(const struct record *record)
{
    const char *sent = record->sent, *length, *chunked, *end;
    size_t head, size;

    end = record->n == 0 ? NULL : memmem(sent, record->n, "\r\n\r\n", 4);
    if (end == NULL) {
        return record->n;
    }
    head = (size_t)(end - sent) + 4;
    length = memmem(sent, head, "\r\nContent-Length: ", 18);
    chunked = memmem(sent, head, "\r\nTransfer-Encoding: ", 21);
    if (length != NULL && chunked != NULL) {
        return record->n;
    }
    if (chunked != NULL) {
        end = memmem(sent + head, record->n - head, "0\r\n\r\n", 5);
        return end == NULL ? record->n : (size_t)(end - sent) + 5;
    }
    size = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
    return size < record->n - head ? head + size : record->n;
}

static void text_write(FILE *line, const char *name, const char *bytes, size_t n)
{
    fprintf(line, "\"%s\":\"", name);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            fprintf(line, "\\u%04x", c);
        } else {
            putc(c, line);
        }
    }
    putc('"', line);
}

/* Appends in one write, so that lines of several threads do not mix. */
static void line_append(const char *text, size_t n)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "%s/%s.%d.jsonl", directory(), program_invocation_short_name,
             (int)getpid());
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, n) != (ssize_t)n) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        abort();
    }
    close(fd);
}

void record_answer(struct record *record, const char *head, const char *body, size_t body_size)
{
    size_t size = request_size(record), line_size = 0;
    char *text = NULL;
    FILE *line;

    if (directory() == NULL) {
        return;
    }
    line = open_memstream(&text, &line_size);
    if (line == NULL) {
        abort();
    }
    putc('{', line);
    text_write(line, "request", record->sent, size);
    putc(',', line);
    text_write(line, "head", head, strlen(head));
    if (body_size <= RECORD_BODY_MOST) {
        putc(',', line);
        text_write(line, "body", body, body_size);
    }
    fputs("}\n", line);
    if (fclose(line) != 0) {
        abort();
    }
    line_append(text, line_size);
    free(text);
    if (size > 0) {
        memmove(record->sent, record->sent + size, record->n - size);
        record->n -= size;
    }
}

void record_fini(struct record *record)
{
    free(record->sent);
    *record = (struct record){0};
}
