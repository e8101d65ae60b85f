/* SPDX-License-Identifier: MIT */
/* Documents when memory runs out. A thread without memory for its parser answers "overloaded".
 * After that start, no document asks for more, whatever its size. This program is linked so that
 * the service's malloc is the one below. */
#include "api/json_memory.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/discount_json.h"
#include "api/grant_json.h"
#include "unit/api/refusal.h"
#include "unit/assert_str.h"

static const struct discount discount = {
    .id = STR_INIT("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
    .brand_id = STR_INIT("adidas"),
    .discount_code = STR_INIT("ADIDAS10"),
    .total_count = 10,
    .created_at_us = 1,
};

/* How many more allocations may succeed on this thread. */
static _Thread_local size_t allowed = SIZE_MAX;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    if (allowed == 0) {
        return NULL;
    }
    allowed--;
    return __real_malloc(size);
}

static int setup(void **state)
{
    (void)state;
    document_init();
    return 0;
}

/* Makes an arena that has its first block, so that only the parser's allocations fail afterwards.
 * */
static void arena_begin(struct arena *arena)
{
    arena_init(arena, LIMIT_REQUEST_MEMORY);
    assert_non_null(arena_alloc(arena, 1));
}

/* Otherwise the following tests would not deny the memory that jansson uses. */
static void jansson_takes_its_memory_from_the_service(void **state)
{
    json_malloc_t take;
    json_free_t give_back;

    (void)state;
    json_get_alloc_funcs(&take, &give_back);
    assert_true(take != malloc && give_back != free);
}

/* ---- A thread that cannot begin ---- */

/* The status of each kind of document on one thread. */
struct outcome {
    struct arena arena; /* already has a block */
    bool begun;
    enum status read, refused;
};

static void *denied(void *context)
{
    struct outcome *outcome = context;
    struct arena *arena = &outcome->arena;
    struct document_errors errors;
    struct str user;

    allowed = 0;
    outcome->begun = json_memory_begin();
    outcome->read = grant_read(STR("{\"user_id\":\"a\"}"), arena, &user, &errors);
    document_errors_add(&errors, "/a", "This is wrong.");
    outcome->refused = refusal_status(STATUS_INVALID_GRANT, &errors);
    return NULL;
}

static void a_thread_without_memory_to_begin_is_overloaded(void **state)
{
    struct outcome outcome = {.begun = true};
    pthread_t thread;

    (void)state;
    arena_begin(&outcome.arena);
    assert_int_equal(pthread_create(&thread, NULL, denied, &outcome), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(outcome.begun);
    assert_int_equal(outcome.read, STATUS_OVERLOADED);
    assert_int_equal(outcome.refused, STATUS_OVERLOADED);
    arena_fini(&outcome.arena);
}

static void *begins(void *context)
{
    *(bool *)context = json_memory_begin();
    return NULL;
}

/* LeakSanitizer would report it. */
static void a_thread_that_ends_leaves_nothing_behind(void **state)
{
    bool begun = false;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, begins, &begun), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(begun);
}

/* ---- A thread that has begun ---- */

/* Reads a document while there is no memory except the arena's first block. */
static enum status read_denied(struct str document, struct arena *arena, struct str *ret_user,
                               struct document_errors *ret_errors)
{
    enum status status;

    assert_true(json_memory_begin());
    allowed = 0;
    status = grant_read(document, arena, ret_user, ret_errors);
    allowed = SIZE_MAX;
    return status;
}

/* A text that needs one more piece of memory needs it at some length. */
static void texts_of_every_length_are_read_whole(void **state)
{
    (void)state;
    for (int length = 1; length <= LIMIT_USER_ID; length++) {
        struct arena arena;
        struct document_errors errors;
        struct str document, user = {NULL, 0};

        arena_begin(&arena);
        document = arena_printf(&arena, "{\"user_id\":\"%0*d\"}", length, 0);
        assert_int_equal(read_denied(document, &arena, &user, &errors), STATUS_OK);
        assert_true(document_errors_are_none(&errors));
        assert_int_equal(user.n, length);
        assert_memory_equal(user.p, document.p + strlen("{\"user_id\":\""), user.n);
        arena_fini(&arena);
    }
}

