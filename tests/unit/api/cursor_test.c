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
        struct str text = cursor_print(CURSOR_GRANTS, cursor, *state);
        struct cursor read;

        assert_non_null(text.p);
        assert_int_equal(strspn(text.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-_"),
                         text.n);
        assert_true(cursor_read(CURSOR_GRANTS, text, *state, &read));
        assert_int_equal(read.time_us, cursor.time_us);
        assert_int_equal(read.name.n, n);
        assert_memory_equal(read.name.p, name, n);
    }
}

static void the_largest_time_is_read_back(void **state)
{
    const struct cursor cursor = {.time_us = 253402300799999999};
    struct str text = cursor_print(CURSOR_DISCOUNTS, cursor, *state);
    struct cursor read;

    assert_true(cursor_read(CURSOR_DISCOUNTS, text, *state, &read));
    assert_int_equal(read.time_us, cursor.time_us);
}

static void a_cursor_of_one_list_is_none_of_another(void **state)
{
    const struct cursor cursor = {5, STR("ann")};
    struct str text = cursor_print(CURSOR_GRANTS, cursor, *state);
    struct cursor read;

    assert_false(cursor_read(CURSOR_WALLET, text, *state, &read));
    assert_false(cursor_read(CURSOR_DISCOUNTS, text, *state, &read));
}

/* "g5 " is ZzUg, "g5 a" is ZzUgYQ. */
static void anything_else_is_no_cursor(void **state)
{
    static const struct str texts[] = {
        STR_INIT(""),
        STR_INIT("Z"),
        STR_INIT("ZzUgY"),
        STR_INIT("ZzUgYR"),
        STR_INIT("ZzUgYQ=="),
        STR_INIT("ZzUg YQ"),
        STR_INIT("ZzUg\0YQ"),
        STR_INIT("Zz"),
        STR_INIT("ZyA"), /* "g " */
        STR_INIT("ZzU"),
        STR_INIT("Zy01IA"),                         /* "g5", "g-5 " */
        STR_INIT("Z3ggYQ"),                         /* "gx a" */
        STR_INIT("Zzk5OTk5OTk5OTk5OTk5OTk5OTkgYQ"), /* "g9999999999999999999 a" */
    };
    struct cursor read;

    assert_true(cursor_read(CURSOR_GRANTS, STR("ZzUgYQ"), *state, &read));
    assert_true(cursor_read(CURSOR_GRANTS, STR("ZzUg"), *state, &read));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cursor_read(CURSOR_GRANTS, texts[i], *state, &read)) {
            fail_msg("number %zu was read", i);
        }
    }
}

static void without_memory_there_is_no_cursor(void **state)
{
    struct arena none;
    struct cursor read;

    (void)state;
    arena_init(&none, 0);
    assert_null(cursor_print(CURSOR_GRANTS, (struct cursor){5, STR("ann")}, &none).p);
    assert_false(cursor_read(CURSOR_GRANTS, STR("ZzUgYQ"), &none, &read));
}

#define CURSOR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURSOR(what_was_printed_is_read_back),           CURSOR(the_largest_time_is_read_back),
        CURSOR(a_cursor_of_one_list_is_none_of_another), CURSOR(anything_else_is_no_cursor),
        CURSOR(without_memory_there_is_no_cursor),
    };

    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
