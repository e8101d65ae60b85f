/* SPDX-License-Identifier: MIT */
#include "store/redis/verbs.h"
#include "unit/assert_str.h"
#include "unit/redis/redis_reply.h"

#define ID "dsc-AAAAAAAAAAAAAAAAAAAAAA"
/* The reply of get.lua for a discount, and of list.lua before its id. */
#define ROW                                                                                        \
    TEXT("adidas"), TEXT("ADIDAS10"), TEXT("10"), TEXT("1606386477202420"), NIL, NIL, INTEGER(3)
/* The reply of grant.lua at the time 1000 for one discount. */
#define GRANT(words) ARRAY(TEXT("1000"), TEXT("ADIDAS10"), NIL, INTEGER(3), TEXT(words))

static int setup(void **state)
{
    static struct arena arena;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    arena_fini(*state);
    return 0;
}

static struct store_op op_of(enum store_verb verb, void **state)
{
    return (struct store_op){.verb = verb, .arena = *state};
}

static enum status decode(struct store_op *op, const redisReply *reply)
{
    return redis_verbs_decode(reply, op);
}

/* Returns the first outcome of a command's group. */
static enum status outcome(struct store_op *op, const redisReply *reply, size_t group)
{
    struct redis_outcomes outcomes = redis_verbs_outcomes(reply, group, 1);

    return redis_verbs_outcome(&outcomes, op);
}

/* ---- Create ---- */

static void created_gives_the_time(void **state)
{
    struct store_op op = op_of(STORE_CREATE, state);

    op.create.discount.id = STR(ID);
    assert_int_equal(decode(&op, ARRAY(TEXT("created"), TEXT(ID), TEXT("1606386477202420"))),
                     STATUS_OK);
    assert_false(op.create.replayed);
    assert_str_equal(op.create.discount.id, ID);
    assert_int_equal(op.create.discount.created_at_us, INT64_C(1606386477202420));
}

static void replayed_gives_the_first_discount(void **state)
{
    struct store_op op = op_of(STORE_CREATE, state);

    op.create.discount.id = STR("dsc-BBBBBBBBBBBBBBBBBBBBBA");
    assert_int_equal(decode(&op, ARRAY(TEXT("replayed"), TEXT(ID), TEXT("5"))), STATUS_OK);
    assert_true(op.create.replayed);
    assert_str_equal(op.create.discount.id, ID);
    assert_int_equal(op.create.discount.created_at_us, 5);
}

static void reused_is_a_refusal(void **state)
{
    struct store_op op = op_of(STORE_CREATE, state);

    assert_int_equal(decode(&op, ARRAY(TEXT("reused"))), STATUS_IDEMPOTENCY_KEY_REUSED);
}

/* ---- Get and list ---- */

static void a_row_gives_the_discount(void **state)
{
    struct store_op op = op_of(STORE_GET, state);

    op.get.discount.id = STR(ID);
    assert_int_equal(decode(&op, ARRAY(ROW)), STATUS_OK);
    assert_str_equal(op.get.discount.id, ID);
    assert_str_equal(op.get.discount.brand_id, "adidas");
    assert_str_equal(op.get.discount.discount_code, "ADIDAS10");
    assert_int_equal(op.get.discount.total_count, 10);
    assert_int_equal(op.get.discount.granted_count, 3);
    assert_int_equal(op.get.discount.created_at_us, INT64_C(1606386477202420));
    assert_int_equal(op.get.discount.starts_at_us, 0);
    assert_int_equal(op.get.discount.expires_at_us, 0);
}

static void a_row_gives_the_times_it_has(void **state)
{
    struct store_op op = op_of(STORE_GET, state);

    assert_int_equal(decode(&op, ARRAY(TEXT("a"), TEXT("b"), TEXT("1"), TEXT("2"), TEXT("3"),
                                       TEXT("999999999999999999"), INTEGER(0))),
                     STATUS_OK);
    assert_int_equal(op.get.discount.starts_at_us, 3);
    assert_int_equal(op.get.discount.expires_at_us, INT64_C(999999999999999999));
}

static void no_row_is_no_discount(void **state)
{
    struct store_op op = op_of(STORE_GET, state);

    assert_int_equal(decode(&op, NIL), STATUS_DISCOUNT_NOT_FOUND);
}

static void a_list_gives_its_discounts_in_order(void **state)
{
    struct store_op op = op_of(STORE_LIST, state);

    assert_int_equal(decode(&op, ARRAY(ARRAY(ROW, TEXT("first")), ARRAY(ROW, TEXT("second")))),
                     STATUS_OK);
    assert_int_equal(op.list.count, 2);
    assert_str_equal(op.list.discounts[0].id, "first");
    assert_str_equal(op.list.discounts[1].id, "second");
    assert_str_equal(op.list.discounts[1].brand_id, "adidas");
}

