/* SPDX-License-Identifier: MIT */
/* Streams a list as {"member":[item, ...]}, piece by piece. A piece is read from the store after
 * the client has taken the one before, into the same memory. Each read asks for one item more than
 * is shown: without it, this piece is the last. */
#include "api/listing.h"

#include <assert.h>
#include <string.h>

/* The longest name in a cursor: a user id. */
#define NAME_MOST LIMIT_USER_ID

struct state {
    const struct listing *listing;
    struct str subject;
    size_t left;  /* items that the client still wants */
    size_t asked; /* items asked of the store, including the extra one */
    struct cursor position;
    char name[NAME_MOST]; /* holds position.name: the items themselves are freed with each piece */
};

static const char limit_error[] = "The limit must be an integer from 1 to 1000.";
static const char cursor_error[] = "The cursor must be the next_cursor of an answer of this list.";
static const char another_list_error[] =
    "The cursor is of another list. Send it with the discount, the user or the brand_id that gave "
    "it.";

/* ---- Texts ---- */

static struct str join(const struct str *texts, size_t count, struct arena *arena)
{
    size_t size = 0;
    char *all, *at;

    for (size_t i = 0; i < count; i++) {
        size += texts[i].n;
    }
    all = arena_alloc(arena, size + 1);
    at = all;
    for (size_t i = 0; all != NULL && i < count; i++) {
        if (texts[i].n > 0) {
            memcpy(at, texts[i].p, texts[i].n);
            at += texts[i].n;
        }
    }
    return (struct str){all, all == NULL ? 0 : size};
}

/* Prints the first `count` items, each after a separator. One entry before and one after them stay
 * free. NULL without memory. */
static struct str *items_print(const struct store_op *op, const struct listing *listing,
                               size_t count, bool is_first)
{
    struct str *texts = arena_zalloc(op->arena, (2 * count + 2) * sizeof(*texts));

    for (size_t i = 0; texts != NULL && i < count; i++) {
        struct str item = listing->print(op, i);

        if (item.p == NULL) {
            return NULL;
        }
        texts[1 + 2 * i] = i > 0 || !is_first ? STR(",\n") : STR("");
        texts[2 + 2 * i] = (struct str){item.p, item.n - 1}; /* without its newline */
    }
    return texts;
}

/* Prints the text after the last item. p is NULL without memory. */
static struct str end_print(const struct state *state, bool has_more, struct arena *arena)
{
    struct str cursor;

    if (!has_more) {
        return STR("]}\n");
    }
    cursor = cursor_print(state->listing->list, state->subject, state->position, arena);
    return cursor.p == NULL
               ? cursor
               : arena_printf(arena, "],\"next_cursor\":\"%.*s\"}\n", (int)cursor.n, cursor.p);
}

/* ---- Pieces ---- */

static void position_keep(struct state *state, struct cursor position)
{
    assert(position.name.n <= sizeof(state->name));
    if (position.name.n > 0) {
        memcpy(state->name, position.name.p, position.name.n);
    }
    state->position = (struct cursor){position.time_us, {state->name, position.name.n}};
}

/* Prints the piece that the operation holds, and moves the position after it. p is NULL without
 * memory. */
static struct str piece_print(struct request *request, bool is_first, bool *ret_is_last)
{
    struct state *state = request->state;
    const struct listing *listing = state->listing;
    struct store_op *op = &request->op;
    size_t came = listing->count(op);
    bool has_more = came == state->asked;
    size_t count = has_more ? came - 1 : came;
    struct str *texts = items_print(op, listing, count, is_first);

    state->left -= count;
    *ret_is_last = !has_more || state->left == 0;
    if (texts == NULL) {
        return (struct str){NULL, 0};
    }
    if (count > 0) {
        position_keep(state, listing->position(op, count - 1));
    }
    if (is_first) {
        texts[0] = arena_printf(op->arena, "{\"%s\":[", listing->member);
    }
    if (*ret_is_last) {
        texts[2 * count + 1] = end_print(state, has_more, op->arena);
    }
    if ((is_first && texts[0].p == NULL) || (*ret_is_last && texts[2 * count + 1].p == NULL)) {
        return (struct str){NULL, 0};
    }
    return join(texts, 2 * count + 2, op->arena);
}

