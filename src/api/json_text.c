/* SPDX-License-Identifier: MIT */
/* In: texts. Out: JSON. */
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

/* A control character, as \u00XX. */
static char *control_put(char *at, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    at = mempcpy(at, "\\u00", 4);
    *at++ = hex[c >> 4];
    *at++ = hex[c & 15];
    return at;
}

void json_text_add_string(struct json_text *text, struct str value)
{
    char *at = text->p + text->n;

    assert(JSON_TEXT_MOST(value.n) <= text->room - text->n);
    *at++ = '"';
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if (c < 0x20) {
            at = control_put(at, c);
            continue;
        }
        if (c == '"' || c == '\\') {
            *at++ = '\\';
        }
        *at++ = (char)c;
    }
    *at++ = '"';
    text->n = (size_t)(at - text->p);
}