static void an_empty_list_is_fine(void **state)
{
    struct store_op op = op_of(STORE_LIST, state);

    assert_int_equal(decode(&op, EMPTY_ARRAY), STATUS_OK);
    assert_int_equal(op.list.count, 0);
}

/* ---- Grant ---- */

static void granted_gives_the_grant(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(outcome(&op, GRANT("g"), 0), STATUS_OK);
    assert_false(op.grant.replayed);
    assert_str_equal(op.grant.grant.discount_code, "ADIDAS10");
    assert_int_equal(op.grant.grant.granted_at_us, 1000);
}

static void held_gives_the_same_grant_again(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(outcome(&op, GRANT("h7"), 0), STATUS_OK);
    assert_true(op.grant.replayed);
    assert_str_equal(op.grant.grant.discount_code, "ADIDAS10");
    assert_int_equal(op.grant.grant.granted_at_us, 7);
}

static void every_refusal_token_has_its_status(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(outcome(&op, GRANT("x"), 0), STATUS_DISCOUNT_EXHAUSTED);
    assert_int_equal(outcome(&op, GRANT("e"), 0), STATUS_DISCOUNT_EXPIRED);
    assert_int_equal(outcome(&op, GRANT("n"), 0), STATUS_DISCOUNT_NOT_STARTED);
    assert_int_equal(outcome(&op, GRANT("r"), 0), STATUS_UNAVAILABLE);
}

static void a_final_refusal_says_how_many_grants_there_are(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(outcome(&op, ARRAY(TEXT("1000"), TEXT("A"), NIL, NIL, TEXT("e")), 0),
                     STATUS_DISCOUNT_EXPIRED);
    assert_int_equal(op.grant.final_count, -1);
    assert_int_equal(outcome(&op, ARRAY(TEXT("1000"), TEXT("A"), NIL, INTEGER(0), TEXT("e")), 0),
                     STATUS_DISCOUNT_EXPIRED);
    assert_int_equal(op.grant.final_count, 0);
    assert_int_equal(
        outcome(&op, ARRAY(TEXT("1000"), TEXT("A"), NIL, INTEGER(1000000000), TEXT("x")), 0),
        STATUS_DISCOUNT_EXHAUSTED);
    assert_int_equal(op.grant.final_count, 1000000000);
    assert_int_equal(outcome(&op, ARRAY(TEXT("1000"), TEXT("A"), NIL, INTEGER(-1), TEXT("x")), 0),
                     STATUS_CORRUPT);
}

static void a_grant_of_no_discount_is_not_found(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(outcome(&op, ARRAY(TEXT("1000"), NIL, NIL, INTEGER(0), NIL), 0),
                     STATUS_DISCOUNT_NOT_FOUND);
}

static void not_started_says_how_long_to_wait_by_the_stores_clock(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(
        outcome(&op, ARRAY(TEXT("1000"), TEXT("A"), TEXT("61000"), INTEGER(0), TEXT("n")), 0),
        STATUS_DISCOUNT_NOT_STARTED);
    assert_int_equal(op.grant.starts_in_us, 60000);
}

static void a_start_that_has_passed_is_nothing_to_wait_for(void **state)
{
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(
        outcome(&op, ARRAY(TEXT("1000"), TEXT("A"), TEXT("999"), INTEGER(0), TEXT("x")), 0),
        STATUS_DISCOUNT_EXHAUSTED);
    assert_int_equal(op.grant.starts_in_us, 0);
}

static void each_of_many_users_gets_an_outcome_of_their_own(void **state)
{
    static const enum status expected[] = {STATUS_OK, STATUS_DISCOUNT_EXHAUSTED, STATUS_OK,
                                           STATUS_UNAVAILABLE, STATUS_OK};
    struct redis_outcomes outcomes = redis_verbs_outcomes(GRANT("gxh22rg"), 0, 5);

    for (size_t i = 0; i < 5; i++) {
        struct store_op op = op_of(STORE_GRANT, state);

        assert_int_equal(redis_verbs_outcome(&outcomes, &op), expected[i]);
        assert_int_equal(op.grant.replayed, i == 2);
    }
}

static void the_token_of_a_cancelled_operation_is_skipped(void **state)
{
    struct redis_outcomes outcomes = redis_verbs_outcomes(GRANT("h7x"), 0, 2);
    struct store_op op = op_of(STORE_GRANT, state);

    redis_verbs_outcome(&outcomes, NULL);
    assert_int_equal(redis_verbs_outcome(&outcomes, &op), STATUS_DISCOUNT_EXHAUSTED);
}

