/* SPDX-License-Identifier: MIT */
/* In: texts without control characters. Out: JSON. */
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

void json_text_add_string(struct json_text *text, struct str value)
{
    char *at = text->p + text->n;

    assert(JSON_TEXT_MOST(value.n) <= text->room - text->n);
    *at++ = '"';
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\') {
            *at++ = '\\';
        }
        *at++ = value.p[i];
    }
    *at++ = '"';
    text->n = (size_t)(at - text->p);
}
