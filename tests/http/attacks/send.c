/* SPDX-License-Identifier: MIT */
#include "http/attacks/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

/* Comes behind each attack. */
static const char probe[] = "GET /livez HTTP/1.1\r\nHost: t\r\nX-Request-ID: probe\r\n\r\n";

/* ---- Bytes ---- */

/* The place of {length}, when there is one, waits for what comes behind it. */
struct text {
    FILE *file;
    char *bytes;
    size_t size;
};

/* Writes what stands for the notation at `at`; how long that is, or 0 when there is none. */
static size_t notation_write(const char *at, const char *end, const char *id, FILE *to)
{
    char *number_end;
    long count;

    if (end - at > 4 && memcmp(at, "{id}", 4) == 0) {
        fputs(id, to);
        return 4;
    }
    if (end - at < 5 || at[0] != '{') {
        return 0;
    }
    count = strtol(at + 1, &number_end, 10);
    if (number_end == at + 1 || end - number_end < 3 || number_end[0] != '*' ||
        number_end[2] != '}') {
        return 0;
    }
    for (long i = 0; i < count; i++) {
        putc(number_end[1], to);
    }
    return (size_t)(number_end + 3 - at);
}

/* Puts the length of what is behind the first empty line where {length} stands. */
static void length_put(struct text *text)
{
    static const char mark[] = "{length}", blank[] = "\r\n\r\n";
    size_t n = sizeof(mark) - 1;
    const char *at = memmem(text->bytes, text->size, mark, n), *body;
    struct text with = {0};

    if (at == NULL) {
        return;
    }
    body = memmem(text->bytes, text->size, blank, sizeof(blank) - 1);
    assert_non_null(body);
    assert_true(at < body);
    body += sizeof(blank) - 1;
    with.file = open_memstream(&with.bytes, &with.size);
    assert_non_null(with.file);
    fwrite(text->bytes, 1, (size_t)(at - text->bytes), with.file);
    fprintf(with.file, "%zu", (size_t)(text->bytes + text->size - body));
    fwrite(at + n, 1, (size_t)(text->bytes + text->size - at) - n, with.file);
    fclose(with.file);
    free(text->bytes);
    *text = with;
    length_put(text);
}

char *attack_bytes(const struct attack *attack, const char *id, size_t *ret_size)
{
    const char *end = attack->bytes + attack->size;
    struct text text = {0};

    text.file = open_memstream(&text.bytes, &text.size);
    assert_non_null(text.file);
    for (const char *at = attack->bytes; at < end;) {
        size_t n = notation_write(at, end, id, text.file);

        if (n == 0) {
            putc(*at++, text.file);
        }
        at += n;
    }
    fclose(text.file);
    length_put(&text);
    *ret_size = text.size;
    return text.bytes;
}

/* ---- What was made ---- */

void attack_made_add(char **list, const char *name)
{
    char *longer = NULL;

    if (asprintf(&longer, "%s%s\n", *list == NULL ? "" : *list, name) < 0) {
        abort();
    }
    free(*list);
    *list = longer;
}

void attack_made_fini(struct attack_made *made)
{
    free(made->discounts);
    free(made->users);
    *made = (struct attack_made){0};
}

static void made_look(struct http_response *response, struct attack_made *made)
{
    json_t *body;

    if (response->status != 201 || http_header(response, "Idempotent-Replayed") != NULL) {
        return;
    }
    body = service_json(response);
    if (json_object_get(body, "user_id") != NULL) {
        attack_made_add(&made->users, json_string_value(json_object_get(body, "user_id")));
    } else {
        attack_made_add(&made->discounts, json_string_value(json_object_get(body, "id")));
    }
    json_decref(body);
}

/* ---- Answers ---- */

static void result_add(char result[ATTACK_RESULT], const char *text)
{
    size_t used = strlen(result);

    snprintf(result + used, ATTACK_RESULT - used, "%s%s", used > 0 ? ", " : "", text);
}

