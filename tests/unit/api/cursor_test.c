/* SPDX-License-Identifier: MIT */
/* Cursors: cursor_read accepts what cursor_print wrote, and nothing else. */
#include "api/cursor.h"

#include <string.h>

#include "discount/limits.h"
#include "support/test.h"
#include "unit/assert_str.h"

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

static void what_was_printed_is_read_back(void **state)
{
    char name[LIMIT_USER_ID];

    for (size_t i = 0; i < sizeof(name); i++) {
        name[i] = (char)(i * 7 + 129);
    }
    for (size_t n = 0; n <= sizeof(name); n++) {
        const struct cursor cursor = {1606386477202420, {name, n}};
        struct str text = cursor_print(CURSOR_GRANTS, STR("dsc"), cursor, *state);
        struct cursor read;

        assert_non_null(text.p);
        assert_int_equal(strspn(text.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-_"),
                         text.n);
        assert_int_equal(cursor_read(CURSOR_GRANTS, STR("dsc"), text, *state, &read), CURSOR_OK);
        assert_int_equal(read.time_us, cursor.time_us);
        assert_int_equal(read.name.n, n);
        assert_memory_equal(read.name.p, name, n);
    }
}

static void the_largest_time_is_read_back(void **state)
{
    const struct cursor cursor = {.time_us = 253402300799999999};
    struct str text = cursor_print(CURSOR_DISCOUNTS, STR(""), cursor, *state);
    struct cursor read;

    assert_int_equal(cursor_read(CURSOR_DISCOUNTS, STR(""), text, *state, &read), CURSOR_OK);
    assert_int_equal(read.time_us, cursor.time_us);
}

/* Each kind of list with each subject. */
static void a_cursor_of_one_list_is_none_of_another(void **state)
{
    static const enum cursor_list lists[] = {CURSOR_DISCOUNTS, CURSOR_GRANTS, CURSOR_WALLET};
    static const struct str subjects[] = {
        STR_INIT(""),    STR_INIT("a"),  STR_INIT("b"),
        STR_INIT("A"),   STR_INIT("aa"), STR_INIT("d"),
        STR_INIT("a\0"), STR_INIT(" "),  STR_INIT("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
    };
    const size_t count = sizeof(subjects) / sizeof(subjects[0]), all = 3 * count;

    for (size_t i = 0; i < all * all; i++) {
        size_t a = i / all, b = i % all;
        struct str text = cursor_print(lists[a / count], subjects[a % count],
                                       (struct cursor){5, STR("ann")}, *state);
        struct cursor read = {.time_us = -1};
        enum cursor_result result =
            cursor_read(lists[b / count], subjects[b % count], text, *state, &read);

        assert_int_equal(result, a == b ? CURSOR_OK : CURSOR_OF_ANOTHER_LIST);
        assert_int_equal(read.time_us, a == b ? 5 : -1);
    }
}

/* Returns the bytes as base64url. */
static struct str encoded(struct str bytes, struct arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *text = arena_alloc(arena, 2 * bytes.n + 1);
    size_t n = 0;

    for (size_t bit = 0; bit < 8 * bytes.n; bit += 6) {
        unsigned digit = 0;

        for (size_t i = bit; i < bit + 6; i++) {
            unsigned byte = i < 8 * bytes.n ? (unsigned char)bytes.p[i / 8] : 0;

            digit = digit << 1 | (byte >> (7 - i % 8) & 1);
        }
        text[n++] = digits[digit];
    }
    return (struct str){text, n};
}

/* The hash of the list of the grants of "a": FNV-1a of "ga", the lowest byte first. */
#define HASH "\xa5\x63\x3f\xb5\x07\x37\x95\x08"

static void the_form_stays(void **state)
{
    struct str text = cursor_print(CURSOR_GRANTS, STR("a"), (struct cursor){5, STR("ann")}, *state);

    assert_true(str_eq(text, encoded(STR("2" HASH "5 ann"), *state)));
}

static void other_bytes_are_no_cursor(void **state)
{
    static const struct str bytes[] = {
        STR_INIT(""),
        STR_INIT("2"),
        STR_INIT("2" HASH),
        STR_INIT("2" HASH "5"),
        STR_INIT("2" HASH " "),
        STR_INIT("2" HASH " a"),
        STR_INIT("2" HASH "-5 a"),
        STR_INIT("2" HASH "x a"),
        STR_INIT("2" HASH "5xa"),
        STR_INIT("2" HASH "9999999999999999999 a"),
        STR_INIT("1" HASH "5 a"),
        STR_INIT("g" HASH "5 a"),
        STR_INIT("5 a"),
    };
    struct cursor read;

    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        if (cursor_read(CURSOR_GRANTS, STR("a"), encoded(bytes[i], *state), *state, &read) !=
            CURSOR_INVALID) {
            fail_msg("number %zu was read", i);
        }
    }
}

/* Cursors once were a letter for the kind of list, a time, a space and a name. */
static void an_old_cursor_is_none(void **state)
{
    static const struct str texts[] = {
        STR_INIT("ZzUgYQ"),                           /* "g5 a" */
        STR_INIT("ZDE3OTUzNDIzNDIzMjY0MDgg"),         /* "d1795342342326408 " */
        STR_INIT("ZzE3OTUzNTU2ODE2MTY2MjggVXNlciAx"), /* "g1795355681616628 User 1" */
    };
    struct cursor read;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(cursor_read(CURSOR_GRANTS, STR("a"), texts[i], *state, &read),
                         CURSOR_INVALID);
        assert_int_equal(cursor_read(CURSOR_DISCOUNTS, STR(""), texts[i], *state, &read),
                         CURSOR_INVALID);
    }
}

