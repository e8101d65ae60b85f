/* SPDX-License-Identifier: MIT */
/* Answers with a list: all of it, streamed in bounded memory, or one page, with `limit` and
 * `cursor`. A small table of functions says what is listed. On the thread of the request. */
#ifndef API_LISTING_H
#define API_LISTING_H

#include "api/cursor.h"
#include "discount/request.h"

/* One kind of list. The functions use the operation, in which the handler has set everything but
 * the limit and the position. */
struct listing {
    enum cursor_list list;
    const char *member; /* name of the array in the answer */

    /* Asks the store for up to `limit` items after the position. */
    void (*submit)(struct request *request, size_t limit, store_done_fn done);
    /* Returns how many items came. */
    size_t (*count)(const struct store_op *op);
    /* Prints item i as JSON, in the operation's arena; see discount_json.h. */
    struct str (*print)(const struct store_op *op, size_t i);
    /* Returns the position after item i. */
    struct cursor (*position)(const struct store_op *op, size_t i);
    /* Sets the position of the operation. The cursor's name lives as long as the request. Returns
     * false if the cursor is invalid for this list. */
    bool (*seek)(struct store_op *op, struct cursor cursor);
};

/* Returns how many members of the query are `limit` or `cursor`. A handler refuses a query with
 * others that it does not know. */
size_t listing_query_count(const struct request *request);

/* Answers with the list, or refuses an invalid `limit` or `cursor`. All else in the operation is
 * set. If the store's first status is not OK, the answer is a refusal. Cursors are bound to the
 * subject, which lives as long as the request; see cursor_print. */
void listing_begin(struct request *request, const struct listing *listing, struct str subject);

#endif
