/* SPDX-License-Identifier: MIT */
/* The handler of wallets: the discounts that a user was granted. */
#include "api/discount_json.h"
#include "api/listing.h"
#include "api/routes.h"

static void list_submit(struct request *request, size_t limit, store_done_fn done)
{
    request->op.wallet.limit = limit;
    store_wallet(request->store, &request->op, done);
}

static size_t list_count(const struct store_op *op)
{
    return op->wallet.count;
}

static struct str list_print(const struct store_op *op, size_t i)
{
    return discount_print_user_grant(&op->wallet.user_grants[i], op->arena);
}

static struct cursor list_position(const struct store_op *op, size_t i)
{
    const struct user_grant *user_grant = &op->wallet.user_grants[i];

    return (struct cursor){user_grant->granted_at_us, user_grant->discount.id};
}

static bool list_seek(struct store_op *op, struct cursor cursor)
{
    op->wallet.before_us = cursor.time_us;
    op->wallet.before_id = cursor.name;
    return discount_id_is_valid(cursor.name);
}

static const struct listing wallet_listing = {
    .list = CURSOR_WALLET,
    .member = "discounts",
    .submit = list_submit,
    .count = list_count,
    .print = list_print,
    .position = list_position,
    .seek = list_seek,
};

static void wallet_refuse(struct request *request, const char *detail)
{
    request_problem(request,
                    &(struct problem){.status = STATUS_MALFORMED_REQUEST, .detail = detail});
}

static void wallet_begin(struct request *request, struct str user_id)
{
    request->op.wallet.user_id = user_id;
    listing_begin(request, &wallet_listing, user_id);
}

/* GET /user/{user_id}/discount. An unknown user gets the same answer as a user without grants. */
void wallet_list(struct request *request)
{
    if (request->query_count != listing_query_count(request) ||
        !user_id_is_valid(request->params[0])) {
        wallet_refuse(request, "The user id must have 1 to 255 bytes, and the query may have limit "
                               "and cursor.");
        return;
    }
    wallet_begin(request, request->params[0]);
}

/* GET /user/discount?user_id=U answers the same. Some clients and proxies change a path, but none
 * changes a query. */
void wallet_list_by_query(struct request *request)
{
    struct str user_id = request_query(request, "user_id");

    if (request->query_count != 1 + listing_query_count(request) || !user_id_is_valid(user_id)) {
        wallet_refuse(request,
                      "The query must have user_id with 1 to 255 bytes, and may have limit "
                      "and cursor.");
        return;
    }
    wallet_begin(request, user_id);
}
