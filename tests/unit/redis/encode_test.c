/* SPDX-License-Identifier: MIT */
#include "store/redis/scripts.h"
#include "store/redis/verbs.h"
#include "unit/assert_str.h"

#define ID "dsc-AAAAAAAAAAAAAAAAAAAAAA"
#define OTHER_ID "dsc-BBBBBBBBBBBBBBBBBBBBBB"

static struct str argument(const struct redis_command *command, int i)
{
    assert_true(i < command->argc);
    return (struct str){command->argv[i], command->sizes[i]};
}

/* Returns the command of one operation. It is static because it is large; a test needs one at a
 * time. */
static const struct redis_command *encoded(struct store_op *op, bool whole_script)
{
    static struct redis_command command;

    memset(&command, '#', sizeof(command));
    redis_verbs_encode(&(struct redis_group){&op, 1}, 1, whole_script, &command);
    return &command;
}

/* Checks all arguments after the script, or after the command's name if there is no script. */
static void assert_rest(const struct redis_command *command, int first, const char *const *rest)
{
    for (; *rest != NULL; rest++, first++) {
        assert_str_equal(argument(command, first), *rest);
    }
    assert_int_equal(command->argc, first);
}

#define REST(...) ((const char *const[]){__VA_ARGS__, NULL})

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

static void a_ping_is_one_word(void **state)
{
    struct store_op op = {.verb = STORE_PING};

    (void)state;
    assert_rest(encoded(&op, false), 0, REST("PING"));
}

static void every_script_is_called_by_its_hash(void **state)
{
    (void)state;
    for (enum store_verb verb = STORE_CREATE; verb < STORE_VERB_COUNT; verb++) {
        struct store_op op = {.verb = verb};
        const struct redis_command *command = encoded(&op, false);

        assert_str_equal(argument(command, 0), "EVALSHA");
        assert_int_equal(command->sizes[1], 40);
        assert_memory_equal(command->argv[1], redis_scripts[verb].sha1.p, 40);
    }
}

static void every_script_is_sent_whole_when_it_is_not_loaded(void **state)
{
    (void)state;
    for (enum store_verb verb = STORE_CREATE; verb < STORE_VERB_COUNT; verb++) {
        struct store_op op = {.verb = verb};
        const struct redis_command *command = encoded(&op, true);

        assert_str_equal(argument(command, 0), "EVAL");
        assert_true(redis_scripts[verb].text.n > 100);
        assert_true(str_eq(argument(command, 1), redis_scripts[verb].text));
    }
}

/* With the hash of another script, that script would be called. */
static void no_two_scripts_share_a_hash(void **state)
{
    (void)state;
    for (enum store_verb a = STORE_CREATE; a < STORE_VERB_COUNT; a++) {
        for (enum store_verb b = a + 1; b < STORE_VERB_COUNT; b++) {
            assert_false(str_eq(redis_scripts[a].sha1, redis_scripts[b].sha1));
        }
    }
}

static void create_names_three_keys_and_the_inputs(void **state)
{
    struct store_op op = create_op();

    (void)state;
    assert_rest(encoded(&op, false), 2,
                REST("3", "discount:{" ID "}", "discounts", "brand:{adidas}:discounts", ID,
                     "adidas", "ADIDAS 10", "1000000000", "", ""));
}

static void create_sends_the_times_it_has(void **state)
{
    struct store_op op = create_op();

    (void)state;
    op.create.discount.starts_at_us = INT64_C(1606386477202420);
    op.create.discount.expires_at_us = INT64_C(253402300799999999);
    assert_rest(encoded(&op, false), 2,
                REST("3", "discount:{" ID "}", "discounts", "brand:{adidas}:discounts", ID,
                     "adidas", "ADIDAS 10", "1000000000", "1606386477202420",
                     "253402300799999999"));
}

static void create_with_an_idempotency_key_names_it_too(void **state)
{
    struct store_op op = create_op();

    (void)state;
    op.create.idempotency_key = STR("k-1");
    assert_rest(encoded(&op, false), 2,
                REST("4", "discount:{" ID "}", "discounts", "brand:{adidas}:discounts",
                     "idempotency:6:{adidas}:k-1", ID, "adidas", "ADIDAS 10", "1000000000", "",
                     ""));
}

