/* SPDX-License-Identifier: MIT */
/* Input: a verb and the bytes of a Redis, which hiredis reads. Whatever they are, an operation with
 * the status OK must have results that can be answered. */
#include <hiredis/hiredis.h>

#include "discount/limits.h"
#include "fuzz.h"
#include "store/redis/verbs.h"

#define ID STR("dsc-AAAAAAAAAAAAAAAAAAAAAA")
#define GROUPS 2
#define GRANTS 3

static void check_discount(const struct discount *discount)
{
    MUST(discount->id.n > 0 && discount->brand_id.n > 0 && discount->discount_code.n > 0);
    MUST(discount->total_count >= 0 && discount->created_at_us >= 0);
}

static void check(const struct store_op *op)
{
    switch (op->verb) {
    case STORE_CREATE:
        MUST(op->create.discount.id.n > 0 && op->create.discount.created_at_us >= 0);
        break;
    case STORE_GET:
        check_discount(&op->get.discount);
        break;
    case STORE_LIST:
        for (size_t i = 0; i < op->list.count; i++) {
            check_discount(&op->list.discounts[i]);
        }
        break;
    case STORE_GRANT:
    case STORE_GRANT_GET:
        MUST(op->grant.grant.discount_code.n > 0 && op->grant.grant.granted_at_us >= 0);
        break;
    case STORE_GRANTS:
        for (size_t i = 0; i < op->grants.count; i++) {
            MUST(op->grants.grants[i].user_id.n > 0);
        }
        break;
    case STORE_WALLET:
        for (size_t i = 0; i < op->wallet.count; i++) {
            check_discount(&op->wallet.user_grants[i].discount);
        }
        break;
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
}

static struct store_op op_of(enum store_verb verb, struct arena *arena)
{
    struct store_op op = {.verb = verb, .arena = arena};

    if (verb == STORE_CREATE) {
        op.create.discount.id = ID;
    } else if (verb == STORE_GET) {
        op.get.discount.id = ID;
    } else if (verb == STORE_GRANTS) {
        op.grants.discount_id = ID;
    } else if (verb == STORE_GRANT || verb == STORE_GRANT_GET) {
        op.grant.grant.discount_id = ID;
        op.grant.grant.user_id = STR("ann");
    }
    return op;
}

static void decode(enum store_verb verb, const redisReply *reply)
{
    struct redis_outcomes outcomes[GROUPS];
    struct arena arena;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    for (size_t i = 0; i < GROUPS; i++) {
        outcomes[i] = redis_verbs_outcomes(reply, i, GRANTS);
    }
    for (size_t i = 0; i < (verb == STORE_GRANT ? GROUPS * GRANTS : 1); i++) {
        struct store_op op = op_of(verb, &arena);
        enum status status = verb == STORE_GRANT ? redis_verbs_outcome(&outcomes[i % GROUPS], &op)
                                                 : redis_verbs_decode(reply, &op);

        if (status == STATUS_OK) {
            check(&op);
        }
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    redisReader *reader;
    void *reply = NULL;

    if (size < 1) {
        return 0;
    }
    reader = redisReaderCreate();
    MUST(reader != NULL);
    redisReaderFeed(reader, (const char *)bytes + 1, size - 1);
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        const redisReply *read = reply;

        if (read->type == REDIS_REPLY_ERROR) {
            MUST(redis_verbs_error_status(read, true) != STATUS_OK);
            redis_verbs_is_noscript(read);
            redis_verbs_is_readonly(
                redis_verbs_refusal((enum store_verb)(bytes[0] % STORE_VERB_COUNT), 1, read));
        } else {
            decode((enum store_verb)(bytes[0] % STORE_VERB_COUNT), read);
        }
        freeReplyObject(reply);
        reply = NULL;
    }
    redisReaderFree(reader);
    return 0;
}
