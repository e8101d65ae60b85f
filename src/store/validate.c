/* SPDX-License-Identifier: MIT */
/* In: a successful operation. Out: whether its results may be shown. One function per verb. */
#include "store/validate.h"

#include "discount/log.h"
#include "discount/timestamp.h"
#include "store/audit.h"

/* The id itself may be damaged, so it is escaped. */
enum status validate_failed(struct str id, const char *error)
{
    char line[AUDIT_LINE];

    audit_line(id, line);
    log_write(LOG_ERROR, "store: discount %.128s: %s", line, error);
    return STATUS_CORRUPT;
}

enum status validate_discount(const struct discount *discount, size_t at)
{
    const char *error = discount_next_error(discount, &at);

    return error == NULL ? STATUS_OK : validate_failed(discount->id, error);
}

/* Checks the fields that do not come from the client, in a new discount or in the first one of its
 * idempotency key. */
enum status validate_create(const struct store_op *op)
{
    const struct discount *discount = &op->create.discount;

    if (!discount_id_is_valid(discount->id)) {
        return validate_failed(discount->id,
                               "an idempotency key names it, but it is not a valid id");
    }
    return timestamp_is_valid(discount->created_at_us)
               ? STATUS_OK
               : validate_failed(discount->id, "created_at is not a time from 1970 to 9999");
}

enum status validate_get(const struct store_op *op)
{
    return validate_discount(&op->get.discount, 0);
}

enum status validate_list(const struct store_op *op)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < op->list.count && status == STATUS_OK; i++) {
        status = validate_discount(&op->list.discounts[i], 0);
    }
    return status;
}

static enum status granted(const struct grant *grant)
{
    if (!discount_code_is_valid(grant->discount_code)) {
        return validate_failed(grant->discount_id,
                               "discount_code is empty, too long or not plain text");
    }
    return timestamp_is_valid(grant->granted_at_us)
               ? STATUS_OK
               : validate_failed(grant->discount_id, "a grant of it has an invalid time");
}

enum status validate_grant(const struct store_op *op)
{
    return granted(&op->grant.grant);
}

/* The user ids of these grants come from the store, so they are checked too. */
enum status validate_grants(const struct store_op *op)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < op->grants.count && status == STATUS_OK; i++) {
        const struct grant *grant = &op->grants.grants[i];

        status = user_id_is_valid(grant->user_id)
                     ? granted(grant)
                     : validate_failed(grant->discount_id,
                                       "a user who was granted it has an id that is empty, too "
                                       "long or not plain text");
    }
    return status;
}

enum status validate_wallet(const struct store_op *op)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < op->wallet.count && status == STATUS_OK; i++) {
        const struct user_grant *user_grant = &op->wallet.user_grants[i];

        status = validate_discount(&user_grant->discount, 0);
        if (status == STATUS_OK && !timestamp_is_valid(user_grant->granted_at_us)) {
            status = validate_failed(user_grant->discount.id, "a grant of it has an invalid time");
        }
    }
    return status;
}
