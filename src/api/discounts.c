/* SPDX-License-Identifier: MIT */
/* The handlers of discounts: each one, and right below it what happens when the store has answered.
 */
#include "api/api.h"
#include "api/discount_json.h"

/* Unquotes an Idempotency-Key: a String of RFC 8941, section 3.3.3, or the same bare. An empty
 * header is no key. OK, MALFORMED_REQUEST when it is neither or is not 1 to 255 characters long,
 * OVERLOADED without memory. */
static enum status idempotency_key_read(struct str header, struct arena *arena, struct str *ret_key)
{
    bool quoted = header.n >= 2 && header.p[0] == '"' && header.p[header.n - 1] == '"';
    struct str inner = quoted ? (struct str){header.p + 1, header.n - 2} : header;
    char *key = arena_alloc(arena, inner.n + 1);
    size_t n = 0;

    for (size_t i = 0; key != NULL && i < inner.n; i++) {
        char c = inner.p[i];

        if (quoted && c == '\\' && i + 1 < inner.n && strchr("\"\\", inner.p[i + 1]) != NULL) {
            c = inner.p[++i];
        } else if (c < (quoted ? 0x20 : 0x21) || c > 0x7e || c == '"' || (quoted && c == '\\')) {
            return STATUS_MALFORMED_REQUEST;
        }
        key[n++] = c;
    }
    if (key == NULL) {
        return STATUS_OVERLOADED;
    }
    *ret_key = (struct str){key, n};
    return header.n == 0 || (n >= 1 && n <= LIMIT_IDEMPOTENCY_KEY) ? STATUS_OK
                                                                   : STATUS_MALFORMED_REQUEST;
}

/* Repeated without a key it may be created twice, so the usual advice would be wrong. */
static const char unknown_create[] =
    "The discount may have been created; look for it in the list. With an Idempotency-Key the same "
    "request can be sent again and settles it.";

static void discount_create_done(struct store_op *op);

/* POST /discount */
void discount_create(struct request *request)
{
    struct discount *discount = &request->op.create.discount;
    struct faults faults;
    enum status status;
    char *id = arena_alloc(&request->arena, DISCOUNT_ID_LENGTH);

    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
        return;
    }
    if (!document_type_is_json(request->content_type)) {
        request_refuse(request, STATUS_UNSUPPORTED_MEDIA_TYPE);
        return;
    }
    status = idempotency_key_read(request->idempotency_key, &request->arena,
                                  &request->op.create.idempotency_key);
    if (status != STATUS_OK) {
        request_problem(
            request, &(struct problem){.status = status,
                                       .detail = status == STATUS_MALFORMED_REQUEST
                                                     ? "An Idempotency-Key has 1 to 255 characters."
                                                     : NULL});
        return;
    }
    status = discount_read(request->body, &request->arena, discount, &faults);
    if (status != STATUS_OK || id == NULL) {
        request_refuse(request, id == NULL ? STATUS_OVERLOADED : status);
        return;
    }
    if (!faults_are_none(&faults)) {
        document_refuse(request, STATUS_INVALID_DISCOUNT, &faults);
        return;
    }
    discount_id_make(id);
    discount->id = (struct str){id, DISCOUNT_ID_LENGTH};
    request->op.arena = &request->arena;
    store_create(request->store, &request->op, discount_create_done);
}

static void discount_create_done(struct store_op *op)
{
    struct request *request = request_of(op);
    const struct discount *discount = &op->create.discount;
    struct str location;

    if (op->status == STATUS_UNKNOWN && op->create.idempotency_key.n == 0) {
        request_problem(request,
                        &(struct problem){.status = STATUS_UNKNOWN, .detail = unknown_create});
        return;
    }
    if (op->status != STATUS_OK) {
        request_refuse(request, op->status);
        return;
    }
    location = arena_printf(&request->arena, "/discount/%.*s", (int)discount->id.n, discount->id.p);
    if (location.p == NULL) {
        request_refuse(request, STATUS_UNKNOWN);
        return;
    }
    request_reply(request, &(struct reply){
                               .code = 201,
                               .content_type = "application/json",
                               .body = discount_print_created(discount, &request->arena),
                               .location = location.p,
                               .replayed = op->create.replayed,
                           });
}

static void discount_get_done(struct store_op *op);

/* GET /discount/{id} */
void discount_get(struct request *request)
{
    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
        return;
    }
    if (!discount_id_is_valid(request->params[0])) {
        request_refuse(request, STATUS_DISCOUNT_NOT_FOUND);
        return;
    }
    request->op.get.discount.id = request->params[0];
    request->op.arena = &request->arena;
    store_get(request->store, &request->op, discount_get_done);
}

static void discount_get_done(struct store_op *op)
{
    struct request *request = request_of(op);

    if (op->status != STATUS_OK) {
        request_refuse(request, op->status);
        return;
    }
    request_reply(request, &(struct reply){
                               .code = 200,
                               .content_type = "application/json",
                               .body = discount_print(&op->get.discount, &request->arena),
                           });
}

/* The list is streamed: each page is read from the store when the client has taken the one before,
 * into memory that is used again for the next. */

static void discount_list_first(struct store_op *op);
static void discount_list_next(struct request *request);
static void discount_list_more(struct store_op *op);

/* GET /discount */
void discount_list(struct request *request)
{
    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
        return;
    }
    request->op.arena = &request->page;
    request->op.list.limit = LIMIT_LIST_PAGE;
    store_list(request->store, &request->op, discount_list_first);
}

/* The text of the page in op, with the list's beginning and end where it has them. Moves the cursor
 * behind it. p is NULL without memory. */
static struct str page_print(struct store_op *op, bool first, bool *ret_last)
{
    size_t count = op->list.count;
    struct str page = discounts_print(op->list.discounts, count, first, op->arena);

    *ret_last = count < op->list.limit;
    if (count > 0) {
        op->list.after_us = op->list.discounts[count - 1].created_at_us;
    }
    if (page.p == NULL) {
        return page;
    }
    return arena_printf(op->arena, "%s%.*s%s", first ? "{\"discounts\":[" : "", (int)page.n, page.p,
                        *ret_last ? "]}\n" : "");
}

static void discount_list_first(struct store_op *op)
{
    struct request *request = request_of(op);
    struct str text;
    bool last;

    if (op->status != STATUS_OK) {
        request_refuse(request, op->status);
        return;
    }
    text = page_print(op, true, &last);
    if (last || text.p == NULL) {
        request_reply(request, &(struct reply){
                                   .code = 200, .content_type = "application/json", .body = text});
    } else {
        request_stream(request, "application/json", text, discount_list_next);
    }
}

static void discount_list_next(struct request *request)
{
    arena_fini(&request->page);
    store_list(request->store, &request->op, discount_list_more);
}

static void discount_list_more(struct store_op *op)
{
    struct request *request = request_of(op);
    struct str text = {NULL, 0};
    bool last = false;

    if (op->status == STATUS_OK) {
        text = page_print(op, false, &last);
    }
    if (text.p == NULL) {
        request_stream_abort(request);
    } else if (last) {
        request_stream_end(request, text);
    } else {
        request_stream_push(request, text);
    }
}
