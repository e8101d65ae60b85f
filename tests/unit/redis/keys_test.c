/* SPDX-License-Identifier: MIT */
/* Inputs of any bytes and of the greatest length, as arguments and within keys. */
#include "store/redis/verbs.h"
#include "unit/assert_str.h"

#define ID "dsc-AAAAAAAAAAAAAAAAAAAAAA"

static struct str argument(const struct redis_command *command, int i)
{
    assert_true(i < command->argc);
    return (struct str){command->argv[i], command->sizes[i]};
}

/* Returns the command of one operation. It is static because it is large; a test needs one at a
 * time. */
static const struct redis_command *encoded(struct store_op *op)
{
    static struct redis_command command;

    memset(&command, '#', sizeof(command));
    redis_verbs_encode(&(struct redis_group){&op, 1}, 1, false, &command);
    return &command;
}

static struct store_op create_op(void)
{
    return (struct store_op){.verb = STORE_CREATE,
                             .create.discount = {.id = STR(ID),
                                                 .brand_id = STR("adidas"),
                                                 .discount_code = STR("ADIDAS 10"),
                                                 .total_count = 1000000000}};
}

static struct store_op grant_op(struct str user_id)
{
    return (struct store_op){.verb = STORE_GRANT,
                             .grant.grant = {.discount_id = STR(ID), .user_id = user_id}};
}

/* Checks the largest batch: the longest user ids, in groups of this many. */
static void check_room(size_t each)
{
    static struct store_op ops[LIMIT_GRANTS_PER_BATCH];
    static char users[LIMIT_GRANTS_PER_BATCH][LIMIT_USER_ID];
    static struct redis_command command;
    struct store_op *pointers[LIMIT_GRANTS_PER_BATCH];
    struct redis_group groups[LIMIT_GRANTS_PER_BATCH];
    size_t count = LIMIT_GRANTS_PER_BATCH / each;

    for (size_t i = 0; i < LIMIT_GRANTS_PER_BATCH; i++) {
        memset(users[i], (int)i, LIMIT_USER_ID);
        ops[i] = grant_op((struct str){users[i], LIMIT_USER_ID});
        pointers[i] = &ops[i];
        groups[i / each] = (struct redis_group){pointers + i / each * each, each};
    }
    redis_verbs_encode(groups, count, false, &command);
    assert_int_equal(command.argc, 3 + 4 * count + 2 * LIMIT_GRANTS_PER_BATCH);
    for (size_t i = 0; i < LIMIT_GRANTS_PER_BATCH; i++) {
        size_t before = 2 * (i / each + 1) + i;
        struct str wallet = argument(&command, (int)(3 + before));
        struct str user =
            argument(&command, (int)(3 + 2 * count + LIMIT_GRANTS_PER_BATCH + before));

        assert_int_equal(wallet.n, strlen("user:{}:discounts") + LIMIT_USER_ID);
        assert_memory_equal(wallet.p + strlen("user:{"), users[i], LIMIT_USER_ID);
        assert_true(str_eq(user, (struct str){users[i], LIMIT_USER_ID}));
    }
}

static void a_batch_of_the_longest_users_has_room(void **state)
{
    (void)state;
    check_room(LIMIT_GRANTS_PER_BATCH);
    check_room(2);
    check_room(1);
}

static void the_longest_inputs_of_a_discount_have_room(void **state)
{
    char brand[LIMIT_BRAND_ID], code[LIMIT_DISCOUNT_CODE], key[LIMIT_IDEMPOTENCY_KEY];
    struct store_op op = create_op();
    const struct redis_command *command;

    (void)state;
    memset(brand, 'b', sizeof(brand));
    memset(code, 'c', sizeof(code));
    memset(key, 'k', sizeof(key));
    op.create.discount.brand_id = (struct str){brand, sizeof(brand)};
    op.create.discount.discount_code = (struct str){code, sizeof(code)};
    op.create.idempotency_key = (struct str){key, sizeof(key)};
    command = encoded(&op);
    assert_int_equal(command->sizes[6],
                     strlen("idempotency:128:{}:") + sizeof(brand) + sizeof(key));
    assert_int_equal(command->sizes[8], sizeof(brand));
    assert_int_equal(command->sizes[9], sizeof(code));
}

static void arguments_hold_any_byte(void **state)
{
    struct store_op op = grant_op(STR("a\r\nFLUSHALL\r\n\0 %s"));

    (void)state;
    assert_true(str_eq(argument(encoded(&op), 8), STR("a\r\nFLUSHALL\r\n\0 %s")));
}

static void idempotency_key_of(const char *brand, const char *key, char text[128])
{
    struct store_op op = create_op();
    struct str name;

    op.create.discount.brand_id = str_of(brand);
    op.create.idempotency_key = str_of(key);
    name = argument(encoded(&op), 6);
    assert_true(name.n < 128);
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
}

static void no_brand_and_key_together_spell_those_of_another(void **state)
{
    static const char *const pairs[][2] = {{"a}:b", "c"},   {"a", "b}:c"},   {"a", "}:b}:c"},
                                           {"a}:", "b}:c"}, {"a}:b}:", "c"}, {"a:{b", "c"},
                                           {"1:{a", "b"},   {"a", "1:{a}:b"}};
    const size_t count = sizeof(pairs) / sizeof(pairs[0]);

    (void)state;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            char left[128], right[128];

            idempotency_key_of(pairs[a][0], pairs[a][1], left);
            idempotency_key_of(pairs[b][0], pairs[b][1], right);
            assert_string_not_equal(left, right);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_of_the_longest_users_has_room),
        cmocka_unit_test(the_longest_inputs_of_a_discount_have_room),
        cmocka_unit_test(arguments_hold_any_byte),
        cmocka_unit_test(no_brand_and_key_together_spell_those_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
