/* SPDX-License-Identifier: MIT */
/* Replies that our scripts never give: the store was changed by others, or the server is no Redis.
 * */
#include "store/redis/verbs.h"
#include "unit/assert_str.h"
#include "unit/redis/redis_reply.h"

#define ID "dsc-AAAAAAAAAAAAAAAAAAAAAA"
#define ROW TEXT("adidas"), TEXT("ADIDAS10"), TEXT("10"), TEXT("16"), TEXT("17"), NIL, INTEGER(3)

static enum status status_with(size_t memory, enum store_verb verb, const redisReply *reply)
{
    struct arena arena;
    struct store_op op = {.verb = verb, .arena = &arena};
    struct redis_outcomes outcomes = redis_verbs_outcomes(reply, 0, 1);
    enum status status;

    arena_init(&arena, memory);
    status =
        verb == STORE_GRANT ? redis_verbs_outcome(&outcomes, &op) : redis_verbs_decode(reply, &op);
    arena_fini(&arena);
    return status;
}

static enum status status_of(enum store_verb verb, const redisReply *reply)
{
    return status_with(LIMIT_REQUEST_MEMORY, verb, reply);
}

/* The valid reply is accepted. Cut anywhere, or with a part of another type, it is not. */
static void assert_parts_matter(enum store_verb verb, redisReply *reply)
{
    redisReply *const others[] = {STATUS_REPLY("OK"), EMPTY_ARRAY, ARRAY(TEXT("1"), TEXT("2"))};
    const size_t count = reply->elements;

    assert_int_equal(status_of(verb, reply), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        redisReply *part = reply->element[i];

        reply->elements = i;
        assert_int_equal(status_of(verb, reply), STATUS_CORRUPT);
        reply->elements = count;
        for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
            reply->element[i] = others[k];
            if (status_of(verb, reply) != STATUS_CORRUPT) {
                fail_msg("part %zu of verb %d may be of type %d", i, (int)verb, others[k]->type);
            }
        }
        reply->element[i] = part;
    }
}

static void every_part_of_a_row_matters(void **state)
{
    (void)state;
    assert_parts_matter(STORE_GET, ARRAY(ROW));
}

static void every_part_of_a_row_in_a_list_matters(void **state)
{
    redisReply *row = ARRAY(ROW, TEXT(ID));

    (void)state;
    assert_int_equal(status_of(STORE_LIST, ARRAY(row)), STATUS_OK);
    for (size_t i = 0; i < 8; i++) {
        redisReply *part = row->element[i];

        row->element[i] = STATUS_REPLY("OK");
        assert_int_equal(status_of(STORE_LIST, ARRAY(row)), STATUS_CORRUPT);
        row->element[i] = part;
        row->elements = i;
        assert_int_equal(status_of(STORE_LIST, ARRAY(row)), STATUS_CORRUPT);
        row->elements = 8;
    }
}

static void every_part_of_a_grant_matters(void **state)
{
    (void)state;
    assert_parts_matter(STORE_GRANT,
                        ARRAY(TEXT("16"), TEXT("ADIDAS10"), TEXT("15"), INTEGER(0), TEXT("g")));
}

static void every_part_of_a_stored_grant_matters(void **state)
{
    (void)state;
    assert_parts_matter(STORE_GRANT_GET, ARRAY(TEXT("ADIDAS10"), TEXT("16")));
}

static void every_part_of_a_replayed_creation_matters(void **state)
{
    (void)state;
    assert_parts_matter(STORE_CREATE, ARRAY(TEXT("replayed"), TEXT(ID), TEXT("16")));
}

static void an_unknown_outcome_of_a_creation_is_corrupt(void **state)
{
    (void)state;
    assert_int_equal(status_of(STORE_CREATE, ARRAY(TEXT("deleted"), TEXT(ID), TEXT("16"))),
                     STATUS_CORRUPT);
}

