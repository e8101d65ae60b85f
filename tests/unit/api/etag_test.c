/* SPDX-License-Identifier: MIT */
/* Entity tags: different bytes have different tags, and If-None-Match is read as RFC 9110 says. */
#include "api/etag.h"

#include "support/test.h"

static void what_differs_has_another_tag(void **state)
{
    struct arena arena;
    const char *one, *same, *other;

    (void)state;
    arena_init(&arena, 4096);
    one = etag_print(STR("{\"granted_count\":1}\n"), &arena);
    same = etag_print(STR("{\"granted_count\":1}\n"), &arena);
    other = etag_print(STR("{\"granted_count\":2}\n"), &arena);
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), 18);
    assert_int_equal(one[0], '"');
    assert_int_equal(one[17], '"');
    arena_fini(&arena);
}

static void a_tag_is_found_in_a_list(void **state)
{
    static const struct str headers[] = {
        STR_INIT("\"a\""),
        STR_INIT("W/\"a\""),
        STR_INIT("\"b\",\"a\""),
        STR_INIT("\"b\", W/\"c\" ,\t\"a\""),
        STR_INIT("*"),
        STR_INIT(" \"a\" "),
        STR_INIT("\"b,\",\"a\", \"d\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (!etag_is_among("\"a\"", headers[i])) {
            fail_msg("%.*s", (int)headers[i].n, headers[i].p);
        }
    }
}

static void what_is_no_such_header_names_nothing(void **state)
{
    static const struct str headers[] = {
        STR_INIT(""),
        STR_INIT("a"),
        STR_INIT("\"a"),
        STR_INIT("w/\"a\""),
        STR_INIT("\"b\""),
        STR_INIT("\"A\""),
        STR_INIT("**"),
        STR_INIT("W/"),
        STR_INIT("\"b\" \"a\""),
        STR_INIT("b, \"a\""),
        STR_INIT("\""),
        STR_INIT(",\"a\""),
        STR_INIT("\"b\"x,\"a\""),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (etag_is_among("\"a\"", headers[i])) {
            fail_msg("%.*s", (int)headers[i].n, headers[i].p);
        }
    }
}

static void without_memory_there_is_no_tag(void **state)
{
    struct arena none;

    (void)state;
    arena_init(&none, 0);
    assert_null(etag_print(STR("x"), &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_differs_has_another_tag),
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(what_is_no_such_header_names_nothing),
        cmocka_unit_test(without_memory_there_is_no_tag),
    };

    return cmocka_run_group_tests_name("etag", tests, NULL, NULL);
}