static void each_discount_of_a_command_has_its_own_position(void **state)
{
    const redisReply *reply =
        ARRAY(TEXT("1000"), TEXT("A"), NIL, INTEGER(0), TEXT("g"), NIL, NIL, INTEGER(0),
              ERROR_OUTCOME("WRONGTYPE Operation against"), NIL, NIL, INTEGER(0), NIL, TEXT("B"),
              TEXT("2000"), INTEGER(1), TEXT("n"), TEXT("OOM command not allowed"));
    struct store_op op = op_of(STORE_GRANT, state);

    assert_int_equal(outcome(&op, reply, 0), STATUS_OK);
    assert_str_equal(op.grant.grant.discount_code, "A");
    assert_int_equal(outcome(&op, reply, 1), STATUS_CORRUPT);
    assert_int_equal(outcome(&op, reply, 2), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(outcome(&op, reply, 3), STATUS_DISCOUNT_NOT_STARTED);
    assert_int_equal(op.grant.starts_in_us, 1000);
    assert_int_equal(outcome(&op, reply, 4), STATUS_CORRUPT);
    assert_str_equal(redis_verbs_refusal(STORE_GRANT, 4, reply), "OOM command not allowed");
    assert_int_equal(redis_verbs_refusal(STORE_GRANT, 5, reply).n, 0);
}

static void an_error_within_a_reply_is_told_like_one_that_is_all_of_it(void **state)
{
    const redisReply *reply = ARRAY(TEXT("1000"), NIL, NIL, NIL, NIL, NIL, NIL, NIL,
                                    ERROR_OUTCOME("NOPERM this user has no permissions"));

    (void)state;
    assert_null(redis_verbs_error_in(STORE_GRANT, reply, 0));
    assert_ptr_equal(redis_verbs_error_in(STORE_GRANT, reply, 1), reply->element[8]);
    assert_null(redis_verbs_error_in(STORE_GRANT, reply, 2));
    assert_null(redis_verbs_error_in(STORE_LIST, reply, 1));
    assert_str_equal(redis_verbs_refusal(STORE_GRANT, 2, reply),
                     "NOPERM this user has no permissions");
}

/* The tokens after it would be assigned to other users. */
static void a_token_too_many_or_too_few_is_corrupt_for_all(void **state)
{
    static const char *const words[] = {"gg", "hinfg", "gggg", ""};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        redisReply text = {.type = REDIS_REPLY_STRING,
                           .str = (char *)(uintptr_t)words[i],
                           .len = strlen(words[i])};
        struct redis_outcomes outcomes =
            redis_verbs_outcomes(ARRAY(TEXT("1000"), TEXT("A"), NIL, NIL, &text), 0, 3);

        for (size_t user = 0; user < 3; user++) {
            struct store_op op = op_of(STORE_GRANT, state);

            assert_int_equal(redis_verbs_outcome(&outcomes, &op), STATUS_CORRUPT);
        }
    }
}

/* ---- Reading one grant ---- */

static void a_stored_grant_is_given(void **state)
{
    struct store_op op = op_of(STORE_GRANT_GET, state);

    assert_int_equal(decode(&op, ARRAY(TEXT("ADIDAS10"), TEXT("7"))), STATUS_OK);
    assert_str_equal(op.grant.grant.discount_code, "ADIDAS10");
    assert_int_equal(op.grant.grant.granted_at_us, 7);
}

static void no_grant_and_no_discount_are_two_answers(void **state)
{
    struct store_op op = op_of(STORE_GRANT_GET, state);

    assert_int_equal(decode(&op, ARRAY(TEXT("ADIDAS10"), NIL)), STATUS_GRANT_NOT_FOUND);
    assert_int_equal(decode(&op, NIL), STATUS_DISCOUNT_NOT_FOUND);
}

static void a_pong_is_fine(void **state)
{
    struct store_op op = op_of(STORE_PING, state);

    assert_int_equal(decode(&op, STATUS_REPLY("PONG")), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(created_gives_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(replayed_gives_the_first_discount, setup, teardown),
        cmocka_unit_test_setup_teardown(reused_is_a_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_gives_the_discount, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_gives_the_times_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(no_row_is_no_discount, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_gives_its_discounts_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_list_is_fine, setup, teardown),
        cmocka_unit_test_setup_teardown(granted_gives_the_grant, setup, teardown),
        cmocka_unit_test_setup_teardown(held_gives_the_same_grant_again, setup, teardown),
        cmocka_unit_test_setup_teardown(every_refusal_token_has_its_status, setup, teardown),
        cmocka_unit_test_setup_teardown(a_final_refusal_says_how_many_grants_there_are, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_grant_of_no_discount_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(not_started_says_how_long_to_wait_by_the_stores_clock,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_that_has_passed_is_nothing_to_wait_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_of_many_users_gets_an_outcome_of_their_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_token_of_a_cancelled_operation_is_skipped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_discount_of_a_command_has_its_own_position, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_error_within_a_reply_is_told_like_one_that_is_all_of_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_token_too_many_or_too_few_is_corrupt_for_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stored_grant_is_given, setup, teardown),
        cmocka_unit_test_setup_teardown(no_grant_and_no_discount_are_two_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pong_is_fine, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
