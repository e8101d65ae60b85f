/* SPDX-License-Identifier: MIT */
/* A cursor is a position in a list. Clients get it as opaque text: unpadded base64url (RFC 4648,
 * section 5). It holds what the store needs to go on after an item. Pure; on the thread of the
 * request. */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/arena.h"

/* The kind of list that a cursor belongs to. */
enum cursor_list { CURSOR_DISCOUNTS = 'd', CURSOR_GRANTS = 'g', CURSOR_WALLET = 'w' };

struct cursor {
    int64_t time_us;
    struct str name; /* tells items of the same time apart; n == 0 where the time alone does */
};

enum cursor_result { CURSOR_OK, CURSOR_INVALID, CURSOR_OF_ANOTHER_LIST, CURSOR_NO_MEMORY };

/* Returns the text of a cursor; p is NULL without memory. A cursor is bound to the list that gave
 * it: to its kind and to its subject. The subject is the id of the discount or of the user, or the
 * brand by which discounts are filtered; n == 0: all discounts. */
struct str cursor_print(enum cursor_list list, struct str subject, struct cursor cursor,
                        struct arena *arena);

/* Reads a text that cursor_print wrote for this list and subject. The cursor's name is in the
 * arena. */
enum cursor_result cursor_read(enum cursor_list list, struct str subject, struct str text,
                               struct arena *arena, struct cursor *ret_cursor);

#endif
