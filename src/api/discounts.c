/* SPDX-License-Identifier: MIT */
/* The handlers of discounts. Each handler is followed by the function that runs when the store has
 * answered. */
#include "api/discount_json.h"
#include "api/etag.h"
#include "api/listing.h"
#include "api/routes.h"

/* Unquotes an Idempotency-Key: a String of RFC 8941, section 3.3.3, or the same without quotes. An
 * empty header means no key. Returns OK; MALFORMED_REQUEST for another form, or if the key is not 1
 * to 255 characters long; OVERLOADED without memory. */
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

/* Without a key, repeating the request may create a second discount. The usual advice would be
 * wrong. */
static const char unknown_create[] =
    "The discount may have been created; look for it in the list. With an Idempotency-Key the same "
    "request can be sent again and settles it.";

static void discount_create_done(struct store_op *op);

/* POST /discount */
void discount_create(struct request *request)
{
    struct discount *discount = &request->op.create.discount;
    struct document_errors errors;
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
    status = discount_read(request->body, &request->arena, discount, &errors);
    if (status != STATUS_OK || id == NULL) {
        request_refuse(request, id == NULL ? STATUS_OVERLOADED : status);
        return;
    }
    if (!document_errors_are_none(&errors)) {
        document_refuse(request, STATUS_INVALID_DISCOUNT, &errors);
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
    struct reply reply = {.code = 200, .content_type = "application/json"};

    if (op->status != STATUS_OK) {
        request_refuse(request, op->status);
        return;
    }
    reply.body = discount_print(&op->get.discount, &request->arena);
    reply.etag = reply.body.p == NULL ? NULL : etag_print(reply.body, &request->arena);
    if (reply.etag != NULL && etag_is_among(reply.etag, request->if_none_match)) {
        reply.code = 304;
        reply.content_type = NULL;
    }
    request_reply(request, &reply);
}

/* ---- The list ---- */

static void list_submit(struct request *request, size_t limit, store_done_fn done)
{
    request->op.list.limit = limit;
    store_list(request->store, &request->op, done);
}

static size_t list_count(const struct store_op *op)
{
    return op->list.count;
}

static struct str list_print(const struct store_op *op, size_t i)
{
    return discount_print(&op->list.discounts[i], op->arena);
}

/* The creation time alone identifies a discount. */
static struct cursor list_position(const struct store_op *op, size_t i)
{
    return (struct cursor){.time_us = op->list.discounts[i].created_at_us};
}

static bool list_seek(struct store_op *op, struct cursor cursor)
{
    op->list.after_us = cursor.time_us;
    return cursor.name.n == 0;
}

static const struct listing discounts_listing = {
    .list = CURSOR_DISCOUNTS,
    .member = "discounts",
    .submit = list_submit,
    .count = list_count,
    .print = list_print,
    .position = list_position,
    .seek = list_seek,
};

/* GET /discount */
void discount_list(struct request *request)
{
    struct str brand_id = request_query(request, "brand_id");
    bool is_of_brand = brand_id.p != NULL;

    if (request->query_count != listing_query_count(request) + is_of_brand ||
        (is_of_brand && !discount_text_is_valid(brand_id, LIMIT_BRAND_ID))) {
        request_problem(request,
                        &(struct problem){.status = STATUS_MALFORMED_REQUEST,
                                          .detail = "The query may have limit, cursor and brand_id "
                                                    "with 1 to 128 bytes."});
        return;
    }
    request->op.list.brand_id = brand_id;
    listing_begin(request, &discounts_listing, brand_id);
}