static void a_number_of_any_length_is_read(void **state)
{
    struct arena arena;
    struct document_errors errors;
    struct str user;

    (void)state;
    arena_begin(&arena);
    assert_int_equal(read_denied(STR("{\"user_id\":123456789012345678}"), &arena, &user, &errors),
                     STATUS_OK);
    assert_string_equal(refusal_print(STATUS_INVALID_GRANT, &errors),
                        "/user_id This must be a string.\n");
    assert_int_equal(
        read_denied(STR("12345678901234567.12345678901234567e-123"), &arena, &user, &errors),
        STATUS_OK);
    arena_fini(&arena);
}

/* Returns a list of `piece`, as long as a body may be. `piece` may print a number. */
static struct str longest_list(const char *begin, const char *piece, const char *end)
{
    static char document[LIMIT_BODY + 64];
    size_t n = (size_t)sprintf(document, "%s", begin);

    for (unsigned i = 0; n + 32 < LIMIT_BODY; i++) {
        n += (size_t)sprintf(document + n, "%s", i > 0 ? "," : "");
        n += (size_t)sprintf(document + n, piece, i);
    }
    n += (size_t)sprintf(document + n, "%s", end);
    return (struct str){document, n};
}

/* Each is an array, so the whole document is one error and needs little of the arena. */
static void the_documents_that_cost_most_are_read(void **state)
{
    static const char *const lists[][3] = {
        {"[", "{}", "]"},          {"[", "[]", "]"},         {"[", "[{}]", "]"},
        {"[", "\"\"", "]"},        {"[", "{\"\":{}}", "]"},  {"[", "0", "]"},
        {"[{", "\"%x\":{}", "}]"}, {"[{", "\"%x\":0", "}]"}, {"[\"", "aaaaaaaaaaaaaaaa", "\"]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct str document = longest_list(lists[i][0], lists[i][1], lists[i][2]);
        struct arena arena;
        struct document_errors errors;
        struct str user;

        arena_begin(&arena);
        assert_int_equal(read_denied(document, &arena, &user, &errors), STATUS_OK);
        assert_false(document_errors_are_none(&errors));
        arena_fini(&arena);
    }
}

/* Their total exceeds the memory, but each begins at the front. */
static void answers_are_printed_however_many_there_were(void **state)
{
    (void)state;
    assert_true(json_memory_begin());
    for (int i = 0; i < 20000; i++) {
        struct arena arena;
        struct str text;

        arena_begin(&arena);
        allowed = 0;
        text = i < 10000 ? discount_print_created(&discount, &arena)
                         : discount_print(&discount, &arena);
        allowed = SIZE_MAX;
        assert_non_null(text.p);
        arena_fini(&arena);
    }
}

/* The arena uses malloc too. */
static void a_text_that_finds_no_room_is_overloaded(void **state)
{
    struct arena arena;
    struct document_errors errors;
    struct str user = {NULL, 0};

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(read_denied(STR("{\"user_id\":\"a\"}"), &arena, &user, &errors),
                     STATUS_OVERLOADED);
    assert_null(user.p);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jansson_takes_its_memory_from_the_service),
        cmocka_unit_test(a_thread_without_memory_to_begin_is_overloaded),
        cmocka_unit_test(a_thread_that_ends_leaves_nothing_behind),
        cmocka_unit_test(texts_of_every_length_are_read_whole),
        cmocka_unit_test(a_number_of_any_length_is_read),
        cmocka_unit_test(the_documents_that_cost_most_are_read),
        cmocka_unit_test(answers_are_printed_however_many_there_were),
        cmocka_unit_test(a_text_that_finds_no_room_is_overloaded),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
