/* SPDX-License-Identifier: MIT */
#include "api/document_json.h"

#include "unit/assert_str.h"

static bool is_json(const char *content_type)
{
    return document_type_is_json(str_of(content_type));
}

static void application_json_is_json(void **state)
{
    (void)state;
    assert_true(is_json("application/json"));
    assert_true(is_json("Application/JSON"));
}

static void a_charset_of_utf_8_is_json(void **state)
{
    (void)state;
    assert_true(is_json("application/json;charset=utf-8"));
    assert_true(is_json("application/json; charset=UTF-8"));
    assert_true(is_json("application/json ;\tCharset=\"utf-8\""));
}

static void another_charset_is_refused(void **state)
{
    (void)state;
    assert_false(is_json("application/json; charset=utf-7"));
    assert_false(is_json("application/json; charset=\"utf-7\""));
    assert_false(is_json("application/json; charset=utf-16"));
    assert_false(is_json("application/json; charset=iso-8859-1"));
    assert_false(is_json("application/json; charset=utf-80"));
    assert_false(is_json("application/json; charset=utf-8; charset=utf-16"));
}

static void no_media_type_is_refused(void **state)
{
    (void)state;
    assert_false(is_json(""));
    assert_false(document_type_is_json((struct str){NULL, 0}));
}

static void another_media_type_is_refused(void **state)
{
    (void)state;
    assert_false(is_json("application/x-www-form-urlencoded"));
    assert_false(is_json("text/json"));
    assert_false(is_json("application/problem+json"));
    assert_false(is_json("application/js"));
    assert_false(is_json("application/json5"));
    assert_false(is_json("application/json-seq"));
    assert_false(is_json("application/json, text/plain"));
    assert_false(is_json("xapplication/json"));
}

/* RFC 9110, section 8.3.1: a parameter follows a semicolon. */
static void a_charset_without_a_semicolon_is_refused(void **state)
{
    (void)state;
    assert_false(is_json("application/jsoncharset=utf-8"));
    assert_false(is_json("application/json charset=utf-8"));
}

static void a_media_type_ends_where_its_length_says(void **state)
{
    (void)state;
    assert_true(document_type_is_json((struct str){"application/jsonx", 16}));
    assert_false(document_type_is_json((struct str){"application/json", 15}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(application_json_is_json),
        cmocka_unit_test(a_charset_of_utf_8_is_json),
        cmocka_unit_test(another_charset_is_refused),
        cmocka_unit_test(no_media_type_is_refused),
        cmocka_unit_test(another_media_type_is_refused),
        cmocka_unit_test(a_charset_without_a_semicolon_is_refused),
        cmocka_unit_test(a_media_type_ends_where_its_length_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
