/* SPDX-License-Identifier: MIT */
#include "api/grant_json.h"

#include "unit/api/refusal.h"
#include "unit/assert_str.h"

#define TEXT_ERROR "/user_id This must have 1 to 255 bytes of UTF-8 and no control characters.\n"

static void assert_user(const char *document, const char *user_id)
{
    struct arena arena;
    struct document_errors errors;
    struct str user = {NULL, 0};

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(grant_read(str_of(document), &arena, &user, &errors), STATUS_OK);
    assert_true(document_errors_are_none(&errors));
    assert_str_equal(user, user_id);
    arena_fini(&arena);
}

static void assert_errors(const char *document, const char *expected)
{
    struct arena arena;
    struct document_errors errors;
    struct str user = {NULL, 0};

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(grant_read(str_of(document), &arena, &user, &errors), STATUS_OK);
    assert_string_equal(refusal_print(STATUS_INVALID_GRANT, &errors), expected);
    assert_null(user.p);
    arena_fini(&arena);
}

static void a_user_id_is_read(void **state)
{
    (void)state;
    assert_user("{\"user_id\":\"User 1\"}", "User 1");
    assert_user("{\"user_id\":\"\\u00e9\\/{}:*\\\"\"}", "é/{}:*\"");
}

static void a_user_id_is_required(void **state)
{
    (void)state;
    assert_errors("{}", "/user_id This member is required.\n");
}

static void a_user_id_is_a_text(void **state)
{
    (void)state;
    assert_errors("{\"user_id\":1}", "/user_id This must be a string.\n");
    assert_errors("{\"user_id\":null}", "/user_id This must be a string.\n");
    assert_errors("{\"user_id\":[\"a\"]}", "/user_id This must be a string.\n");
}

static void a_user_id_has_1_to_255_bytes(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_user(arena_printf(&arena, "{\"user_id\":\"%0255d\"}", 0).p,
                arena_printf(&arena, "%0255d", 0).p);
    assert_errors(arena_printf(&arena, "{\"user_id\":\"%0256d\"}", 0).p, TEXT_ERROR);
    assert_errors("{\"user_id\":\"\"}", TEXT_ERROR);
    arena_fini(&arena);
}

static void a_user_id_has_no_control_characters(void **state)
{
    (void)state;
    assert_errors("{\"user_id\":\"a\\r\\nFLUSHALL\"}", TEXT_ERROR);
    assert_errors("{\"user_id\":\"\\u007f\"}", TEXT_ERROR);
    assert_errors("{\"user_id\":\"\\u009b\"}", TEXT_ERROR);
}

static void any_other_member_is_an_error(void **state)
{
    struct arena arena;
    struct document_errors errors;
    struct str user;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(
        grant_read(STR("{\"user_id\":\"a\",\"granted_at\":1}"), &arena, &user, &errors), STATUS_OK);
    assert_string_equal(refusal_print(STATUS_INVALID_GRANT, &errors),
                        "/granted_at This member is not known here.\n");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_id_is_read),
        cmocka_unit_test(a_user_id_is_required),
        cmocka_unit_test(a_user_id_is_a_text),
        cmocka_unit_test(a_user_id_has_1_to_255_bytes),
        cmocka_unit_test(a_user_id_has_no_control_characters),
        cmocka_unit_test(any_other_member_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
