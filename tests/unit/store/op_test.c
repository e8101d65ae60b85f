/* SPDX-License-Identifier: MIT */
#include "store/op.h"

#include <string.h>

#include "support/test.h"
#include "unit/assert_str.h"

#define MEMORY 4096

static void every_verb_has_a_row(void **state)
{
    (void)state;
    for (int verb = 0; verb < STORE_VERB_COUNT; verb++) {
        struct arena arena;
        struct store_op op = {.verb = (enum store_verb)verb, .arena = &arena}, copy = op;

        arena_init(&arena, MEMORY);
        assert_non_null(op_name(op.verb));
        assert_non_null(op_late_reason(op.verb));
        op_may_be_put_off(&op); /* a verb without its row would end here, and likewise below */
        assert_true(op_copy_inputs(&op));
        op.status = STATUS_UNAVAILABLE;
        assert_true(op_copy_results(&op, &copy));
        op.status = STATUS_OK;
        assert_true(op_copy_results(&op, &copy));
        op_validate(&op);
        arena_fini(&arena);
    }
}

static void no_two_verbs_have_one_name(void **state)
{
    (void)state;
    for (int a = 0; a < STORE_VERB_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(op_name((enum store_verb)a), op_name((enum store_verb)b));
        }
    }
}

static void a_write_is_in_doubt_when_its_reply_is_lost_and_a_read_is_not(void **state)
{
    static const enum status lost[STORE_VERB_COUNT] = {
        [STORE_PING] = STATUS_UNAVAILABLE,   [STORE_CREATE] = STATUS_UNKNOWN,
        [STORE_GET] = STATUS_UNAVAILABLE,    [STORE_LIST] = STATUS_UNAVAILABLE,
        [STORE_GRANT] = STATUS_UNKNOWN,      [STORE_GRANT_GET] = STATUS_UNAVAILABLE,
        [STORE_GRANTS] = STATUS_UNAVAILABLE, [STORE_WALLET] = STATUS_UNAVAILABLE,
    };

    (void)state;
    for (int verb = 0; verb < STORE_VERB_COUNT; verb++) {
        struct store_op op = {.verb = (enum store_verb)verb};

        assert_int_equal(op_status_if_reply_lost(&op), lost[verb]);
    }
}

static void a_ping_and_the_next_page_of_a_list_are_not_put_off(void **state)
{
    struct store_op ping = {.verb = STORE_PING}, list = {.verb = STORE_LIST},
                    grants = {.verb = STORE_GRANTS}, wallet = {.verb = STORE_WALLET};

    (void)state;
    assert_false(op_may_be_put_off(&ping));
    assert_true(op_may_be_put_off(&list));
    assert_true(op_may_be_put_off(&grants));
    assert_true(op_may_be_put_off(&wallet));
    list.list.after_us = 1;
    grants.grants.after_user = STR("ann");
    wallet.wallet.before_id = STR("dsc-");
    assert_false(op_may_be_put_off(&list));
    assert_false(op_may_be_put_off(&grants));
    assert_false(op_may_be_put_off(&wallet));
}

