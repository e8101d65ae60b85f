/* SPDX-License-Identifier: MIT */
/* Documents when the request's arena is full, at each point where that may happen. */
#include "api/discount_json.h"
#include "api/grant_json.h"
#include "unit/api/refusal.h"
#include "unit/assert_str.h"

#define USER "an-id-that-is-longer-than-the-first-buffer-of-any-parser-and-of-the-second-one-too"
#define USER_DOCUMENT STR("{\"user_id\":\"" USER "\"}")
#define FAULTY_DOCUMENT STR("{\"brand_id\":1,\"a-member-of-a-name-that-is-not-short\":2}")
#define FAULTS                                                                                     \
    "/brand_id This must be a string.\n"                                                           \
    "/a-member-of-a-name-that-is-not-short This member is not known here.\n"                       \
    "/discount_code This member is required.\n/total_count This member is required.\n"

static const struct discount discount = {
    .id = STR_INIT("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
    .brand_id = STR_INIT("adidas"),
    .discount_code = STR_INIT("ADIDAS10"),
    .total_count = 10,
    .created_at_us = 1,
};

/* Makes an arena with one block, of which only this much is left. */
static void arena_init_with(struct arena *arena, size_t left)
{
    const size_t block = 2048;

    arena_init(arena, block);
    assert_non_null(arena_alloc(arena, block - left));
}

static void an_arena_that_ends_while_reading_is_overloaded(void **state)
{
    enum status status = STATUS_OVERLOADED;

    (void)state;
    for (size_t left = 0; status != STATUS_OK; left += 16) {
        struct arena arena;
        struct document_errors errors;
        struct str user = {NULL, 0};

        assert_true(left < 2048);
        arena_init_with(&arena, left);
        status = grant_read(USER_DOCUMENT, &arena, &user, &errors);
        if (status == STATUS_OK) {
            assert_true(document_errors_are_none(&errors));
            assert_str_equal(user, USER);
        } else {
            assert_int_equal(status, STATUS_OVERLOADED);
        }
        arena_fini(&arena);
    }
}

static void an_arena_that_ends_among_the_errors_is_overloaded(void **state)
{
    enum status status = STATUS_OVERLOADED;

    (void)state;
    for (size_t left = 0; status != STATUS_OK; left += 16) {
        struct arena arena;
        struct document_errors errors;
        struct discount ignored;

        assert_true(left < 2048);
        arena_init_with(&arena, left);
        status = discount_read(FAULTY_DOCUMENT, &arena, &ignored, &errors);
        if (status == STATUS_OK) {
            arena.limit = LIMIT_REQUEST_MEMORY;
            assert_string_equal(refusal_print(STATUS_INVALID_DISCOUNT, &errors), FAULTS);
        } else {
            assert_int_equal(status, STATUS_OVERLOADED);
        }
        arena_fini(&arena);
    }
}

static void an_arena_that_ends_while_printing_gives_no_text(void **state)
{
    struct str text = {NULL, 0};

    (void)state;
    for (size_t left = 0; text.p == NULL; left += 16) {
        struct arena arena;

        assert_true(left < 2048);
        arena_init_with(&arena, left);
        text = discount_print(&discount, &arena);
        if (text.p != NULL) {
            assert_int_equal(text.p[text.n - 2], '}');
        }
        arena_fini(&arena);
    }
}

/* A text that does not fit at first is printed a second time, which may not fit either. */
static void an_arena_that_ends_between_two_prints_of_errors_is_overloaded(void **state)
{
    enum status status = STATUS_OVERLOADED;
    bool was_between = false;

    (void)state;
    for (size_t left = 0; status == STATUS_OVERLOADED; left += 16) {
        struct arena arena;
        struct document_errors errors;

        assert_true(left < 2048);
        arena_init_with(&arena, left);
        document_errors_init(&errors, &arena);
        for (size_t i = 0; i < 5; i++) {
            document_errors_add(&errors, "/a-member-of-a-name-that-is-not-short",
                                "This member is not known here.");
        }
        status = errors.no_memory ? status : refusal_status(STATUS_INVALID_GRANT, &errors);
        was_between = was_between || (status == STATUS_OVERLOADED && left > 800);
        arena_fini(&arena);
    }
    assert_int_equal(status, STATUS_INVALID_GRANT);
    assert_true(was_between);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_that_ends_while_reading_is_overloaded),
        cmocka_unit_test(an_arena_that_ends_among_the_errors_is_overloaded),
        cmocka_unit_test(an_arena_that_ends_while_printing_gives_no_text),
        cmocka_unit_test(an_arena_that_ends_between_two_prints_of_errors_is_overloaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
