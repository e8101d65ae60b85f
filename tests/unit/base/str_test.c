/* SPDX-License-Identifier: MIT */
#include "discount/str.h"

#include "unit/assert_str.h"

static void a_literal_ends_before_its_nul(void **state)
{
    (void)state;
    assert_int_equal(STR("grant").n, 5);
    assert_int_equal(STR("").n, 0);
    assert_non_null(STR("").p);
}

static void a_literal_may_hold_a_nul(void **state)
{
    (void)state;
    assert_int_equal(STR("a\0b").n, 3);
}

static void a_static_initialiser_gives_the_same_as_a_literal(void **state)
{
    static const struct str text = STR_INIT("a\0b");

    (void)state;
    assert_true(str_eq(text, STR("a\0b")));
}

static void a_c_string_keeps_its_length(void **state)
{
    (void)state;
    assert_int_equal(str_of("User 1").n, 6);
}

static void equality_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("abc"), STR("abC")));
}

static void a_prefix_is_not_equal(void **state)
{
    (void)state;
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_false(str_eq(STR("abc"), STR("ab")));
}

/* memcmp must not get NULL, even for zero bytes. */
static void all_empty_texts_are_equal_wherever_they_point(void **state)
{
    (void)state;
    assert_true(str_eq((struct str){NULL, 0}, STR("")));
    assert_true(str_eq((struct str){NULL, 0}, (struct str){NULL, 0}));
    assert_false(str_eq((struct str){NULL, 0}, STR("x")));
}

static void the_rest_begins_at_the_given_byte(void **state)
{
    (void)state;
    assert_str_equal(str_from(STR("discount"), 3), "count");
    assert_str_equal(str_from(STR("discount"), 8), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_ends_before_its_nul),
        cmocka_unit_test(a_literal_may_hold_a_nul),
        cmocka_unit_test(a_static_initialiser_gives_the_same_as_a_literal),
        cmocka_unit_test(a_c_string_keeps_its_length),
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(a_prefix_is_not_equal),
        cmocka_unit_test(all_empty_texts_are_equal_wherever_they_point),
        cmocka_unit_test(the_rest_begins_at_the_given_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
