/* SPDX-License-Identifier: MIT */
/* Discounts and grants as clients read them. */
#include <jansson.h>

#include "api/discount_json.h"
#include "api/grant_json.h"
#include "unit/assert_str.h"

static const struct discount plain = {
    .id = STR_INIT("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
    .brand_id = STR_INIT("adidas"),
    .discount_code = STR_INIT("ADIDAS10"),
    .total_count = 10,
    .granted_count = 3,
    .created_at_us = INT64_C(1606386477202420),
};

static const struct grant grant = {
    .discount_id = STR_INIT("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
    .discount_code = STR_INIT("ADIDAS10"),
    .user_id = STR_INIT("User 1"),
    .granted_at_us = INT64_C(1606386477202420),
};

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

static void a_created_discount_is_printed_without_counts(void **state)
{
    assert_str_equal(discount_print_created(&plain, *state),
                     "{\"brand_id\":\"adidas\",\"created_at\":\"2020-11-26T10:27:57.202420Z\","
                     "\"discount_code\":\"ADIDAS10\",\"id\":\"dsc-AAAAAAAAAAAAAAAAAAAAAA\","
                     "\"total_count\":10}\n");
}

static void a_discount_is_printed_with_counts(void **state)
{
    assert_str_equal(discount_print(&plain, *state),
                     "{\"brand_id\":\"adidas\",\"created_at\":\"2020-11-26T10:27:57.202420Z\","
                     "\"discount_code\":\"ADIDAS10\",\"granted_count\":3,"
                     "\"id\":\"dsc-AAAAAAAAAAAAAAAAAAAAAA\",\"remaining_count\":7,"
                     "\"total_count\":10}\n");
}

static void a_discount_is_printed_with_the_times_it_was_given(void **state)
{
    struct discount timed = plain;

    timed.starts_at_us = 1;
    timed.expires_at_us = 1000000;
    assert_str_equal(discount_print_created(&timed, *state),
                     "{\"brand_id\":\"adidas\",\"created_at\":\"2020-11-26T10:27:57.202420Z\","
                     "\"discount_code\":\"ADIDAS10\","
                     "\"expires_at\":\"1970-01-01T00:00:01.000000Z\","
                     "\"id\":\"dsc-AAAAAAAAAAAAAAAAAAAAAA\","
                     "\"starts_at\":\"1970-01-01T00:00:00.000001Z\",\"total_count\":10}\n");
}

static void a_grant_is_printed(void **state)
{
    assert_str_equal(grant_print(&grant, *state),
                     "{\"discount_code\":\"ADIDAS10\","
                     "\"discount_id\":\"dsc-AAAAAAAAAAAAAAAAAAAAAA\",\"granted\":true,"
                     "\"granted_at\":\"2020-11-26T10:27:57.202420Z\",\"user_id\":\"User 1\"}\n");
}

static json_t *parsed(struct str text)
{
    json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(json);
    return json;
}

static void assert_sorted(struct str text)
{
    json_t *object = parsed(text), *value;
    const char *before = "", *name;

    json_object_foreach(object, name, value)
    {
        assert_true(strcmp(before, name) < 0);
        before = name;
    }
    json_decref(object);
}

static void members_are_printed_in_sorted_order(void **state)
{
    struct discount timed = plain;

    timed.starts_at_us = 1;
    timed.expires_at_us = 2;
    assert_sorted(discount_print(&timed, *state));
    assert_sorted(discount_print_created(&timed, *state));
    assert_sorted(grant_print(&grant, *state));
}

static void quotes_and_backslashes_come_back_as_they_were(void **state)
{
    struct discount odd = plain;
    json_t *json;

    odd.discount_code = STR("\"},{\"a\\\":/é🎉\"");
    json = parsed(discount_print(&odd, *state));
    assert_string_equal(json_string_value(json_object_get(json, "discount_code")),
                        "\"},{\"a\\\":/é🎉\"");
    json_decref(json);
}

static void texts_are_printed_up_to_their_length(void **state)
{
    struct grant part = grant;
    json_t *json;

    part.user_id.n = 4;
    json = parsed(grant_print(&part, *state));
    assert_string_equal(json_string_value(json_object_get(json, "user_id")), "User");
    json_decref(json);
}

/* 256 bytes of code, which are escaped to two bytes each, and 128 of brand. */
static void the_longest_discount_is_printed(void **state)
{
    char code[LIMIT_DISCOUNT_CODE], brand[LIMIT_BRAND_ID];
    struct discount longest = plain;
    json_t *json;

    memset(code, '"', sizeof(code));
    memset(brand, '\\', sizeof(brand));
    longest.discount_code = (struct str){code, sizeof(code)};
    longest.brand_id = (struct str){brand, sizeof(brand)};
    json = parsed(discount_print(&longest, *state));
    assert_int_equal(json_string_length(json_object_get(json, "discount_code")), sizeof(code));
    assert_int_equal(json_string_length(json_object_get(json, "brand_id")), sizeof(brand));
    json_decref(json);
}

/* A store that was changed by others may have more grants than its stock. */
static void remaining_is_never_less_than_nothing(void **state)
{
    struct discount over = plain;
    json_t *json;

    over.granted_count = 11;
    json = parsed(discount_print(&over, *state));
    assert_int_equal(json_integer_value(json_object_get(json, "remaining_count")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "granted_count")), 11);
    json_decref(json);
}

/* ---- Wallets ---- */

static void a_holding_is_its_discount_and_when_it_was_granted(void **state)
{
    const struct user_grant user_grant = {.discount = plain, .granted_at_us = 1606386477202420};
    struct str text = discount_print_user_grant(&user_grant, *state);
    json_t *json = parsed(text);

    assert_string_equal(json_string_value(json_object_get(json, "granted_at")),
                        "2020-11-26T10:27:57.202420Z");
    assert_non_null(json_object_get(json, "id"));
    assert_null(json_object_get(json, "granted_count"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_created_discount_is_printed_without_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_discount_is_printed_with_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_discount_is_printed_with_the_times_it_was_given, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_grant_is_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(members_are_printed_in_sorted_order, setup, teardown),
        cmocka_unit_test_setup_teardown(quotes_and_backslashes_come_back_as_they_were, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(texts_are_printed_up_to_their_length, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longest_discount_is_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(remaining_is_never_less_than_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_holding_is_its_discount_and_when_it_was_granted, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
