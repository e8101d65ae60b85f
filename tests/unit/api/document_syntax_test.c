/* SPDX-License-Identifier: MIT */
/* Which texts are JSON, whatever members a document should have. */
#include "api/document_json.h"

#include "unit/assert_str.h"

/* Reads a document with the one member "text", which is "" if the document has none. */
static enum status take(struct str document, char text[LIMIT_USER_ID + 1])
{
    struct str value = STR("");
    const struct member member = {"text", MEMBER_TEXT, false, LIMIT_USER_ID, &value};
    struct arena arena;
    struct document_errors errors;
    enum status status;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    document_errors_init(&errors, &arena);
    status = document_read(document, &member, 1, &errors);
    memcpy(text, value.p, value.n);
    text[value.n] = '\0';
    arena_fini(&arena);
    return status;
}

static void assert_text(struct str document, const char *expected)
{
    char text[LIMIT_USER_ID + 1];

    assert_int_equal(take(document, text), STATUS_OK);
    assert_string_equal(text, expected);
}

static void assert_json(struct str document)
{
    char text[LIMIT_USER_ID + 1];

    assert_int_equal(take(document, text), STATUS_OK);
}

static void assert_malformed(struct str document)
{
    char text[LIMIT_USER_ID + 1];

    if (take(document, text) != STATUS_MALFORMED_JSON) {
        fail_msg("%.*s is not malformed", (int)document.n, document.p);
    }
}

static void an_object_is_read_with_blanks_anywhere(void **state)
{
    (void)state;
    assert_text(STR("{\"text\":\"a\"}"), "a");
    assert_text(STR(" \t\r\n{ \"text\"\n:\t\"a\" }\r\n"), "a");
}

static void a_body_that_is_cut_off_is_malformed(void **state)
{
    struct str whole = STR("{\"text\":\"\\u00e9\",\"count\":10}");

    (void)state;
    assert_text(whole, "é");
    for (size_t n = 0; n < whole.n; n++) {
        assert_malformed((struct str){whole.p, n});
    }
}

static void an_empty_body_is_malformed(void **state)
{
    (void)state;
    assert_malformed((struct str){NULL, 0});
    assert_malformed(STR(""));
    assert_malformed(STR(" \n"));
}

static void anything_behind_the_document_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"a\"}x"));
    assert_malformed(STR("{\"text\":\"a\"}}"));
    assert_malformed(STR("{\"text\":\"a\"},"));
    assert_malformed(STR("{\"text\":\"a\"}{\"text\":\"a\"}"));
    assert_malformed(STR("{\"text\":\"a\"}\n\n{}"));
    assert_malformed(STR("{\"text\":\"a\"}\0"));
}

static void a_byte_order_mark_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("\xef\xbb\xbf{\"text\":\"a\"}"));
}

static void what_only_looks_like_json_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{'text':'a'}"));
    assert_malformed(STR("{text:\"a\"}"));
    assert_malformed(STR("{\"text\":\"a\",}"));
    assert_malformed(STR("{\"text\":\"a\"/**/}"));
    assert_malformed(STR("{\"text\":NaN}"));
    assert_malformed(STR("{\"text\":01}"));
    assert_malformed(STR("{\"text\":\"a\nb\"}"));
    assert_malformed(STR("text=a"));
}

static void a_member_given_twice_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"a\",\"text\":\"a\"}"));
    assert_malformed(STR("{\"text\":\"a\",\"x\":{\"y\":1,\"y\":2}}"));
}

static void a_member_given_twice_through_an_escape_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"a\",\"\\u0074ext\":\"b\"}"));
}

static void bytes_that_are_not_utf_8_are_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"\xff\"}"));
    assert_malformed(STR("{\"text\":\"\xc0\xaf\"}"));
    assert_malformed(STR("{\"text\":\"\xed\xa0\x80\"}"));
    assert_malformed(STR("{\"text\":\"\xe2\x82\"}"));
}

static void an_escaped_nul_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"a\\u0000b\"}"));
    assert_malformed(STR("{\"te\\u0000xt\":\"a\"}"));
}

static void a_nul_anywhere_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("\0{}"));
    assert_malformed(STR("{}\0"));
    assert_malformed(STR("{\0\"count\":1}"));
    assert_malformed(STR("{\"count\":\0true}"));
    assert_malformed(STR("{\"text\":\"\0\"}"));
}

static void a_lone_surrogate_is_malformed_and_a_pair_is_read(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"\\ud83c\"}"));
    assert_malformed(STR("{\"text\":\"\\udf89\"}"));
    assert_malformed(STR("{\"text\":\"\\udf89\\ud83c\"}"));
    assert_text(STR("{\"text\":\"\\ud83c\\udf89\"}"), "🎉");
}

/* An unknown member is not an error of the syntax. */
static void nesting_up_to_the_limit_is_json(void **state)
{
    (void)state;
    assert_json(STR("{\"x\":[[[[[[[1]]]]]]]}"));
    assert_json(STR("{\"x\":[[],[],[],[],[],[],[],[],[]]}"));
    assert_json(
        STR("{\"x\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"e\":{},\"f\":{},\"g\":{},\"h\":{}}}"));
}

static void deeper_nesting_is_malformed(void **state)
{
    (void)state;
    assert_malformed(STR("{\"text\":\"a\",\"x\":[[[[[[[[1]]]]]]]]}"));
    assert_malformed(STR("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}"));
}

static void a_hundred_brackets_are_malformed(void **state)
{
    static char brackets[100];

    (void)state;
    memset(brackets, '[', sizeof(brackets));
    assert_malformed((struct str){brackets, sizeof(brackets)});
    memset(brackets, ']', sizeof(brackets));
    assert_malformed((struct str){brackets, sizeof(brackets)});
}

static void brackets_within_texts_do_not_count(void **state)
{
    (void)state;
    assert_text(STR("{\"text\":\"[[[[[[[[[[{{{{{{{{{{\"}"), "[[[[[[[[[[{{{{{{{{{{");
    assert_text(STR("{\"text\":\"\\\"[[[[[[[[[[\"}"), "\"[[[[[[[[[[");
    assert_text(STR("{\"text\":\"\\\\\"}"), "\\");
    assert_malformed(STR("{\"x\":\"\\\\\",\"y\":[[[[[[[[1]]]]]]]]}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_read_with_blanks_anywhere),
        cmocka_unit_test(a_body_that_is_cut_off_is_malformed),
        cmocka_unit_test(an_empty_body_is_malformed),
        cmocka_unit_test(anything_behind_the_document_is_malformed),
        cmocka_unit_test(a_byte_order_mark_is_malformed),
        cmocka_unit_test(what_only_looks_like_json_is_malformed),
        cmocka_unit_test(a_member_given_twice_is_malformed),
        cmocka_unit_test(a_member_given_twice_through_an_escape_is_malformed),
        cmocka_unit_test(bytes_that_are_not_utf_8_are_malformed),
        cmocka_unit_test(an_escaped_nul_is_malformed),
        cmocka_unit_test(a_nul_anywhere_is_malformed),
        cmocka_unit_test(a_lone_surrogate_is_malformed_and_a_pair_is_read),
        cmocka_unit_test(nesting_up_to_the_limit_is_json),
        cmocka_unit_test(deeper_nesting_is_malformed),
        cmocka_unit_test(a_hundred_brackets_are_malformed),
        cmocka_unit_test(brackets_within_texts_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
