/* SPDX-License-Identifier: MIT */
/* Writes texts and numbers as JSON. */
#include "api/json_text.h"

#include <assert.h>
#include <string.h>

bool json_text_begin(struct json_text *text, struct arena *arena, size_t room)
{
    *text = (struct json_text){.p = arena_alloc(arena, room), .room = room};
    return text->p != NULL;
}

void json_text_add(struct json_text *text, struct str bytes)
{
    assert(bytes.n <= text->room - text->n);
    memcpy(text->p + text->n, bytes.p, bytes.n);
    text->n += bytes.n;
}

/* Returns how much longer a character is in a JSON string than in the text. It is 0 for a character
 * that needs no escape (RFC 8259, section 7). */
static size_t escape_size(char c)
{
    static const unsigned char sizes[256] = {
        5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, /* control characters */
        5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, ['"'] = 1, ['\\'] = 1};

    return sizes[(unsigned char)c];
}

static size_t plain_length(const char *bytes, size_t n)
{
    size_t length = 0;

    while (length < n && escape_size(bytes[length]) == 0) {
        length++;
    }
    return length;
}

static char *escaped_put(char *at, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    if (c >= 0x20) {
        *at++ = '\\';
        *at++ = (char)c;
        return at;
    }
    at = mempcpy(at, "\\u00", 4);
    *at++ = hex[c >> 4];
    *at++ = hex[c & 15];
    return at;
}

size_t json_text_string_size(struct str value)
{
    size_t size = value.n + 2;

    for (size_t i = 0; i < value.n; i++) {
        size += escape_size(value.p[i]);
    }
    return size;
}

void json_text_add_string(struct json_text *text, struct str value)
{
    char *at = text->p + text->n;
    size_t spare = text->room - text->n;

    assert(value.n + 2 <= spare);
    spare -= value.n + 2;
    *at++ = '"';
    while (value.n > 0) {
        size_t plain = plain_length(value.p, value.n);

        at = mempcpy(at, value.p, plain);
        value = str_from(value, plain);
        if (value.n > 0) {
            assert(escape_size(value.p[0]) <= spare);
            spare -= escape_size(value.p[0]);
            at = escaped_put(at, (unsigned char)value.p[0]);
            value = str_from(value, 1);
        }
    }
    *at++ = '"';
    text->n = (size_t)(at - text->p);
}

void json_text_add_number(struct json_text *text, int64_t number)
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char digits[20];
    size_t n = 0;

    do {
        digits[sizeof(digits) - ++n] = (char)('0' + (char)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        digits[sizeof(digits) - ++n] = '-';
    }
    json_text_add(text, (struct str){digits + sizeof(digits) - n, n});
}
