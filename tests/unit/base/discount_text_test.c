/* SPDX-License-Identifier: MIT */
#include "discount/discount.h"

#include "support/test.h"

static bool is_valid(struct str text)
{
    return discount_text_is_valid(text, 128);
}

static void an_empty_text_is_refused(void **state)
{
    (void)state;
    assert_false(is_valid(STR("")));
    assert_false(is_valid((struct str){NULL, 0}));
}

static void the_limit_counts_bytes_and_not_characters(void **state)
{
    (void)state;
    assert_true(discount_text_is_valid(STR("éé"), 4));
    assert_false(discount_text_is_valid(STR("éé"), 3));
    assert_true(discount_text_is_valid(STR("abcd"), 4));
    assert_false(discount_text_is_valid(STR("abcde"), 4));
}

static void spaces_and_every_other_printable_character_are_fine(void **state)
{
    (void)state;
    for (char c = 0x20; c < 0x7f; c++) {
        assert_true(is_valid((struct str){&c, 1}));
    }
    assert_true(is_valid(STR("User 1")));
    assert_true(is_valid(STR("{brand}:\"*\"/\\")));
}

static size_t encode(uint32_t code_point, unsigned char bytes[4])
{
    if (code_point < 0x80) {
        bytes[0] = (unsigned char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        bytes[0] = (unsigned char)(0xc0 | code_point >> 6);
        bytes[1] = (unsigned char)(0x80 | (code_point & 63));
        return 2;
    }
    if (code_point < 0x10000) {
        bytes[0] = (unsigned char)(0xe0 | code_point >> 12);
        bytes[1] = (unsigned char)(0x80 | (code_point >> 6 & 63));
        bytes[2] = (unsigned char)(0x80 | (code_point & 63));
        return 3;
    }
    bytes[0] = (unsigned char)(0xf0 | code_point >> 18);
    bytes[1] = (unsigned char)(0x80 | (code_point >> 12 & 63));
    bytes[2] = (unsigned char)(0x80 | (code_point >> 6 & 63));
    bytes[3] = (unsigned char)(0x80 | (code_point & 63));
    return 4;
}

/* All code points, and one beyond the last. */
static void all_code_points_but_controls_and_surrogates_are_fine(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point < 0x200000; code_point++) {
        unsigned char bytes[4];
        struct str text = {(char *)bytes, encode(code_point, bytes)};
        bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
        bool surrogate = code_point >= 0xd800 && code_point < 0xe000;

        if (is_valid(text) != (!control && !surrogate && code_point <= 0x10ffff)) {
            fail_msg("U+%04X is judged wrongly", code_point);
        }
    }
}

/* Two bytes are either two characters, or together one character from U+00A0 on. */
static void all_pairs_of_bytes_are_judged_rightly(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char bytes[] = {(char)first, (char)second};
            bool ascii = first >= 0x20 && first < 0x7f && second >= 0x20 && second < 0x7f;
            bool sequence = first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf &&
                            ((first & 31) << 6 | (second & 63)) >= 0xa0;

            assert_int_equal(is_valid((struct str){bytes, 2}), ascii || sequence);
        }
    }
}

static void overlong_sequences_are_refused(void **state)
{
    (void)state;
    assert_false(is_valid(STR("\xc0\xaf")));
    assert_false(is_valid(STR("\xc1\xbf")));
    assert_false(is_valid(STR("\xe0\x80\xaf")));
    assert_false(is_valid(STR("\xe0\x9f\xbf")));
    assert_false(is_valid(STR("\xf0\x80\x80\xaf")));
    assert_false(is_valid(STR("\xf0\x8f\xbf\xbf")));
}

static void sequences_that_end_too_early_are_refused(void **state)
{
    struct str euro = STR("\xe2\x82\xac"), party = STR("\xf0\x9f\x8e\x89");

    (void)state;
    assert_true(is_valid(euro) && is_valid(party));
    assert_false(is_valid((struct str){euro.p, 1}));
    assert_false(is_valid((struct str){euro.p, 2}));
    assert_false(is_valid((struct str){party.p, 3}));
    assert_false(is_valid(STR("\xe2\x82 ")));
    assert_false(is_valid(STR("\xf0\x9f\x8e\xc3\xa9")));
}

static void a_fault_is_found_wherever_it_stands(void **state)
{
    (void)state;
    assert_false(is_valid(STR("\nabc")));
    assert_false(is_valid(STR("ab\0c")));
    assert_false(is_valid(STR("abc\xff")));
    assert_false(is_valid(STR("caf\xc3\xa9\x7f")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_is_refused),
        cmocka_unit_test(the_limit_counts_bytes_and_not_characters),
        cmocka_unit_test(spaces_and_every_other_printable_character_are_fine),
        cmocka_unit_test(all_code_points_but_controls_and_surrogates_are_fine),
        cmocka_unit_test(all_pairs_of_bytes_are_judged_rightly),
        cmocka_unit_test(overlong_sequences_are_refused),
        cmocka_unit_test(sequences_that_end_too_early_are_refused),
        cmocka_unit_test(a_fault_is_found_wherever_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
