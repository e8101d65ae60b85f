/* SPDX-License-Identifier: MIT */
#include "api/json_text.h"

#include <jansson.h>

#include "discount/limits.h"
#include "unit/assert_str.h"

static struct str string_of(struct arena *arena, struct str value)
{
    struct json_text text;

    assert_true(json_text_begin(&text, arena, json_text_string_size(value)));
    json_text_add_string(&text, value);
    assert_int_equal(text.n, text.room);
    return (struct str){text.p, text.n};
}

static void pieces_follow_one_another(void **state)
{
    struct arena arena;
    struct json_text text;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_true(json_text_begin(&text, &arena, 16));
    json_text_add(&text, STR("{\"a\":"));
    json_text_add_string(&text, STR("b"));
    json_text_add(&text, STR("}"));
    assert_str_equal(((struct str){text.p, text.n}), "{\"a\":\"b\"}");
    arena_fini(&arena);
}

static void quotes_and_backslashes_are_escaped(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_str_equal(string_of(&arena, STR("\"")), "\"\\\"\"");
    assert_str_equal(string_of(&arena, STR("\\")), "\"\\\\\"");
    assert_str_equal(string_of(&arena, STR("a\"\\b/é")), "\"a\\\"\\\\b/é\"");
    assert_str_equal(string_of(&arena, STR("a\x01")), "\"a\\u0001\"");
    assert_str_equal(string_of(&arena, STR("")), "\"\"");
    arena_fini(&arena);
}

/* jansson reads every one-byte character back unchanged. Characters that are not control characters
 * it writes in the same way. */
static void a_text_is_written_as_jansson_does(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        char bytes[] = {'a', (char)c, 'b', '\xc3', '\xa9', (char)c, '\0'};
        struct arena arena;
        struct str ours;
        json_t *value = json_string(bytes), *read;
        char *theirs = json_dumps(value, JSON_ENCODE_ANY);

        arena_init(&arena, LIMIT_REQUEST_MEMORY);
        ours = string_of(&arena, str_of(bytes));
        read = json_loadb(ours.p, ours.n, JSON_DECODE_ANY, NULL);
        assert_string_equal(json_string_value(read), bytes);
        if (c >= 0x20) {
            assert_str_equal(ours, theirs);
        }
        free(theirs);
        json_decref(read);
        json_decref(value);
        arena_fini(&arena);
    }
}

static void a_number_is_written_in_decimal(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } numbers[] = {{0, "0"},
                   {7, "7"},
                   {10, "10"},
                   {1000000000, "1000000000"},
                   {-5, "-5"},
                   {INT64_MAX, "9223372036854775807"},
                   {INT64_MIN, "-9223372036854775808"}};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct arena arena;
        struct json_text text;

        arena_init(&arena, LIMIT_REQUEST_MEMORY);
        assert_true(json_text_begin(&text, &arena, 20));
        json_text_add_number(&text, numbers[i].number);
        assert_str_equal(((struct str){text.p, text.n}), numbers[i].text);
        arena_fini(&arena);
    }
}

static void without_memory_there_is_no_text(void **state)
{
    struct arena arena;
    struct json_text text;

    (void)state;
    arena_init(&arena, 0);
    assert_false(json_text_begin(&text, &arena, 16));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_one_another),
        cmocka_unit_test(quotes_and_backslashes_are_escaped),
        cmocka_unit_test(a_text_is_written_as_jansson_does),
        cmocka_unit_test(a_number_is_written_in_decimal),
        cmocka_unit_test(without_memory_there_is_no_text),
    };

    return cmocka_run_group_tests_name("json text", tests, NULL, NULL);
}