/* Returns the texts that an operation of each verb borrows. */
static size_t inputs_of(struct store_op *op, struct str *ret_inputs[4])
{
    switch (op->verb) {
    case STORE_CREATE:
        ret_inputs[0] = &op->create.discount.id;
        ret_inputs[1] = &op->create.discount.brand_id;
        ret_inputs[2] = &op->create.discount.discount_code;
        ret_inputs[3] = &op->create.idempotency_key;
        return 4;
    case STORE_GET:
        ret_inputs[0] = &op->get.discount.id;
        return 1;
    case STORE_LIST:
        ret_inputs[0] = &op->list.brand_id;
        return 1;
    case STORE_GRANT:
    case STORE_GRANT_GET:
        ret_inputs[0] = &op->grant.grant.discount_id;
        ret_inputs[1] = &op->grant.grant.user_id;
        return 2;
    case STORE_GRANTS:
        ret_inputs[0] = &op->grants.discount_id;
        ret_inputs[1] = &op->grants.after_user;
        return 2;
    case STORE_WALLET:
        ret_inputs[0] = &op->wallet.user_id;
        ret_inputs[1] = &op->wallet.before_id;
        return 2;
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
    return 0;
}

static void inputs_are_copied_from_their_texts(void **state)
{
    static const char *const words[] = {"first", "second", "third", "fourth"};

    (void)state;
    for (int verb = 0; verb < STORE_VERB_COUNT; verb++) {
        char texts[4][8] = {"first", "second", "third", "fourth"};
        struct arena arena;
        struct store_op op = {.verb = (enum store_verb)verb, .arena = &arena};
        struct str *inputs[4];
        size_t count = inputs_of(&op, inputs);

        arena_init(&arena, MEMORY);
        for (size_t i = 0; i < count; i++) {
            *inputs[i] = str_of(texts[i]);
        }
        assert_true(op_copy_inputs(&op));
        memset(texts, '?', sizeof(texts));
        for (size_t i = 0; i < count; i++) {
            assert_str_equal(*inputs[i], words[i]);
        }
        arena_fini(&arena);
    }
}

static void without_memory_no_input_is_copied(void **state)
{
    (void)state;
    for (int verb = 0; verb < STORE_VERB_COUNT; verb++) {
        struct arena arena;
        struct store_op op = {.verb = (enum store_verb)verb, .arena = &arena};
        struct str *inputs[4];
        size_t count = inputs_of(&op, inputs);

        for (size_t i = 0; i < count; i++) {
            memset(&op.create, 0, sizeof(op.create));
            *inputs[i] = STR("text");
            arena_init(&arena, 0);
            assert_false(op_copy_inputs(&op));
            arena_fini(&arena);
        }
    }
}

static void what_a_refused_grant_says_is_copied(void **state)
{
    struct store_op from = {.verb = STORE_GRANT, .status = STATUS_DISCOUNT_EXHAUSTED};
    struct store_op to = {.verb = STORE_GRANT};

    (void)state;
    from.grant.final_count = 7;
    from.grant.starts_in_us = 8;
    assert_true(op_copy_results(&from, &to));
    assert_int_equal(to.grant.final_count, 7);
    assert_int_equal(to.grant.starts_in_us, 8);
}

static void results_are_copied_into_the_callers_arena(void **state)
{
    char code[] = "A CODE";
    struct grant grant = {.user_id = STR("ann"), .granted_at_us = 5};
    struct arena arena;
    struct store_op from = {.verb = STORE_GRANTS, .status = STATUS_OK}, to = {.arena = &arena};

    (void)state;
    arena_init(&arena, MEMORY);
    grant.discount_code = str_of(code);
    from.grants.grants = &grant;
    from.grants.count = 1;
    assert_true(op_copy_results(&from, &to));
    memset(code, '?', sizeof(code) - 1);
    assert_int_equal(to.grants.count, 1);
    assert_int_equal(to.grants.grants[0].granted_at_us, 5);
    assert_str_equal(to.grants.grants[0].discount_code, "A CODE");
    assert_str_equal(to.grants.grants[0].user_id, "ann");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_has_a_row),
        cmocka_unit_test(no_two_verbs_have_one_name),
        cmocka_unit_test(a_write_is_in_doubt_when_its_reply_is_lost_and_a_read_is_not),
        cmocka_unit_test(a_ping_and_the_next_page_of_a_list_are_not_put_off),
        cmocka_unit_test(inputs_are_copied_from_their_texts),
        cmocka_unit_test(without_memory_no_input_is_copied),
        cmocka_unit_test(what_a_refused_grant_says_is_copied),
        cmocka_unit_test(results_are_copied_into_the_callers_arena),
    };

    return cmocka_run_group_tests_name("op", tests, NULL, NULL);
}
