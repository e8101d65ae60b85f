/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "unit/http/target_status.h"

static void assert_pairs(const char *raw, size_t count, const char *const (*pairs)[2])
{
    struct arena arena;
    struct target target;

    arena_init(&arena, 65536);
    assert_int_equal(target_parse(str_of(raw), &arena, &target), STATUS_OK);
    assert_int_equal(target.query_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_str_equal(target.query[i].name, pairs[i][0]);
        assert_str_equal(target.query[i].value, pairs[i][1]);
    }
    arena_fini(&arena);
}

static void a_query_is_split_into_its_members(void **state)
{
    (void)state;
    assert_pairs("/discount?brand_id=adidas&limit=10", 2,
                 (const char *const[][2]){{"brand_id", "adidas"}, {"limit", "10"}});
}

static void a_query_may_be_empty(void **state)
{
    (void)state;
    assert_pairs("/discount?", 0, NULL);
    assert_pairs("/discount?&&", 0, NULL);
}

static void a_member_without_an_equals_sign_has_an_empty_value(void **state)
{
    (void)state;
    assert_pairs("/?a&b=", 2, (const char *const[][2]){{"a", ""}, {"b", ""}});
}

static void only_the_first_equals_sign_separates(void **state)
{
    (void)state;
    assert_pairs("/?a=b=c?d", 1, (const char *const[][2]){{"a", "b=c?d"}});
}

static void a_plus_in_a_query_is_a_space(void **state)
{
    (void)state;
    assert_pairs("/?user_id=User+1%2B", 1, (const char *const[][2]){{"user_id", "User 1+"}});
    assert_pairs("/?user+id=1", 1, (const char *const[][2]){{"user id", "1"}});
}

static void an_encoded_separator_stays_inside_its_value(void **state)
{
    (void)state;
    assert_pairs("/?a%3D=%26%3d", 1, (const char *const[][2]){{"a=", "&="}});
}

static void a_member_given_twice_is_malformed(void **state)
{
    (void)state;
    assert_malformed("/?user_id=1&user_id=1");
    assert_malformed("/?user_id=1&x=2&user%5Fid=3");
    assert_malformed("/?a&a");
}

static void more_members_than_the_limit_are_malformed(void **state)
{
    (void)state;
    assert_int_equal(status_of("/?1&2&3&4&5&6&7&8"), STATUS_OK);
    assert_malformed("/?1&2&3&4&5&6&7&8&9");
}

static void errors_in_a_query_are_malformed(void **state)
{
    (void)state;
    assert_malformed("/?a=%zz");
    assert_malformed("/?%=a");
    assert_malformed("/?a=%00");
    assert_malformed("/?a=%0a");
    assert_malformed("/?a=\xff");
    assert_malformed("/?a=1&b=%2");
}

/* Parses this beginning, extended with "a" to a length. */
static enum status status_of_long(const char *beginning, size_t length)
{
    static char raw[2 * LIMIT_TARGET];

    assert_true(length <= sizeof(raw));
    memset(raw, 'a', sizeof(raw));
    memcpy(raw, beginning, strlen(beginning));
    return status_of_str((struct str){raw, length});
}

static void a_target_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
    (void)state;
    assert_int_equal(status_of_long("/", LIMIT_TARGET), STATUS_OK);
    assert_int_equal(status_of_long("/", LIMIT_TARGET + 1), STATUS_URI_TOO_LONG);
}

static void the_query_counts_for_the_length_of_the_target(void **state)
{
    (void)state;
    assert_int_equal(status_of_long("/x?name=", LIMIT_TARGET), STATUS_OK);
    assert_int_equal(status_of_long("/x?name=", LIMIT_TARGET + 1), STATUS_URI_TOO_LONG);
}

static void without_memory_it_is_overloaded(void **state)
{
    struct arena arena;
    struct target target;

    (void)state;
    arena_init(&arena, 0);
    assert_int_equal(target_parse(STR("/discount"), &arena, &target), STATUS_OVERLOADED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_split_into_its_members),
        cmocka_unit_test(a_query_may_be_empty),
        cmocka_unit_test(a_member_without_an_equals_sign_has_an_empty_value),
        cmocka_unit_test(only_the_first_equals_sign_separates),
        cmocka_unit_test(a_plus_in_a_query_is_a_space),
        cmocka_unit_test(an_encoded_separator_stays_inside_its_value),
        cmocka_unit_test(a_member_given_twice_is_malformed),
        cmocka_unit_test(more_members_than_the_limit_are_malformed),
        cmocka_unit_test(errors_in_a_query_are_malformed),
        cmocka_unit_test(a_target_may_be_as_long_as_the_limit_and_no_longer),
        cmocka_unit_test(the_query_counts_for_the_length_of_the_target),
        cmocka_unit_test(without_memory_it_is_overloaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
