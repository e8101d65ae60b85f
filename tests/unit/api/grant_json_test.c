/* SPDX-License-Identifier: MIT */
#include "api/grant_json.h"

#include "unit/api/refusal.h"
#include "unit/assert_str.h"

#define TEXT_FAULT "/user_id This must have 1 to 128 bytes of UTF-8 and no control characters.\n"

static void assert_user(const char *document, const char *user_id)
{
    struct arena arena;
    struct document_errors faults;
    struct str user = {NULL, 0};

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(grant_read(str_of(document), &arena, &user, &faults), STATUS_OK);
    assert_true(document_errors_are_none(&faults));
    assert_str_equal(user, user_id);
    arena_fini(&arena);
}

static void assert_faults(const char *document, const char *expected)
{
    struct arena arena;
    struct document_errors faults;
    struct str user = {NULL, 0};

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(grant_read(str_of(document), &arena, &user, &faults), STATUS_OK);
    assert_string_equal(refusal_print(STATUS_INVALID_GRANT, &faults), expected);
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
    assert_faults("{}", "/user_id This member is required.\n");
}

static void a_user_id_is_a_text(void **state)
{
    (void)state;
    assert_faults("{\"user_id\":1}", "/user_id This must be a string.\n");
    assert_faults("{\"user_id\":null}", "/user_id This must be a string.\n");
    assert_faults("{\"user_id\":[\"a\"]}", "/user_id This must be a string.\n");
}

static void a_user_id_has_1_to_128_bytes(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_user(arena_printf(&arena, "{\"user_id\":\"%0128d\"}", 0).p,
                arena_printf(&arena, "%0128d", 0).p);
    assert_faults(arena_printf(&arena, "{\"user_id\":\"%0129d\"}", 0).p, TEXT_FAULT);
    assert_faults("{\"user_id\":\"\"}", TEXT_FAULT);
    arena_fini(&arena);
}

static void a_user_id_has_no_control_characters(void **state)
{
    (void)state;
    assert_faults("{\"user_id\":\"a\\r\\nFLUSHALL\"}", TEXT_FAULT);
    assert_faults("{\"user_id\":\"\\u007f\"}", TEXT_FAULT);
    assert_faults("{\"user_id\":\"\\u009b\"}", TEXT_FAULT);
}

static void any_other_member_is_a_fault(void **state)
{
    struct arena arena;
    struct document_errors faults;
    struct str user;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(
        grant_read(STR("{\"user_id\":\"a\",\"granted_at\":1}"), &arena, &user, &faults), STATUS_OK);
    assert_string_equal(refusal_print(STATUS_INVALID_GRANT, &faults),
                        "/granted_at This member is not known here.\n");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_id_is_read),
        cmocka_unit_test(a_user_id_is_required),
        cmocka_unit_test(a_user_id_is_a_text),
        cmocka_unit_test(a_user_id_has_1_to_128_bytes),
        cmocka_unit_test(a_user_id_has_no_control_characters),
        cmocka_unit_test(any_other_member_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