static void no_verb_takes_a_reply_of_another_type(void **state)
{
    (void)state;
    for (enum store_verb verb = STORE_CREATE; verb < STORE_VERB_COUNT; verb++) {
        assert_int_equal(status_of(verb, INTEGER(1)), STATUS_CORRUPT);
        assert_int_equal(status_of(verb, STATUS_REPLY("OK")), STATUS_CORRUPT);
        assert_int_equal(status_of(verb, TEXT("created")), STATUS_CORRUPT);
    }
}

/* Pings in between show when replies are out of step. */
static void a_ping_takes_nothing_but_a_pong(void **state)
{
    (void)state;
    assert_int_equal(status_of(STORE_PING, ARRAY(TEXT("created"), TEXT(ID), TEXT("16"))),
                     STATUS_CORRUPT);
    assert_int_equal(status_of(STORE_PING, INTEGER(1)), STATUS_CORRUPT);
    assert_int_equal(status_of(STORE_PING, STATUS_REPLY("OK")), STATUS_CORRUPT);
}

static void texts_that_we_never_write_are_corrupt(void **state)
{
    (void)state;
    assert_int_equal(status_of(STORE_GET, ARRAY(TEXT(""), TEXT("b"), TEXT("1"), TEXT("2"), NIL, NIL,
                                                INTEGER(0))),
                     STATUS_CORRUPT);
    assert_int_equal(status_of(STORE_GRANT_GET, ARRAY(TEXT(""), TEXT("1"))), STATUS_CORRUPT);
}

