/* SPDX-License-Identifier: MIT */
/* The handlers of grants. Each handler is followed by the function that runs when the store has
 * answered. */
#include "api/grant_json.h"
#include "api/listing.h"
#include "api/routes.h"

#define US_PER_SECOND 1000000
#define RETRY_AFTER_MOST_S 31536000

/* Answers with "granted":false and the discount's id; if the outcome is unknown, with neither. A
 * retry_after_s of 0 means the default. */
static void grant_refuse(struct request *request, enum status status, int retry_after_s)
{
    struct problem problem = {.status = status, .retry_after_s = retry_after_s};
    const char *granted = status == STATUS_UNKNOWN ? "" : "\"granted\":false,";
    struct str id = request->params[0];

    /* An invalid id names no discount, and may hold characters that JSON has to escape. */
    if (discount_id_is_valid(id)) {
        problem.members =
            arena_printf(&request->arena, "\"discount_id\":\"%.*s\",%s", (int)id.n, id.p, granted);
    } else {
        problem.members = str_of(granted);
    }
    request_problem(request, &problem);
}

/* Returns the path of a grant, with the user id percent-encoded (RFC 3986, section 2.3). NULL
 * without memory. */
static const char *location_of(const struct grant *grant, struct arena *arena)
{
    static const char hex[] = "0123456789ABCDEF", before[] = "/discount/",
                      between[] = "/grant?user_id=";
    char *location = arena_alloc(arena, sizeof(before) + grant->discount_id.n + sizeof(between) +
                                            3 * grant->user_id.n);
    char *at = location;

    if (location == NULL) {
        return NULL;
    }
    at = mempcpy(at, before, sizeof(before) - 1);
    at = mempcpy(at, grant->discount_id.p, grant->discount_id.n);
    at = mempcpy(at, between, sizeof(between) - 1);
    for (size_t i = 0; i < grant->user_id.n; i++) {
        unsigned char c = (unsigned char)grant->user_id.p[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (alphanumeric || c == '-' || c == '.' || c == '_' || c == '~') {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    *at = '\0';
    return location;
}

static void grant_create_done(struct store_op *op);
static void grant_held_done(struct store_op *op);

/* After a discount is sold out, most requests are refused here, without asking the store. */
static void grant_submit(struct request *request)
{
    enum status status;

    if (store_refuses(request->store, &request->op.grant.grant, &status)) {
        metrics_count(request->metrics, METRIC_REFUSED_FROM_CACHE);
        grant_refuse(request, status, 0);
    } else {
        request->op.arena = &request->arena;
        store_grant(request->store, &request->op, grant_create_done);
    }
}

/* POST /discount/{id}/grant */
void grant_create(struct request *request)
{
    struct grant *grant = &request->op.grant.grant;
    struct document_errors errors;
    enum status status;

    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
        return;
    }
    if (!document_type_is_json(request->content_type)) {
        request_refuse(request, STATUS_UNSUPPORTED_MEDIA_TYPE);
        return;
    }
    status = grant_read(request->body, &request->arena, &grant->user_id, &errors);
    if (status != STATUS_OK) {
        request_refuse(request, status);
    } else if (!document_errors_are_none(&errors)) {
        document_refuse(request, STATUS_INVALID_GRANT, &errors);
    } else if (!discount_id_is_valid(request->params[0])) {
        grant_refuse(request, STATUS_DISCOUNT_NOT_FOUND, 0);
    } else {
        grant->discount_id = request->params[0];
        if (user_id_new_error(grant->user_id) == NULL) {
            grant_submit(request);
        } else {
            request->op.arena = &request->arena;
            store_grant_get(request->store, &request->op, grant_held_done);
        }
    }
}

/* Returns whole seconds, rounded up, and at most as many as make sense in a header. */
static int wait_s(int64_t wait_us)
{
    int64_t seconds = (wait_us + US_PER_SECOND - 1) / US_PER_SECOND;

    return seconds < RETRY_AFTER_MOST_S ? (int)seconds : RETRY_AFTER_MOST_S;
}

static void grant_create_done(struct store_op *op)
{
    struct request *request = request_of(op);
    const struct grant *grant = &op->grant.grant;
    struct reply reply = {.content_type = "application/json"};

    if (op->status != STATUS_OK) {
        grant_refuse(request, op->status,
                     op->status == STATUS_DISCOUNT_NOT_STARTED ? wait_s(op->grant.starts_in_us)
                                                               : 0);
        return;
    }
    reply.code = op->grant.replayed ? 200 : 201;
    reply.replayed = op->grant.replayed;
    reply.location = op->grant.replayed ? NULL : location_of(grant, &request->arena);
    if (reply.code == 201 && reply.location == NULL) {
        grant_refuse(request, STATUS_UNKNOWN, 0);
        return;
    }
    reply.body = grant_print(grant, &request->arena);
    request_reply(request, &reply);
}

/* Answers a user id that gets no new grant: with the grant that it holds from an older version, or
 * with the error. */
static void grant_held_done(struct store_op *op)
{
    struct request *request = request_of(op);
    struct document_errors errors;

    if (op->status == STATUS_GRANT_NOT_FOUND) {
        document_errors_init(&errors, &request->arena);
        document_errors_add(&errors, "/user_id", user_id_new_error(op->grant.grant.user_id));
        document_refuse(request, STATUS_INVALID_GRANT, &errors);
    } else if (op->status != STATUS_OK) {
        grant_refuse(request, op->status, 0);
    } else {
        request_reply(request, &(struct reply){
                                   .code = 200,
                                   .content_type = "application/json",
                                   .body = grant_print(&op->grant.grant, &request->arena),
                                   .replayed = true,
                               });
    }
}

/* ---- The grants of a discount ---- */

static void list_submit(struct request *request, size_t limit, store_done_fn done)
{
    request->op.grants.limit = limit;
    store_grants(request->store, &request->op, done);
}

static size_t list_count(const struct store_op *op)
{
    return op->grants.count;
}

static struct str list_print(const struct store_op *op, size_t i)
{
    return grant_print(&op->grants.grants[i], op->arena);
}

static struct cursor list_position(const struct store_op *op, size_t i)
{
    const struct grant *grant = &op->grants.grants[i];

    return (struct cursor){grant->granted_at_us, grant->user_id};
}

static bool list_seek(struct store_op *op, struct cursor cursor)
{
    op->grants.after_us = cursor.time_us;
    op->grants.after_user = cursor.name;
    return discount_text_is_valid(cursor.name, LIMIT_USER_ID);
}

static const struct listing grants_listing = {
    .list = CURSOR_GRANTS,
    .member = "grants",
    .submit = list_submit,
    .count = list_count,
    .print = list_print,
    .position = list_position,
    .seek = list_seek,
};

static void grant_list(struct request *request)
{
    if (request->query_count != listing_query_count(request)) {
        request_problem(request,
                        &(struct problem){.status = STATUS_MALFORMED_REQUEST,
                                          .detail = "The query must be user_id with 1 to 255 "
                                                    "bytes, or may have limit and cursor."});
        return;
    }
    request->op.grants.discount_id = request->params[0];
    listing_begin(request, &grants_listing, request->params[0]);
}

/* ---- One grant ---- */

static void grant_get_done(struct store_op *op);

/* GET /discount/{id}/grant?user_id=U answers with one grant; without user_id, with all of them. */
void grant_get(struct request *request)
{
    struct str user_id = request_query(request, "user_id");

    if (user_id.p != NULL &&
        (request->query_count != 1 || !discount_text_is_valid(user_id, LIMIT_USER_ID))) {
        request_problem(
            request, &(struct problem){.status = STATUS_MALFORMED_REQUEST,
                                       .detail = "The query must be user_id with 1 to 255 bytes."});
        return;
    }
    if (!discount_id_is_valid(request->params[0])) {
        request_refuse(request, STATUS_DISCOUNT_NOT_FOUND);
        return;
    }
    if (user_id.p == NULL) {
        grant_list(request);
        return;
    }
    request->op.grant.grant.discount_id = request->params[0];
    request->op.grant.grant.user_id = user_id;
    request->op.arena = &request->arena;
    store_grant_get(request->store, &request->op, grant_get_done);
}

static void grant_get_done(struct store_op *op)
{
    struct request *request = request_of(op);

    if (op->status != STATUS_OK) {
        request_refuse(request, op->status);
        return;
    }
    request_reply(request, &(struct reply){
                               .code = 200,
                               .content_type = "application/json",
                               .body = grant_print(&op->grant.grant, &request->arena),
                           });
}
