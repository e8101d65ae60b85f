/* SPDX-License-Identifier: MIT */
/* Lists as answers: all of a list, streamed in bounded memory, or a page of it with `limit` and
 * `cursor`. What is listed is behind a small table. On the thread of the request. */
#ifndef API_LISTING_H
#define API_LISTING_H

#include "api/cursor.h"
#include "discount/request.h"

/* One kind of list. The functions work on the operation that the handler has filled, but for its
 * limit and place. */
struct listing {
    enum cursor_list list;
    const char *member; /* what the array is called in the answer */

    /* Asks the store for up to `limit` items behind the place. */
    void (*submit)(struct request *request, size_t limit, store_done_fn done);
    /* How many came. */
    size_t (*count)(const struct store_op *op);
    /* The i-th of them as JSON, in the operation's arena; see discount_json.h. */
    struct str (*print)(const struct store_op *op, size_t i);
    /* The place behind the i-th of them. */
    struct cursor (*position)(const struct store_op *op, size_t i);
    /* Makes this the place in the operation; its name lives as long as the request. False when it
     * is no place of such a list. */
    bool (*seek)(struct store_op *op, struct cursor cursor);
};

/* How many members of the query are `limit` and `cursor`: a handler refuses what it does not know.
 */
size_t listing_query_count(const struct request *request);

/* Answers with the list, or refuses a bad `limit` or `cursor`. The rest of the operation is filled;
 * a first status of the store that is not OK is answered as a refusal. */
void listing_begin(struct request *request, const struct listing *listing);

#endif
