/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "unit/http/target_status.h"

static void assert_segments(const char *raw, size_t count, const char *const *segments)
{
    struct arena arena;
    struct target target;

    arena_init(&arena, 65536);
    assert_int_equal(target_parse(str_of(raw), &arena, &target), STATUS_OK);
    assert_int_equal(target.segment_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_str_equal(target.segments[i], segments[i]);
    }
    arena_fini(&arena);
}

static void a_path_is_split_at_its_slashes(void **state)
{
    (void)state;
    assert_segments("/discount/dsc-1/grant", 3, (const char *[]){"discount", "dsc-1", "grant"});
}

static void a_path_ends_at_its_question_mark(void **state)
{
    (void)state;
    assert_segments("/a?b/c", 1, (const char *[]){"a"});
}

static void the_root_is_one_empty_segment(void **state)
{
    (void)state;
    assert_segments("/", 1, (const char *[]){""});
}

static void a_trailing_slash_is_one_more_empty_segment(void **state)
{
    (void)state;
    assert_segments("/discount/", 2, (const char *[]){"discount", ""});
}

static void two_slashes_enclose_an_empty_segment(void **state)
{
    (void)state;
    assert_segments("//discount", 2, (const char *[]){"", "discount"});
}

static void dots_are_segments_like_any_other(void **state)
{
    (void)state;
    assert_segments("/a/../%2e%2E/.", 4, (const char *[]){"a", "..", "..", "."});
}

static void an_encoded_slash_stays_inside_its_segment(void **state)
{
    (void)state;
    assert_segments("/user/a%2Fb%2fc/discount", 3, (const char *[]){"user", "a/b/c", "discount"});
}

static void a_plus_in_a_path_is_a_plus(void **state)
{
    (void)state;
    assert_segments("/user/a+b", 2, (const char *[]){"user", "a+b"});
}

static void segments_are_decoded_as_utf_8(void **state)
{
    (void)state;
    assert_segments("/user/User%201/%C3%A9", 3, (const char *[]){"user", "User 1", "é"});
}

static void what_is_decoded_is_not_decoded_again(void **state)
{
    (void)state;
    assert_segments("/%2541", 1, (const char *[]){"%41"});
}

static void bad_percent_encodings_are_malformed(void **state)
{
    (void)state;
    assert_malformed("/%zz");
    assert_malformed("/%4g");
    assert_malformed("/%g4");
    assert_malformed("/%4G");
    assert_malformed("/%G4");
    assert_malformed("/%");
    assert_malformed("/%4");
    assert_malformed("/a%2/b");
    assert_malformed("/%%41");
    assert_malformed("/%-1");
    assert_malformed("/%+1");
    assert_malformed("/% 1");
}

/* A target is no C string, so the byte after it must not be read. */
static void an_encoding_cut_off_by_the_end_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(status_of_str((struct str){"/a%41", 4}), STATUS_MALFORMED_REQUEST);
    assert_int_equal(status_of_str((struct str){"/a%41", 3}), STATUS_MALFORMED_REQUEST);
    assert_int_equal(status_of_str((struct str){"/a%41", 5}), STATUS_OK);
}

static void control_characters_are_malformed_raw_and_encoded(void **state)
{
    (void)state;
    assert_malformed("/%00");
    assert_malformed("/user%00/x");
    assert_malformed("/%0d%0aSet-Cookie:x");
    assert_malformed("/%7F");
    assert_malformed("/%C2%80");
    assert_malformed("/a\x01");
    assert_int_equal(status_of_str(STR("/a\0b")), STATUS_MALFORMED_REQUEST);
}

static void bytes_that_are_not_utf_8_are_malformed(void **state)
{
    (void)state;
    assert_malformed("/\xff");
    assert_malformed("/%ff");
    assert_malformed("/%c0%af");
    assert_malformed("/%ed%a0%80");
    assert_malformed("/%C3/%A9");
}

/* RFC 3986, section 2: all other characters are percent-encoded. */
static void raw_bytes_that_are_not_printable_ascii_are_malformed(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char raw[] = {'/', (char)c, 'a'};

        if (c != '%') {
            assert_int_equal(status_of_str((struct str){raw, 3}),
                             c > 0x20 && c < 0x7f ? STATUS_OK : STATUS_MALFORMED_REQUEST);
        }
    }
}

static void other_forms_than_origin_form_are_malformed(void **state)
{
    (void)state;
    assert_malformed("");
    assert_malformed("*");
    assert_malformed("http://localhost/discount");
    assert_malformed("localhost:80");
    assert_malformed("discount");
    assert_malformed("?a=b");
    assert_int_equal(status_of_str((struct str){"/", 0}), STATUS_MALFORMED_REQUEST);
}

static void more_segments_than_any_route_has_are_not_found(void **state)
{
    (void)state;
    assert_int_equal(status_of("/1/2/3/4/5/6/7/8"), STATUS_OK);
    assert_int_equal(status_of("/1/2/3/4/5/6/7/8/9"), STATUS_NOT_FOUND);
    assert_int_equal(status_of("/1/2/3/4/5/6/7/8/"), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_split_at_its_slashes),
        cmocka_unit_test(a_path_ends_at_its_question_mark),
        cmocka_unit_test(the_root_is_one_empty_segment),
        cmocka_unit_test(a_trailing_slash_is_one_more_empty_segment),
        cmocka_unit_test(two_slashes_enclose_an_empty_segment),
        cmocka_unit_test(dots_are_segments_like_any_other),
        cmocka_unit_test(an_encoded_slash_stays_inside_its_segment),
        cmocka_unit_test(a_plus_in_a_path_is_a_plus),
        cmocka_unit_test(segments_are_decoded_as_utf_8),
        cmocka_unit_test(what_is_decoded_is_not_decoded_again),
        cmocka_unit_test(bad_percent_encodings_are_malformed),
        cmocka_unit_test(an_encoding_cut_off_by_the_end_is_malformed),
        cmocka_unit_test(control_characters_are_malformed_raw_and_encoded),
        cmocka_unit_test(bytes_that_are_not_utf_8_are_malformed),
        cmocka_unit_test(raw_bytes_that_are_not_printable_ascii_are_malformed),
        cmocka_unit_test(other_forms_than_origin_form_are_malformed),
        cmocka_unit_test(more_segments_than_any_route_has_are_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
