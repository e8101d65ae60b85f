/* SPDX-License-Identifier: MIT */
/* A cursor is a list's letter, a time, a space and a name, written in base64url. This file encodes
 * and decodes it. */
#include "api/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Room for a list's letter, a time and a space. */
#define HEAD_SIZE 24

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- base64url ---- */

static struct str encode(struct str bytes, struct arena *arena)
{
    size_t n = (bytes.n * 8 + 5) / 6;
    char *text = arena_alloc(arena, n + 1);
    uint32_t bits = 0;
    unsigned held = 0;
    size_t used = 0;

    for (size_t i = 0; text != NULL && i < bytes.n; i++) {
        bits = (bits << 8) | (unsigned char)bytes.p[i];
        for (held += 8; held >= 6; held -= 6) {
            text[used++] = alphabet[(bits >> (held - 6)) & 63];
        }
    }
    if (text != NULL && held > 0) {
        text[used++] = alphabet[(bits << (6 - held)) & 63];
    }
    return (struct str){text, text == NULL ? 0 : n};
}

/* Sets p to NULL for anything that encode never writes: another character, an impossible length, or
 * bits left over. */
static struct str decode(struct str text, struct arena *arena)
{
    char *bytes = text.n % 4 == 1 ? NULL : arena_alloc(arena, text.n + 1);
    uint32_t bits = 0;
    unsigned held = 0;
    size_t used = 0;

    for (size_t i = 0; bytes != NULL && i < text.n; i++) {
        const char *at = text.p[i] == '\0' ? NULL : strchr(alphabet, text.p[i]);

        if (at == NULL) {
            return (struct str){NULL, 0};
        }
        bits = (bits << 6) | (uint32_t)(at - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[used++] = (char)(bits >> held);
        }
    }
    return bytes == NULL || (bits & ((1U << held) - 1)) != 0 ? (struct str){NULL, 0}
                                                             : (struct str){bytes, used};
}

/* ---- Cursors ---- */

struct str cursor_print(enum cursor_list list, struct cursor cursor, struct arena *arena)
{
    char *bytes = arena_alloc(arena, HEAD_SIZE + cursor.name.n);
    int n;

    if (bytes == NULL) {
        return (struct str){NULL, 0};
    }
    n = snprintf(bytes, HEAD_SIZE, "%c%" PRId64 " ", (char)list, cursor.time_us);
    if (cursor.name.n > 0) {
        memcpy(bytes + n, cursor.name.p, cursor.name.n);
    }
    return encode((struct str){bytes, (size_t)n + cursor.name.n}, arena);
}

bool cursor_read(enum cursor_list list, struct str text, struct arena *arena,
                 struct cursor *ret_cursor)
{
    struct str bytes = decode(text, arena);
    struct cursor cursor = {0};
    size_t i = 1;

    if (bytes.n < 3 || bytes.p[0] != (char)list) {
        return false;
    }
    for (; i < bytes.n && bytes.p[i] >= '0' && bytes.p[i] <= '9' && i <= 18; i++) {
        cursor.time_us = cursor.time_us * 10 + (bytes.p[i] - '0');
    }
    if (i == 1 || i == bytes.n || bytes.p[i] != ' ') {
        return false;
    }
    cursor.name = str_from(bytes, i + 1);
    *ret_cursor = cursor;
    return true;
}
