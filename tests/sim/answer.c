/* SPDX-License-Identifier: MIT */
#include "sim/answer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* More than the length of any answer's head. */
#define HEAD_MOST 4096

/* The framing of the body, as the headers give it. */
struct framing {
    unsigned lengths, codings;
    size_t length;
    bool has_type;
};

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!isalnum((unsigned char)text.p[i]) && strchr("!#$%&'*+-.^_`|~", text.p[i]) == NULL) {
            return false;
        }
    }
    return text.n > 0;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 || (unsigned char)text.p[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_named(struct str name, const char *text)
{
    return name.n == strlen(text) && strncasecmp(name.p, text, name.n) == 0;
}

static bool length_read(struct str value, size_t *ret_length)
{
    size_t length = 0;

    if (value.n < 1 || value.n > 9) {
        return false;
    }
    for (size_t i = 0; i < value.n; i++) {
        if (!isdigit((unsigned char)value.p[i])) {
            return false;
        }
        length = 10 * length + (size_t)(value.p[i] - '0');
    }
    *ret_length = length;
    return true;
}

/* ---- The head ---- */

static bool status_line_read(struct str line, struct answer *answer)
{
    bool is_old = line.n > 9 && memcmp(line.p, "HTTP/1.0 ", 9) == 0;

    if (line.n < 13 || (!is_old && memcmp(line.p, "HTTP/1.1 ", 9) != 0) ||
        !isdigit((unsigned char)line.p[9]) || !isdigit((unsigned char)line.p[10]) ||
        !isdigit((unsigned char)line.p[11]) || line.p[12] != ' ' || !is_printable(line)) {
        return false;
    }
    answer->code = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + line.p[11] - '0';
    answer->closes = is_old;
    return answer->code >= 100 && answer->code <= 599;
}

static bool field_read(struct str line, struct answer *answer, struct framing *framing)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct str name = {line.p, colon == NULL ? 0 : (size_t)(colon - line.p)}, value;

    if (colon == NULL || !is_token(name) || !is_printable(line) || colon[1] != ' ') {
        return false;
    }
    value = str_from(line, name.n + 2);
    if (is_named(name, "Content-Length")) {
        framing->lengths++;
        return length_read(value, &framing->length);
    }
    if (is_named(name, "Transfer-Encoding")) {
        framing->codings++;
        return str_eq(value, STR("chunked"));
    }
    if (is_named(name, "X-Request-ID")) {
        answer->request_id = value;
    } else if (is_named(name, "Connection")) {
        answer->closes |= is_named(value, "close");
    } else if (is_named(name, "Content-Type")) {
        framing->has_type = true;
    }
    return true;
}

static bool head_read(struct str head, struct answer *answer, struct framing *framing)
{
    bool is_first = true;

    while (head.n > 2) {
        const char *end = memmem(head.p, head.n, "\r\n", 2);
        struct str line = {head.p, (size_t)(end - head.p)};

        if (is_first ? !status_line_read(line, answer) : !field_read(line, answer, framing)) {
            return false;
        }
        is_first = false;
        head = str_from(head, line.n + 2);
    }
    return !is_first;
}

/* ---- The body ---- */

static enum answer_end chunk_size_read(struct str bytes, size_t *ret_size, size_t *ret_taken)
{
    size_t size = 0, i = 0;

    while (i < bytes.n && i < 8 && isxdigit((unsigned char)bytes.p[i])) {
        char c = (char)tolower((unsigned char)bytes.p[i++]);

        size = 16 * size + (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    if (bytes.n - i >= 2 && (i == 0 || memcmp(bytes.p + i, "\r\n", 2) != 0)) {
        return ANSWER_BAD;
    }
    *ret_size = size;
    *ret_taken = i + 2;
    return bytes.n - i >= 2 ? ANSWER_WHOLE : ANSWER_PART;
}

static enum answer_end chunks_read(struct str bytes, size_t *ret_size)
{
    size_t at = 0, size = 1, taken;

    while (size > 0) {
        enum answer_end end = chunk_size_read(str_from(bytes, at), &size, &taken);

        if (end != ANSWER_WHOLE) {
            return end;
        }
        if (bytes.n - at < taken + size + 2) {
            return ANSWER_PART;
        }
        at += taken + size + 2;
        if (memcmp(bytes.p + at - 2, "\r\n", 2) != 0) {
            return ANSWER_BAD;
        }
    }
    *ret_size = at;
    return ANSWER_WHOLE;
}

static enum answer_end body_read(struct str rest, bool is_head, const struct framing *framing,
                                 struct answer *answer, const char **ret_error)
{
    bool has_none = answer->code == 204 || answer->code == 304;
    enum answer_end end = ANSWER_WHOLE;
    size_t size = 0;

    *ret_error = "a body that is framed in no way, or in two";
    answer->is_chunked = framing->codings > 0;
    if (framing->lengths + framing->codings > 1 || (has_none && answer->is_chunked)) {
        return ANSWER_BAD;
    }
    if (!is_head && !has_none) {
        if (framing->lengths + framing->codings == 0) {
            return ANSWER_BAD;
        }
        size = framing->length;
        if (answer->is_chunked) {
            *ret_error = "a body whose chunks are malformed";
            end = chunks_read(rest, &size);
        } else if (rest.n < size) {
            end = ANSWER_PART;
        }
    }
    *ret_error = "a body without a type";
    if (size > 0 && !framing->has_type) {
        return ANSWER_BAD;
    }
    answer->body = (struct str){rest.p, size};
    return end;
}

/* ---- The answer ---- */

enum answer_end answer_read(struct str bytes, bool is_head, struct answer *ret_answer,
                            const char **ret_error)
{
    size_t skipped = 0;
    struct answer answer;
    struct framing framing;
    enum answer_end end;

    do {
        struct str rest = str_from(bytes, skipped);
        const char *mark = memmem(rest.p, rest.n, "\r\n\r\n", 4);

        answer = (struct answer){0};
        framing = (struct framing){0};
        *ret_error = "a head that has no end";
        if (mark == NULL) {
            return rest.n > HEAD_MOST ? ANSWER_BAD : ANSWER_PART;
        }
        *ret_error = "a malformed head";
        answer.head = (struct str){rest.p, (size_t)(mark - rest.p) + 4};
        if (!head_read(answer.head, &answer, &framing)) {
            return ANSWER_BAD;
        }
        skipped += answer.head.n;
    } while (answer.code < 200);
    answer.is_foreign = answer.request_id.n == 0;
    if (answer.is_foreign) {
        *ret_error = "an answer without a request id that is no refusal";
        end = answer.code >= 400 ? ANSWER_WHOLE : ANSWER_BAD;
        answer.closes = true;
        answer.body = str_from(bytes, skipped);
    } else {
        end = body_read(str_from(bytes, skipped), is_head, &framing, &answer, ret_error);
    }
    answer.size = skipped + answer.body.n;
    *ret_answer = answer;
    return end;
}
