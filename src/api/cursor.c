/* SPDX-License-Identifier: MIT */
/* A cursor is a version, a hash of its list, a time, a space and a name, written in base64url. This
 * file encodes and decodes it. The hash keeps a cursor from being used with another list by
 * mistake. It is no secret: a client that makes up a cursor reads only what it may read anyway. */
#include "api/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fnv1a.h"

/* Cursors without a hash began with the letter of a list. */
#define VERSION '2'
#define HASH_SIZE 8
/* The version and the hash; then room for a time and a space. */
#define TIME_AT (1 + HASH_SIZE)
#define HEAD_SIZE (TIME_AT + 23)

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

/* Writes at most text.n bytes. Returns false for anything that encode never writes: another
 * character, an impossible length, or bits left over. */
static bool decode(struct str text, char *bytes, size_t *ret_n)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t used = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] == '\0' ? NULL : strchr(alphabet, text.p[i]);

        if (at == NULL) {
            return false;
        }
        bits = (bits << 6) | (uint32_t)(at - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[used++] = (char)(bits >> held);
        }
    }
    *ret_n = used;
    return text.n % 4 != 1 && (bits & ((1U << held) - 1)) == 0;
}

/* ---- Cursors ---- */

/* Writes the hash of a list, the lowest byte first. */
static void hash_put(enum cursor_list list, struct str subject, char bytes[HASH_SIZE])
{
    const char letter = (char)list;
    uint64_t hash = fnv1a(fnv1a(FNV1A_EMPTY, (struct str){&letter, 1}), subject);

    for (int i = 0; i < HASH_SIZE; i++) {
        bytes[i] = (char)(hash >> (8 * i));
    }
}

struct str cursor_print(enum cursor_list list, struct str subject, struct cursor cursor,
                        struct arena *arena)
{
    char *bytes = arena_alloc(arena, HEAD_SIZE + cursor.name.n);
    size_t n;

    if (bytes == NULL) {
        return (struct str){NULL, 0};
    }
    bytes[0] = VERSION;
    hash_put(list, subject, bytes + 1);
    n = TIME_AT +
        (size_t)snprintf(bytes + TIME_AT, HEAD_SIZE - TIME_AT, "%" PRId64 " ", cursor.time_us);
    if (cursor.name.n > 0) {
        memcpy(bytes + n, cursor.name.p, cursor.name.n);
    }
    return encode((struct str){bytes, n + cursor.name.n}, arena);
}

/* Reads what follows the hash. */
static bool position_read(struct str bytes, struct cursor *ret_cursor)
{
    struct cursor cursor = {0};
    size_t i = 0;

    for (; i < bytes.n && bytes.p[i] >= '0' && bytes.p[i] <= '9' && i < 18; i++) {
        cursor.time_us = cursor.time_us * 10 + (bytes.p[i] - '0');
    }
    if (i == 0 || i == bytes.n || bytes.p[i] != ' ') {
        return false;
    }
    cursor.name = str_from(bytes, i + 1);
    *ret_cursor = cursor;
    return true;
}

enum cursor_result cursor_read(enum cursor_list list, struct str subject, struct str text,
                               struct arena *arena, struct cursor *ret_cursor)
{
    char *bytes = arena_alloc(arena, text.n + 1), hash[HASH_SIZE];
    struct cursor cursor;
    size_t n;

    if (bytes == NULL) {
        return CURSOR_NO_MEMORY;
    }
    if (!decode(text, bytes, &n) || n < TIME_AT || bytes[0] != VERSION ||
        !position_read((struct str){bytes + TIME_AT, n - TIME_AT}, &cursor)) {
        return CURSOR_INVALID;
    }
    hash_put(list, subject, hash);
    if (memcmp(bytes + 1, hash, HASH_SIZE) != 0) {
        return CURSOR_OF_ANOTHER_LIST;
    }
    *ret_cursor = cursor;
    return CURSOR_OK;
}
