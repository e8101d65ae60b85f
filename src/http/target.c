/* SPDX-License-Identifier: MIT */
/* Turns the raw target of a request into decoded path segments and query members. It never
 * normalises: "." and ".." are ordinary segments, and no route has them. */
#include "http/target.h"

#include "discount/discount.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes the percent-encoding of one component (RFC 3986, section 2.1). */
static enum status decode(struct str raw, bool plus_is_space, struct arena *arena,
                          struct str *ret_text)
{
    char *text = arena_alloc(arena, raw.n + 1);
    size_t n = 0;

    if (text == NULL) {
        return STATUS_OVERLOADED;
    }
    /* Most components are not encoded. */
    if (memchr(raw.p, '%', raw.n) == NULL && !plus_is_space) {
        memcpy(text, raw.p, raw.n);
        n = raw.n;
    }
    for (size_t i = n; i < raw.n; i++) {
        char c = raw.p[i];

        if (c == '%') {
            int high = i + 2 < raw.n ? hex_value(raw.p[i + 1]) : -1;
            int low = i + 2 < raw.n ? hex_value(raw.p[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return STATUS_MALFORMED_REQUEST;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        text[n++] = c;
    }
    text[n] = '\0';
    *ret_text = (struct str){text, n};
    if (n > 0 && !discount_text_is_valid(*ret_text, n)) {
        return STATUS_MALFORMED_REQUEST;
    }
    return STATUS_OK;
}

/* Cuts a piece off the front of *rest, up to `separator` or the end. Returns false if nothing is
 * left. */
static bool piece_take(struct str *rest, char separator, struct str *ret_piece)
{
    const char *end;
    size_t n;

    if (rest->p == NULL) {
        return false;
    }
    end = memchr(rest->p, separator, rest->n);
    n = end == NULL ? rest->n : (size_t)(end - rest->p);
    *ret_piece = (struct str){rest->p, n};
    *rest = end == NULL ? (struct str){NULL, 0} : str_from(*rest, n + 1);
    return true;
}

static enum status path_parse(struct str path, struct arena *arena, struct target *target)
{
    struct str rest = str_from(path, 1);
    struct str piece;

    while (piece_take(&rest, '/', &piece)) {
        enum status status;

        if (target->segment_count == LIMIT_PATH_SEGMENTS) {
            return STATUS_NOT_FOUND;
        }
        status = decode(piece, false, arena, &target->segments[target->segment_count]);
        if (status != STATUS_OK) {
            return status;
        }
        target->segment_count++;
    }
    return STATUS_OK;
}

static enum status pair_parse(struct str piece, struct arena *arena, struct target *target)
{
    struct query_pair *pair = &target->query[target->query_count];
    struct str name = {NULL, 0}, value = piece;
    enum status status;

    if (target->query_count == LIMIT_QUERY_PAIRS || !piece_take(&value, '=', &name)) {
        return STATUS_MALFORMED_REQUEST;
    }
    status = decode(name, true, arena, &pair->name);
    if (status == STATUS_OK) {
        status = decode(value.p == NULL ? STR("") : value, true, arena, &pair->value);
    }
    for (size_t i = 0; status == STATUS_OK && i < target->query_count; i++) {
        if (str_eq(target->query[i].name, pair->name)) {
            return STATUS_MALFORMED_REQUEST;
        }
    }
    target->query_count++;
    return status;
}

static enum status query_parse(struct str query, struct arena *arena, struct target *target)
{
    struct str rest = query, piece;

    while (piece_take(&rest, '&', &piece)) {
        enum status status = piece.n == 0 ? STATUS_OK : pair_parse(piece, arena, target);

        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* A target is printable ASCII; all other characters are percent-encoded (RFC 3986, section 2). */
static bool is_printable(struct str raw)
{
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] <= 0x20 || raw.p[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

enum status target_parse(struct str raw, struct arena *arena, struct target *ret_target)
{
    struct str query = raw, path;
    enum status status;

    ret_target->segment_count = 0;
    ret_target->query_count = 0;
    if (raw.n > LIMIT_TARGET) {
        return STATUS_URI_TOO_LONG;
    }
    if (raw.n == 0 || raw.p[0] != '/' || !is_printable(raw) || !piece_take(&query, '?', &path)) {
        return STATUS_MALFORMED_REQUEST;
    }
    status = path_parse(path, arena, ret_target);
    return status != STATUS_OK ? status : query_parse(query, arena, ret_target);
}