/* The problem's name; NULL for what is no problem in all its members. */
static const char *problem_name(struct http_response *response, json_t *body)
{
    static const char types[] = "/problems/";
    const char *content_type = http_header(response, "Content-Type");
    const char *type = json_string_value(json_object_get(body, "type"));
    const char *id = json_string_value(json_object_get(body, "request_id")), *sent_id;

    if (content_type == NULL || strcmp(content_type, "application/problem+json") != 0) {
        return NULL;
    }
    sent_id = http_header(response, "X-Request-ID");
    if (type == NULL || strncmp(type, types, sizeof(types) - 1) != 0 || id == NULL ||
        sent_id == NULL || strcmp(id, sent_id) != 0 ||
        json_integer_value(json_object_get(body, "status")) != response->status ||
        json_string_length(json_object_get(body, "title")) == 0 ||
        json_string_length(json_object_get(body, "detail")) == 0) {
        return NULL;
    }
    return type + sizeof(types) - 1;
}

static void answer_add(struct http_response *response, bool is_head, char result[ATTACK_RESULT])
{
    char text[128];

    for (int i = 0; i < response->interim_count; i++) {
        result_add(result, "100");
    }
    if (response->status < 400 || is_head) {
        snprintf(text, sizeof(text), "%d", response->status);
    } else {
        json_t *body = json_loadb(response->body, response->body_size, 0, NULL);
        const char *name = problem_name(response, body);

        snprintf(text, sizeof(text), "%d %s", response->status,
                 name == NULL ? "without a problem" : name);
        json_decref(body);
    }
    result_add(result, text);
}

static bool is_of_probe(struct http_response *response)
{
    const char *id = http_header(response, "X-Request-ID");

    return id != NULL && strcmp(id, "probe") == 0 && response->status == 200 &&
           strcmp(response->body, "OK") == 0;
}

static const char *end_name(enum http_end end, const struct attack_sent *sent)
{
    bool is_late = clock_ms() - sent->since_ms >= ATTACK_DEADLINE_MS;

    if (end == HTTP_TIMEOUT) {
        return "silent";
    }
    if (end == HTTP_MALFORMED || sent->connection.used > 0) {
        return "what is no answer";
    }
    return is_late && !sent->ends ? "cut" : "closed";
}

void attack_send(struct attack_sent *sent, int port, const char *bytes, size_t size, bool ends)
{
    *sent = (struct attack_sent){.is_head = size > 5 && memcmp(bytes, "HEAD ", 5) == 0,
                                 .ends = ends,
                                 .since_ms = clock_ms()};
    assert_true(http_connect(&sent->connection, port));
    /* It may be cut while it is still sent. */
    if (http_send(&sent->connection, bytes, size) && !ends) {
        http_send_text(&sent->connection, probe);
    }
    if (ends) {
        http_send_end(&sent->connection);
    }
}

static bool is_last(struct http_response *response)
{
    const char *value = http_header(response, "Connection");

    return value != NULL && strcmp(value, "close") == 0;
}

void attack_receive(struct attack_sent *sent, struct attack_made *made,
                    char ret_result[ATTACK_RESULT])
{
    struct http_response response;
    enum http_end end;

    ret_result[0] = '\0';
    while ((end = http_receive(&sent->connection, sent->is_head ? "HEAD" : "GET", CLOCK_PATIENCE_MS,
                               &response)) == HTTP_COMPLETE &&
           !is_of_probe(&response)) {
        answer_add(&response, sent->is_head, ret_result);
        made_look(&response, made);
        if (sent->lingers && is_last(&response)) {
            http_send_end(&sent->connection);
        }
        http_response_fini(&response);
        sent->is_head = false;
    }
    if (end == HTTP_COMPLETE) {
        http_response_fini(&response);
        result_add(ret_result, "kept");
    } else {
        result_add(ret_result, end_name(end, sent));
    }
    http_disconnect(&sent->connection);
}