static void get_names_the_discount_and_its_grants(void **state)
{
    struct store_op op = {.verb = STORE_GET, .get.discount.id = STR(ID)};

    (void)state;
    assert_rest(encoded(&op, false), 2, REST("2", "discount:{" ID "}", "discount:{" ID "}:grants"));
}

static void list_sends_where_to_begin_and_how_many(void **state)
{
    struct store_op op = {.verb = STORE_LIST, .list = {.limit = 100}};

    (void)state;
    assert_rest(encoded(&op, false), 2, REST("1", "discounts", "0", "100"));
    op.list.after_us = INT64_C(1606386477202420);
    assert_rest(encoded(&op, false), 2, REST("1", "discounts", "1606386477202420", "100"));
}

static void a_grant_names_the_wallet_of_its_user(void **state)
{
    struct store_op op = grant_op(STR("User 1"));

    (void)state;
    assert_rest(encoded(&op, false), 2,
                REST("3", "discount:{" ID "}", "discount:{" ID "}:grants",
                     "user:{User 1}:discounts", ID, "1", "User 1"));
}

static void many_grants_name_their_wallets_and_users_in_order(void **state)
{
    struct store_op first = grant_op(STR("b")), second = grant_op(STR("a")),
                    third = grant_op(STR("b"));
    struct store_op *ops[] = {&first, &second, &third};
    static struct redis_command command;

    (void)state;
    redis_verbs_encode(&(struct redis_group){ops, 3}, 1, false, &command);
    assert_rest(&command, 2,
                REST("5", "discount:{" ID "}", "discount:{" ID "}:grants", "user:{b}:discounts",
                     "user:{a}:discounts", "user:{b}:discounts", ID, "3", "b", "a", "b"));
}

static void grants_of_many_discounts_come_one_discount_behind_the_other(void **state)
{
    struct store_op first = grant_op(STR("b")), second = grant_op(STR("a")),
                    third = grant_op(STR("b"));
    struct store_op *ops[] = {&first, &second, &third};
    const struct redis_group groups[] = {{ops, 1}, {ops + 1, 2}};
    static struct redis_command command;

    (void)state;
    first.grant.grant.discount_id = STR(OTHER_ID);
    redis_verbs_encode(groups, 2, false, &command);
    assert_rest(&command, 2,
                REST("7", "discount:{" OTHER_ID "}", "discount:{" OTHER_ID "}:grants",
                     "user:{b}:discounts", "discount:{" ID "}", "discount:{" ID "}:grants",
                     "user:{a}:discounts", "user:{b}:discounts", OTHER_ID, "1", "b", ID, "2", "a",
                     "b"));
}

static void grant_get_names_the_user(void **state)
{
    struct store_op op = grant_op(STR("User 1"));

    (void)state;
    op.verb = STORE_GRANT_GET;
    assert_rest(encoded(&op, false), 2,
                REST("2", "discount:{" ID "}", "discount:{" ID "}:grants", "User 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_is_one_word),
        cmocka_unit_test(every_script_is_called_by_its_hash),
        cmocka_unit_test(every_script_is_sent_whole_when_it_is_not_loaded),
        cmocka_unit_test(no_two_scripts_share_a_hash),
        cmocka_unit_test(create_names_three_keys_and_the_inputs),
        cmocka_unit_test(create_sends_the_times_it_has),
        cmocka_unit_test(create_with_an_idempotency_key_names_it_too),
        cmocka_unit_test(get_names_the_discount_and_its_grants),
        cmocka_unit_test(list_sends_where_to_begin_and_how_many),
        cmocka_unit_test(a_grant_names_the_wallet_of_its_user),
        cmocka_unit_test(many_grants_name_their_wallets_and_users_in_order),
        cmocka_unit_test(grants_of_many_discounts_come_one_discount_behind_the_other),
        cmocka_unit_test(grant_get_names_the_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
