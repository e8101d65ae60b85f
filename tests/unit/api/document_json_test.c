/* SPDX-License-Identifier: MIT */
/* Which JSON documents a client may send, and how their errors are reported. */
#include "api/document_json.h"

#include <jansson.h>

#include "unit/api/refusal.h"
#include "unit/assert_str.h"

/* A document of up to three members, and the values that were read from it. */
struct read {
    struct arena arena;
    struct document_errors errors;
    struct str text;
    int64_t count, time;
    enum status status;
};

static void read_init(struct read *read, struct str document)
{
    const struct member members[] = {
        {"text", MEMBER_TEXT, true, LIMIT_USER_ID, &read->text},
        {"count", MEMBER_COUNT, false, 10, &read->count},
        {"time", MEMBER_TIME, false, 0, &read->time},
    };

    *read = (struct read){.count = -1, .time = -1};
    arena_init(&read->arena, LIMIT_REQUEST_MEMORY);
    document_errors_init(&read->errors, &read->arena);
    read->status = document_read(document, members, 3, &read->errors);
}

static void read_fini(struct read *read)
{
    arena_fini(&read->arena);
}

static void assert_errors(struct str document, const char *errors)
{
    struct read read;

    read_init(&read, document);
    assert_int_equal(read.status, STATUS_OK);
    assert_false(document_errors_are_none(&read.errors));
    assert_string_equal(refusal_print(STATUS_INVALID_GRANT, &read.errors), errors);
    read_fini(&read);
}

static void a_document_that_is_no_object_is_an_error_of_the_whole(void **state)
{
    (void)state;
    assert_errors(STR("[]"), " The document must be an object.\n");
    assert_errors(STR("[{\"text\":\"a\"}]"), " The document must be an object.\n");
    assert_errors(STR("\"text\""), " The document must be an object.\n");
    assert_errors(STR("1"), " The document must be an object.\n");
    assert_errors(STR("null"), " The document must be an object.\n");
    assert_errors(STR("false"), " The document must be an object.\n");
}

static void what_is_not_required_may_be_missing(void **state)
{
    struct read read;

    (void)state;
    read_init(&read, STR("{\"text\":\"a\"}"));
    assert_int_equal(read.status, STATUS_OK);
    assert_true(document_errors_are_none(&read.errors));
    assert_str_equal(read.text, "a");
    assert_int_equal(read.count, -1);
    assert_int_equal(read.time, -1);
    read_fini(&read);
}

static void malformed_json_has_no_errors(void **state)
{
    struct read read;

    (void)state;
    read_init(&read, STR("{\"x\":1"));
    assert_int_equal(read.status, STATUS_MALFORMED_JSON);
    assert_true(document_errors_are_none(&read.errors));
    read_fini(&read);
}

/* Otherwise a document whose error could not be recorded would count as valid. */
static void a_fault_that_finds_no_room_is_not_none(void **state)
{
    struct arena arena;
    struct document_errors errors;

    (void)state;
    arena_init(&arena, 0);
    document_errors_init(&errors, &arena);
    assert_true(document_errors_are_none(&errors));
    document_errors_add(&errors, "/a", "This is wrong.");
    assert_false(document_errors_are_none(&errors));
}

static void a_missing_member_is_an_error_where_it_is_required(void **state)
{
    (void)state;
    assert_errors(STR("{}"), "/text This member is required.\n");
}

static void a_name_is_compared_whole_and_with_its_case(void **state)
{
    (void)state;
    assert_errors(STR("{\"text\":\"a\",\"tex\":1,\"texts\":1,\"Text\":1}"),
                  "/tex This member is not known here.\n"
                  "/texts This member is not known here.\n"
                  "/Text This member is not known here.\n");
}

static void all_faults_are_told_in_the_order_they_were_found(void **state)
{
    (void)state;
    assert_errors(STR("{\"time\":1,\"x\":null,\"count\":0}"),
                  "/time This must be an RFC 3339 date-time, such as 2020-11-26T10:27:57Z.\n"
                  "/x This member is not known here.\n"
                  "/count This must be an integer from 1 to 1000000000.\n"
                  "/text This member is required.\n");
}

static void what_is_faulty_is_left_as_it_was(void **state)
{
    struct read read;

    (void)state;
    read_init(&read, STR("{\"time\":\"no\",\"text\":\"\",\"count\":0}"));
    assert_int_equal(read.count, -1);
    assert_int_equal(read.time, -1);
    assert_null(read.text.p);
    read_fini(&read);
}

static void pointers_escape_slashes_and_tildes(void **state)
{
    (void)state;
    assert_errors(STR("{\"text\":\"a\",\"a/b\":1,\"c~d\":1,\"~1\":1,\"\":1}"),
                  "/a~1b This member is not known here.\n"
                  "/c~0d This member is not known here.\n"
                  "/~01 This member is not known here.\n"
                  "/ This member is not known here.\n");
}

/* The names come from the client, so they must not break the problem's JSON. */
static void pointers_may_hold_quotes_and_control_characters(void **state)
{
    (void)state;
    assert_errors(STR("{\"text\":\"a\",\"\\\"},\\\\\\u0001é\":1}"),
                  "/\"},\\\x01é This member is not known here.\n");
}

/* Sizes that fit the first print, that need a second one, and those in between. */
static void an_array_of_any_size_is_printed_whole(void **state)
{
    (void)state;
    for (size_t n = 1; n < 2000; n++) {
        struct arena arena;
        struct str text;

        arena_init(&arena, LIMIT_REQUEST_MEMORY);
        text = document_print(json_pack("[o]", json_sprintf("%0*d", (int)n, 0)), &arena);
        assert_non_null(text.p);
        assert_int_equal(text.n, n + 5);
        assert_memory_equal(text.p + n + 1, "0\"]\n", 4);
        arena_fini(&arena);
    }
}

static void nothing_prints_as_nothing(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_null(document_print(NULL, &arena).p);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_that_is_no_object_is_an_error_of_the_whole),
        cmocka_unit_test(what_is_not_required_may_be_missing),
        cmocka_unit_test(malformed_json_has_no_errors),
        cmocka_unit_test(a_fault_that_finds_no_room_is_not_none),
        cmocka_unit_test(a_missing_member_is_an_error_where_it_is_required),
        cmocka_unit_test(a_name_is_compared_whole_and_with_its_case),
        cmocka_unit_test(all_faults_are_told_in_the_order_they_were_found),
        cmocka_unit_test(what_is_faulty_is_left_as_it_was),
        cmocka_unit_test(pointers_escape_slashes_and_tildes),
        cmocka_unit_test(pointers_may_hold_quotes_and_control_characters),
        cmocka_unit_test(an_array_of_any_size_is_printed_whole),
        cmocka_unit_test(nothing_prints_as_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
