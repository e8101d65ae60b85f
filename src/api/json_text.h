/* SPDX-License-Identifier: MIT */
/* Writes JSON from front to back into an arena, without building a tree first. It is for answers
 * whose members are known; all other JSON is jansson's. */
#ifndef API_JSON_TEXT_H
#define API_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discount/arena.h"
#include "discount/str.h"

struct json_text {
    char *p; /* in the arena */
    size_t n, room;
};

/* Returns how many bytes a string takes, with its quotes. */
size_t json_text_string_size(struct str value);

/* Makes an empty text with this many bytes of room. Everything that is added must fit. Returns
 * false without memory. */
bool json_text_begin(struct json_text *text, struct arena *arena, size_t room);
/* Adds bytes as they are. */
void json_text_add(struct json_text *text, struct str bytes);
/* Adds a string (RFC 8259, section 7), which must be UTF-8. */
void json_text_add_string(struct json_text *text, struct str value);
/* Adds a number: at most 20 bytes. */
void json_text_add_number(struct json_text *text, int64_t number);

#endif