static void piece_ask(struct request *request, store_done_fn done)
{
    struct state *state = request->state;

    state->asked = 1 + (state->left < LIMIT_LIST_PAGE ? state->left : LIMIT_LIST_PAGE);
    state->listing->seek(&request->op, state->position);
    state->listing->submit(request, state->asked, done);
}

static void piece_more(struct store_op *op)
{
    struct request *request = request_of(op);
    struct str text = {NULL, 0};
    bool is_last = false;

    if (op->status == STATUS_OK) {
        text = piece_print(request, false, &is_last);
    }
    if (text.p == NULL) {
        request_stream_abort(request);
    } else if (is_last) {
        request_stream_end(request, text);
    } else {
        request_stream_push(request, text);
    }
}

static void piece_next(struct request *request)
{
    arena_fini(&request->page);
    piece_ask(request, piece_more);
}

static void piece_first(struct store_op *op)
{
    struct request *request = request_of(op);
    struct str text;
    bool is_last;

    if (op->status != STATUS_OK) {
        request_refuse(request, op->status);
        return;
    }
    text = piece_print(request, true, &is_last);
    if (is_last || text.p == NULL) {
        request_reply(request, &(struct reply){
                                   .code = 200, .content_type = "application/json", .body = text});
    } else {
        request_stream(request, "application/json", text, piece_next);
    }
}

/* ---- The query ---- */

size_t listing_query_count(const struct request *request)
{
    return (size_t)(request_query(request, "limit").p != NULL) +
           (size_t)(request_query(request, "cursor").p != NULL);
}

/* Reads a decimal number from 1 to LIMIT_LIST and nothing else. */
static bool limit_read(struct str text, size_t *ret_limit)
{
    size_t limit = 0;

    if (text.n < 1 || text.n > 4 || text.p[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        limit = limit * 10 + (size_t)(text.p[i] - '0');
    }
    *ret_limit = limit;
    return limit <= LIMIT_LIST;
}

/* Reads `limit`. Returns the error, or NULL. */
static const char *limit_apply(const struct request *request, struct state *state)
{
    struct str limit = request_query(request, "limit");

    return limit.p == NULL || limit_read(limit, &state->left) ? NULL : limit_error;
}

/* Reads `cursor`. Returns OK, also without one; MALFORMED_REQUEST with an error; OVERLOADED without
 * memory. */
static enum status cursor_apply(struct request *request, struct state *state,
                                const char **ret_error)
{
    struct str text = request_query(request, "cursor");
    struct cursor cursor;
    enum cursor_result result;

    if (text.p == NULL) {
        return STATUS_OK;
    }
    result = cursor_read(state->listing->list, state->subject, text, &request->arena, &cursor);
    if (result == CURSOR_NO_MEMORY) {
        return STATUS_OVERLOADED;
    }
    if (result == CURSOR_OK && cursor.name.n <= NAME_MOST &&
        state->listing->seek(&request->op, cursor)) {
        position_keep(state, cursor);
        return STATUS_OK;
    }
    *ret_error = result == CURSOR_OF_ANOTHER_LIST ? another_list_error : cursor_error;
    return STATUS_MALFORMED_REQUEST;
}

void listing_begin(struct request *request, const struct listing *listing, struct str subject)
{
    struct state *state = arena_zalloc(&request->arena, sizeof(*state));
    const char *error;
    enum status status;

    if (state == NULL) {
        request_refuse(request, STATUS_OVERLOADED);
        return;
    }
    state->listing = listing;
    state->subject = subject;
    state->left = SIZE_MAX;
    request->state = state;
    request->op.arena = &request->page;
    error = limit_apply(request, state);
    status = error != NULL ? STATUS_MALFORMED_REQUEST : cursor_apply(request, state, &error);
    if (status != STATUS_OK) {
        request_problem(request, &(struct problem){.status = status, .detail = error});
        return;
    }
    piece_ask(request, piece_first);
}
