/* SPDX-License-Identifier: MIT */
/* The rule for valid discounts in a store. */
#include "discount/discount.h"

#include "discount/limits.h"
#include "support/test.h"

static const struct discount valid = {
    .id = STR_INIT("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
    .brand_id = STR_INIT("adidas"),
    .discount_code = STR_INIT("ADIDAS10"),
    .total_count = 10,
    .granted_count = 3,
    .created_at_us = 1606386477202420,
};

static size_t errors_of(const struct discount *discount, size_t from)
{
    size_t count = 0;

    while (discount_next_error(discount, &from) != NULL) {
        count++;
    }
    return count;
}

static void what_a_store_of_ours_writes_is_valid(void **state)
{
    static char longest[LIMIT_DISCOUNT_CODE];
    struct discount discount = valid;

    (void)state;
    memset(longest, 'x', sizeof(longest));
    assert_true(discount_is_valid(&discount));
    discount.brand_id = (struct str){longest, LIMIT_BRAND_ID};
    discount.discount_code = (struct str){longest, LIMIT_DISCOUNT_CODE};
    discount.total_count = LIMIT_TOTAL_COUNT;
    discount.granted_count = 0;
    discount.created_at_us = LIMIT_TIME_US;
    discount.starts_at_us = LIMIT_TIME_US - 1;
    discount.expires_at_us = LIMIT_TIME_US;
    assert_true(discount_is_valid(&discount));
    discount.total_count = 1;
    discount.created_at_us = 1;
    discount.starts_at_us = 0;
    discount.expires_at_us = 1;
    assert_true(discount_is_valid(&discount));
}

static void more_grants_than_the_stock_can_be_read(void **state)
{
    struct discount discount = valid;

    (void)state;
    discount.granted_count = 11;
    assert_true(discount_is_valid(&discount));
}

/* Each error by itself is found, and counts as an error of the terms if a grant needs the member.
 * */
static void each_thing_that_is_wrong_is_one_error(void **state)
{
    static char text[LIMIT_DISCOUNT_CODE + 1];
    struct discount wrong[18];
    size_t n = 0, terms;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        wrong[i] = valid;
    }
    wrong[n++].id = STR("dsc-AAAAAAAAAAAAAAAAAAAAAB");
    wrong[n++].id = STR("");
    wrong[n++].brand_id = STR("");
    wrong[n++].brand_id = (struct str){text, LIMIT_BRAND_ID + 1};
    wrong[n++].brand_id = STR("\xff");
    wrong[n++].created_at_us = 0;
    wrong[n++].created_at_us = LIMIT_TIME_US + 1;
    terms = n;
    wrong[n++].discount_code = STR("");
    wrong[n++].discount_code = (struct str){text, LIMIT_DISCOUNT_CODE + 1};
    wrong[n++].discount_code = STR("a\nb");
    wrong[n++].total_count = 0;
    wrong[n++].total_count = LIMIT_TOTAL_COUNT + 1;
    wrong[n++].granted_count = -1;
    wrong[n++].starts_at_us = -1;
    wrong[n++].starts_at_us = LIMIT_TIME_US + 1;
    wrong[n++].expires_at_us = LIMIT_TIME_US + 1;
    wrong[n].starts_at_us = 7;
    wrong[n++].expires_at_us = 7;
    wrong[n].starts_at_us = 7;
    wrong[n++].expires_at_us = 6;
    assert_int_equal(n, sizeof(wrong) / sizeof(wrong[0]));
    for (size_t i = 0; i < n; i++) {
        assert_false(discount_is_valid(&wrong[i]));
        assert_int_equal(errors_of(&wrong[i], 0), 1);
        assert_int_equal(errors_of(&wrong[i], DISCOUNT_TERMS), i >= terms ? 1 : 0);
    }
}

static void one_error_hides_no_other(void **state)
{
    const struct discount nothing = {.granted_count = -1,
                                     .created_at_us = INT64_MAX,
                                     .starts_at_us = INT64_MIN,
                                     .expires_at_us = INT64_MIN};

    (void)state;
    assert_int_equal(errors_of(&nothing, 0), 9);
}

static void a_user_is_a_text(void **state)
{
    (void)state;
    assert_true(user_id_is_valid(STR("User 1")));
    assert_false(user_id_is_valid(STR("")));
    assert_false(user_id_is_valid(STR("\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_store_of_ours_writes_is_valid),
        cmocka_unit_test(more_grants_than_the_stock_can_be_read),
        cmocka_unit_test(each_thing_that_is_wrong_is_one_error),
        cmocka_unit_test(one_error_hides_no_other),
        cmocka_unit_test(a_user_is_a_text),
    };

    return cmocka_run_group_tests_name("discount sound", tests, NULL, NULL);
}
