/* SPDX-License-Identifier: MIT */
/* The place in a list, as clients carry it: opaque to them, unpadded base64url (RFC 4648, section
 * 5) of what the store needs to go on behind an item. Pure; on the thread of the request. */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/arena.h"

/* Which list a cursor is of: one is not taken for another. */
enum cursor_list { CURSOR_DISCOUNTS = 'd', CURSOR_GRANTS = 'g', CURSOR_WALLET = 'w' };

struct cursor {
    int64_t time_us;
    struct str name; /* what tells items of one time apart; n == 0 where the time alone does */
};

/* The text of a cursor; p is NULL without memory. */
struct str cursor_print(enum cursor_list list, struct cursor cursor, struct arena *arena);

/* Reads what cursor_print wrote, for this list. False for anything else, also without memory. */
bool cursor_read(enum cursor_list list, struct str text, struct arena *arena,
                 struct cursor *ret_cursor);

#endif