/* 11 bytes are 15 characters, and two bits of the last one are left over. */
static void another_spelling_is_no_cursor(void **state)
{
    struct str text = cursor_print(CURSOR_GRANTS, STR("a"), (struct cursor){.time_us = 5}, *state);
    char spelled[] = "...............AA";
    struct cursor read;

    assert_int_equal(text.n, 15);
    memcpy(spelled, text.p, 15);
    for (int c = 0; c < 256; c++) {
        bool is_same = (char)c == text.p[14];

        spelled[14] = (char)c;
        assert_int_equal(
            cursor_read(CURSOR_GRANTS, STR("a"), (struct str){spelled, 15}, *state, &read),
            is_same ? CURSOR_OK : CURSOR_INVALID);
    }
    spelled[14] = text.p[14];
    assert_int_equal(cursor_read(CURSOR_GRANTS, STR("a"), (struct str){spelled, 17}, *state, &read),
                     CURSOR_INVALID);
    spelled[15] = '=';
    assert_int_equal(cursor_read(CURSOR_GRANTS, STR("a"), (struct str){spelled, 16}, *state, &read),
                     CURSOR_INVALID);
}

static void without_memory_there_is_no_cursor(void **state)
{
    const struct cursor cursor = {5, STR("ann")};
    struct str text = cursor_print(CURSOR_GRANTS, STR("a"), cursor, *state);
    struct arena none;
    struct cursor read;

    arena_init(&none, 0);
    assert_null(cursor_print(CURSOR_GRANTS, STR("a"), cursor, &none).p);
    assert_int_equal(cursor_read(CURSOR_GRANTS, STR("a"), text, &none, &read), CURSOR_NO_MEMORY);
}

#define CURSOR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURSOR(what_was_printed_is_read_back),
        CURSOR(the_largest_time_is_read_back),
        CURSOR(a_cursor_of_one_list_is_none_of_another),
        CURSOR(the_form_stays),
        CURSOR(other_bytes_are_no_cursor),
        CURSOR(an_old_cursor_is_none),
        CURSOR(another_spelling_is_no_cursor),
        CURSOR(without_memory_there_is_no_cursor),
    };

    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