static void tokens_that_are_no_outcome_are_corrupt(void **state)
{
    static redisReply words[] = {
        {.type = REDIS_REPLY_STRING, .str = "", .len = 0},
        {.type = REDIS_REPLY_STRING, .str = "g1", .len = 2},
        {.type = REDIS_REPLY_STRING, .str = "h", .len = 1},
        {.type = REDIS_REPLY_STRING, .str = "hx", .len = 2},
        {.type = REDIS_REPLY_STRING, .str = "h-1", .len = 3},
        {.type = REDIS_REPLY_STRING, .str = "h1.5", .len = 4},
        {.type = REDIS_REPLY_STRING, .str = "h1234567890123456789", .len = 20},
        {.type = REDIS_REPLY_STRING, .str = "H1", .len = 2},
        {.type = REDIS_REPLY_STRING, .str = "G", .len = 1},
        {.type = REDIS_REPLY_STRING, .str = "x1", .len = 2},
        {.type = REDIS_REPLY_STRING, .str = "1", .len = 1},
        {.type = REDIS_REPLY_STRING, .str = "h 1", .len = 3},
        {.type = REDIS_REPLY_INTEGER, .integer = 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(
            status_of(STORE_GRANT, ARRAY(TEXT("1"), TEXT("A"), NIL, INTEGER(0), &words[i])),
            STATUS_CORRUPT);
    }
}

static void numbers_that_are_none_are_corrupt(void **state)
{
    static redisReply numbers[] = {
        {.type = REDIS_REPLY_STRING, .str = "", .len = 0},
        {.type = REDIS_REPLY_STRING, .str = "x", .len = 1},
        {.type = REDIS_REPLY_STRING, .str = "-1", .len = 2},
        {.type = REDIS_REPLY_STRING, .str = "1.0", .len = 3},
        {.type = REDIS_REPLY_STRING, .str = "1e3", .len = 3},
        {.type = REDIS_REPLY_STRING, .str = "1000000000000000000", .len = 19},
        {.type = REDIS_REPLY_INTEGER, .integer = 1},
        {.type = REDIS_REPLY_NIL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        redisReply *reply =
            ARRAY(TEXT("a"), TEXT("b"), &numbers[i], TEXT("1"), NIL, NIL, INTEGER(0));

        assert_int_equal(status_of(STORE_GET, reply), STATUS_CORRUPT);
    }
}

/* ---- Without memory ---- */

static void a_grant_that_is_stored_but_cannot_be_told_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(
        status_with(0, STORE_GRANT, ARRAY(TEXT("1"), TEXT("A"), NIL, INTEGER(0), TEXT("g"))),
        STATUS_UNKNOWN);
    assert_int_equal(status_with(0, STORE_CREATE, ARRAY(TEXT("replayed"), TEXT(ID), TEXT("1"))),
                     STATUS_UNKNOWN);
}

static void what_was_only_read_is_overloaded_and_not_corrupt(void **state)
{
    (void)state;
    assert_int_equal(status_with(0, STORE_GET, ARRAY(ROW)), STATUS_OVERLOADED);
    assert_int_equal(status_with(0, STORE_GRANT_GET, ARRAY(TEXT("A"), TEXT("1"))),
                     STATUS_OVERLOADED);
    assert_int_equal(status_with(0, STORE_LIST, ARRAY(ARRAY(ROW, TEXT(ID)))), STATUS_OVERLOADED);
}

/* ---- Random replies ---- */

static uint32_t drawn(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

/* Returns a random reply in the arena, at most `depth` arrays deep. */
static redisReply *any_reply(struct arena *arena, uint32_t *seed, uint32_t depth)
{
    static char *const words[] = {"",    "created", "replayed", "reused", "g",
                                  "h2g", "1",       "refused",  ID};
    redisReply *reply = arena_zalloc(arena, sizeof(*reply));

    assert_non_null(reply);
    reply->type = (int)drawn(seed, depth == 0 ? 1 : 7) + REDIS_REPLY_STRING;
    if (reply->type == REDIS_REPLY_ARRAY) {
        reply->elements = drawn(seed, 10);
        reply->element = arena_alloc(arena, (reply->elements + 1) * sizeof(reply->element[0]));
        assert_non_null(reply->element);
        for (size_t i = 0; i < reply->elements; i++) {
            reply->element[i] = any_reply(arena, seed, depth - 1);
        }
    } else if (reply->type != REDIS_REPLY_NIL && reply->type != REDIS_REPLY_INTEGER) {
        reply->str = words[drawn(seed, 9)];
        reply->len = strlen(reply->str);
    }
    return reply;
}

static void replies_of_any_shape_have_a_status(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        struct arena replies, results;
        struct store_op op = {.verb = round % STORE_VERB_COUNT, .arena = &results};
        uint32_t seed = round;
        struct redis_outcomes outcomes;
        const redisReply *reply;

        arena_init(&replies, LIMIT_REQUEST_MEMORY);
        arena_init(&results, LIMIT_REQUEST_MEMORY);
        reply = any_reply(&replies, &seed, 3);
        assert_true(redis_verbs_decode(reply, &op) < STATUS_COUNT);
        op.verb = STORE_GRANT;
        outcomes = redis_verbs_outcomes(reply, drawn(&seed, 2), 1);
        assert_true(redis_verbs_outcome(&outcomes, &op) < STATUS_COUNT);
        arena_fini(&results);
        arena_fini(&replies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_row_matters),
        cmocka_unit_test(every_part_of_a_row_in_a_list_matters),
        cmocka_unit_test(every_part_of_a_grant_matters),
        cmocka_unit_test(every_part_of_a_stored_grant_matters),
        cmocka_unit_test(every_part_of_a_replayed_creation_matters),
        cmocka_unit_test(an_unknown_outcome_of_a_creation_is_corrupt),
        cmocka_unit_test(no_verb_takes_a_reply_of_another_type),
        cmocka_unit_test(a_ping_takes_nothing_but_a_pong),
        cmocka_unit_test(texts_that_we_never_write_are_corrupt),
        cmocka_unit_test(tokens_that_are_no_outcome_are_corrupt),
        cmocka_unit_test(numbers_that_are_none_are_corrupt),
        cmocka_unit_test(a_grant_that_is_stored_but_cannot_be_told_is_unknown),
        cmocka_unit_test(what_was_only_read_is_overloaded_and_not_corrupt),
        cmocka_unit_test(replies_of_any_shape_have_a_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
