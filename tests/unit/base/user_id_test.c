/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "discount/discount.h"
#include "discount/limits.h"
#include "support/test.h"

#define DOTS "This must not be . or .., which clients remove from a path."
#define TRIMMED "This must not begin or end with white space."
#define VISIBLE "This must have a visible character."

static void assert_error(struct str user_id, const char *expected)
{
    const char *error = user_id_new_error(user_id);

    if (error == NULL) {
        fail_msg("\"%.*s\" has no error", (int)user_id.n, user_id.p);
    }
    assert_string_equal(error, expected);
}

static void assert_none(struct str user_id)
{
    assert_true(user_id_is_valid(user_id));
    if (user_id_new_error(user_id) != NULL) {
        fail_msg("\"%.*s\": %s", (int)user_id.n, user_id.p, user_id_new_error(user_id));
    }
}

static void usual_ids_are_fine(void **state)
{
    (void)state;
    assert_none(STR("User 1"));
    assert_none(STR("a"));
    assert_none(STR("auth0|5f7c8ec7c33c6c004bbafe82"));
    assert_none(STR("ann@example.org"));
    assert_none(STR("\u00e4"));
    assert_none(STR("\u6f22\u5b57"));
    assert_none(STR("\u2764\ufe0f"));
    assert_none(STR("\U0001f469\u200d\U0001f680"));
}

/* RFC 3986, section 5.2.4, and the dot segments of the URL standard. A client that encodes the
 * percent sign of "%2e" sends no dot segment. */
static void what_a_url_walks_away_with_is_refused(void **state)
{
    (void)state;
    assert_error(STR("."), DOTS);
    assert_error(STR(".."), DOTS);
    assert_none(STR("..."));
    assert_none(STR(".a"));
    assert_none(STR("a.."));
    assert_none(STR("../a"));
    assert_none(STR("%2e"));
    assert_none(STR("%2E%2e"));
    assert_none(STR(".%2e"));
}

static void white_space_at_an_end_is_refused(void **state)
{
    (void)state;
    assert_error(STR(" "), TRIMMED);
    assert_error(STR(" a"), TRIMMED);
    assert_error(STR("a "), TRIMMED);
    assert_error(STR("\u00a0a"), TRIMMED);
    assert_error(STR("a\u3000"), TRIMMED);
    assert_error(STR(". "), TRIMMED);
    assert_error(STR("\u00e4 "), TRIMMED);
    assert_none(STR("a b"));
    assert_none(STR("\u00e4\u3000\u00e4"));
}

static void white_space_at_an_end_is_seen_through_invisible_characters(void **state)
{
    (void)state;
    assert_error(STR("a \u200b"), TRIMMED);
    assert_error(STR("\ufeff a"), TRIMMED);
    assert_error(STR("\u200b \u200b"), TRIMMED);
    assert_none(STR("\u200ba b\u200b"));
}

static void what_is_invisible_is_refused(void **state)
{
    (void)state;
    assert_error(STR("\u200b"), VISIBLE);
    assert_error(STR("\u2060\ufeff\u00ad"), VISIBLE);
    assert_error(STR("\U000e0061\U000e007f"), VISIBLE);
    assert_error(STR("\u3164"), VISIBLE);
    assert_error(STR("\u2800\u2800"), VISIBLE);
    assert_none(STR("\u200ba"));
    assert_none(STR("a\u200b"));
    assert_none(STR("\u0301"));
}

static size_t encode(uint32_t code_point, char bytes[4])
{
    const size_t n = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; code_point >>= 6) {
        bytes[i] = (char)(0x80 | (code_point & 63));
    }
    bytes[0] = (char)(marks[n] | code_point);
    return n;
}

/* Unicode 14 has 25 code points that are White_Space, six of them control characters. It has 4174
 * that are Default_Ignorable_Code_Point; U+2800, U+FFF9 to U+FFFB and U+13430 to U+1343F are ours.
 */
static void as_many_characters_are_refused_as_unicode_has(void **state)
{
    size_t blank = 0, unseen = 0;

    (void)state;
    for (uint32_t code_point = 0; code_point < 0x110000; code_point++) {
        char bytes[4];
        struct str text = {bytes, encode(code_point, bytes)};
        const char *error = user_id_is_valid(text) ? user_id_new_error(text) : NULL;

        blank += error != NULL && strcmp(error, TRIMMED) == 0;
        unseen += error != NULL && strcmp(error, VISIBLE) == 0;
    }
    assert_int_equal(blank, 25 - 6);
    assert_int_equal(unseen, 4174 + 1 + 3 + 16);
}

/* The error of the form comes first; see user_id_is_valid. */
static void what_is_no_valid_id_is_another_error(void **state)
{
    (void)state;
    assert_null(user_id_new_error(STR("")));
    assert_null(user_id_new_error((struct str){NULL, 0}));
    assert_null(user_id_new_error(STR("\xff")));
    assert_null(user_id_new_error(STR(" \xe2\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_ids_are_fine),
        cmocka_unit_test(what_a_url_walks_away_with_is_refused),
        cmocka_unit_test(white_space_at_an_end_is_refused),
        cmocka_unit_test(white_space_at_an_end_is_seen_through_invisible_characters),
        cmocka_unit_test(what_is_invisible_is_refused),
        cmocka_unit_test(as_many_characters_are_refused_as_unicode_has),
        cmocka_unit_test(what_is_no_valid_id_is_another_error),
    };

    return cmocka_run_group_tests_name("user_id", tests, NULL, NULL);
}
