/* SPDX-License-Identifier: MIT */
/* A cursor is a position in a list. Clients get it as opaque text: unpadded base64url (RFC 4648,
 * section 5). It holds what the store needs to go on after an item. Pure; on the thread of the
 * request. */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/arena.h"

/* The list that a cursor belongs to. A cursor of one list is invalid in another. */
enum cursor_list { CURSOR_DISCOUNTS = 'd', CURSOR_GRANTS = 'g', CURSOR_WALLET = 'w' };

struct cursor {
    int64_t time_us;
    struct str name; /* tells items of the same time apart; n == 0 where the time alone does */
};

/* Returns the text of a cursor; p is NULL without memory. */
struct str cursor_print(enum cursor_list list, struct cursor cursor, struct arena *arena);

/* Reads a text that cursor_print wrote for this list. Returns false for anything else, and without
 * memory. */
bool cursor_read(enum cursor_list list, struct str text, struct arena *arena,
                 struct cursor *ret_cursor);

#endif
