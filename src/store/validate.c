/* SPDX-License-Identifier: MIT */
/* In: an operation that went well. Out: whether its results may be shown. One function per verb. */
#include "store/validate.h"

#include "discount/log.h"
#include "discount/timestamp.h"
#include "store/audit.h"

/* The id may be what is damaged. */
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

/* What is not the client's own of a new discount, or of the first one for its idempotency key. */
static enum status created(const struct discount *discount)
{
    if (!discount_id_is_valid(discount->id)) {
        return validate_failed(discount->id, "an idempotency key names it, and it is no id");
    }
    return timestamp_is_valid(discount->created_at_us)
               ? STATUS_OK
               : validate_failed(discount->id, "created_at is no time from 1970 to 9999");
}

static enum status listed(const struct discount *discounts, size_t count)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = validate_discount(&discounts[i], 0);
    }
    return status;
}

static enum status granted(const struct grant *grant)
{
    if (!discount_code_is_valid(grant->discount_code)) {
        return validate_failed(grant->discount_id,
                               "discount_code is empty, too long or no plain text");
    }
    return timestamp_is_valid(grant->granted_at_us)
               ? STATUS_OK
               : validate_failed(grant->discount_id, "a grant of it has a time that is none");
}

/* Their users were read, too. */
static enum status all_granted(const struct grant *grants, size_t count)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = user_id_is_valid(grants[i].user_id)
                     ? granted(&grants[i])
                     : validate_failed(grants[i].discount_id,
                                       "a user who was granted it has an id that is empty, too "
                                       "long or no plain text");
    }
    return status;
}

static enum status held(const struct user_grant *user_grants, size_t count)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = validate_discount(&user_grants[i].discount, 0);
        if (status == STATUS_OK && !timestamp_is_valid(user_grants[i].granted_at_us)) {
            status = validate_failed(user_grants[i].discount.id,
                                     "a grant of it has a time that is none");
        }
    }
    return status;
}

enum status validate_results(const struct store_op *op)
{
    switch (op->verb) {
    case STORE_CREATE:
        return created(&op->create.discount);
    case STORE_GET:
        return validate_discount(&op->get.discount, 0);
    case STORE_LIST:
        return listed(op->list.discounts, op->list.count);
    case STORE_GRANT:
    case STORE_GRANT_GET:
        return granted(&op->grant.grant);
    case STORE_GRANTS:
        return all_granted(op->grants.grants, op->grants.count);
    case STORE_WALLET:
        return held(op->wallet.user_grants, op->wallet.count);
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
    return STATUS_OK;
}
