/* SPDX-License-Identifier: MIT */
#include "http/reply.h"

#include <jansson.h>

#include "unit/assert_str.h"

/* A problem as it is sent. */
struct sent {
    struct request request;
    struct reply reply;
    json_t *body;
};

static json_t *parsed(struct str body)
{
    json_error_t error;
    json_t *json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        fail_msg("%.*s is no JSON: %s", (int)body.n, body.p, error.text);
    }
    return json;
}

static void assert_sorted(const json_t *object)
{
    const char *before = "", *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        assert_true(strcmp(before, name) < 0);
        before = name;
    }
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void refuse(struct sent *sent, const struct problem *problem)
{
    memset(sent, 0, sizeof(*sent));
    arena_init(&sent->request.arena, 65536);
    sent->request.request_id = STR("r-1");
    sent->reply = reply_problem(&sent->request, problem);
    sent->body = parsed(sent->reply.body);
}

static void sent_fini(struct sent *sent)
{
    json_decref(sent->body);
    arena_fini(&sent->request.arena);
}

/* ---- Problems ---- */

static void the_problem_of_every_status_is_json_with_sorted_members(void **state)
{
    (void)state;
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        struct sent sent;

        refuse(&sent, &(struct problem){.status = status});
        assert_sorted(sent.body);
        assert_int_equal(json_object_size(sent.body), 5);
        sent_fini(&sent);
    }
}

static void the_problem_of_every_status_says_what_the_list_says(void **state)
{
    (void)state;
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        struct sent sent;
        char type[64];

        refuse(&sent, &(struct problem){.status = status});
        snprintf(type, sizeof(type), "/problems/%s", status_name(status));
        assert_string_equal(text_of(sent.body, "detail"), status_detail(status));
        assert_string_equal(text_of(sent.body, "request_id"), "r-1");
        assert_int_equal(json_integer_value(json_object_get(sent.body, "status")),
                         status_code(status));
        assert_string_equal(text_of(sent.body, "title"), status_title(status));
        assert_string_equal(text_of(sent.body, "type"), type);
        assert_int_equal(sent.reply.code, status_code(status));
        sent_fini(&sent);
    }
}

static void a_problem_has_its_media_type_and_ends_its_line(void **state)
{
    struct sent sent;

    (void)state;
    refuse(&sent, &(struct problem){.status = STATUS_NOT_FOUND});
    assert_string_equal(sent.reply.content_type, "application/problem+json");
    assert_int_equal(sent.reply.body.p[sent.reply.body.n - 1], '\n');
    sent_fini(&sent);
}

static void a_detail_of_the_caller_replaces_the_usual_one(void **state)
{
    struct sent sent;

    (void)state;
    refuse(&sent, &(struct problem){.status = STATUS_NOT_FOUND, .detail = "Look elsewhere."});
    assert_string_equal(text_of(sent.body, "detail"), "Look elsewhere.");
    sent_fini(&sent);
}

static void further_members_stand_at_their_sorted_place(void **state)
{
    struct sent sent;

    (void)state;
    refuse(&sent,
           &(struct problem){.status = STATUS_DISCOUNT_EXHAUSTED,
                             .members = STR("\"discount_id\":\"dsc-1\",\"granted\":false,")});
    assert_sorted(sent.body);
    assert_int_equal(json_object_size(sent.body), 7);
    assert_string_equal(text_of(sent.body, "discount_id"), "dsc-1");
    assert_true(json_is_false(json_object_get(sent.body, "granted")));
    sent_fini(&sent);
}

/* The members are a struct str, so bytes after their end must not be printed. */
static void further_members_end_where_they_say(void **state)
{
    struct sent sent;

    (void)state;
    refuse(&sent,
           &(struct problem){.status = STATUS_NOT_FOUND, .members = {"\"granted\":false,###", 16}});
    assert_int_equal(json_object_size(sent.body), 6);
    sent_fini(&sent);
}

static void a_request_without_an_id_yet_has_an_empty_one(void **state)
{
    struct request request = {.arena = {.limit = 65536}};
    struct reply reply = reply_problem(&request, &(struct problem){.status = STATUS_NOT_FOUND});
    json_t *body = parsed(reply.body);

    (void)state;
    assert_string_equal(text_of(body, "request_id"), "");
    json_decref(body);
    arena_fini(&request.arena);
}

static int retry_after_of(enum status status, int wanted_s)
{
    struct sent sent;

    refuse(&sent, &(struct problem){.status = status, .retry_after_s = wanted_s});
    sent_fini(&sent);
    return sent.reply.retry_after_s;
}

static void every_503_says_when_to_come_again_and_nothing_else_does(void **state)
{
    (void)state;
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        assert_int_equal(retry_after_of(status, 0), status_code(status) == 503 ? 1 : 0);
    }
}

static void a_wait_of_the_caller_is_kept(void **state)
{
    (void)state;
    assert_int_equal(retry_after_of(STATUS_DISCOUNT_NOT_STARTED, 60), 60);
    assert_int_equal(retry_after_of(STATUS_OVERLOADED, 7), 7);
}

static void the_allowed_methods_are_passed_on(void **state)
{
    struct sent sent;

    (void)state;
    refuse(&sent, &(struct problem){.status = STATUS_METHOD_NOT_ALLOWED, .allow = "GET, HEAD"});
    assert_string_equal(sent.reply.allow, "GET, HEAD");
    sent_fini(&sent);
}

static void without_memory_there_is_no_body(void **state)
{
    struct request request = {.arena = {.limit = 0}};

    (void)state;
    assert_null(reply_problem(&request, &(struct problem){.status = STATUS_NOT_FOUND}).body.p);
}

/* ---- Request ids ---- */

static void letters_digits_and_four_signs_make_a_sane_request_id(void **state)
{
    (void)state;
    assert_true(reply_request_id_is_sane(STR("a")));
    assert_true(reply_request_id_is_sane(STR("AZaz09-_.~")));
}

static void no_other_byte_is_in_a_sane_request_id(void **state)
{
    static const char sane[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    (void)state;
    for (int c = 0; c < 256; c++) {
        char id[] = {'a', (char)c, 'b'};

        assert_int_equal(reply_request_id_is_sane((struct str){id, 3}),
                         c != '\0' && strchr(sane, c) != NULL);
    }
}

static void a_request_id_has_1_to_128_bytes(void **state)
{
    char id[LIMIT_REQUEST_ID + 1];

    (void)state;
    memset(id, 'x', sizeof(id));
    assert_false(reply_request_id_is_sane((struct str){id, 0}));
    assert_false(reply_request_id_is_sane((struct str){NULL, 0}));
    assert_true(reply_request_id_is_sane((struct str){id, 128}));
    assert_false(reply_request_id_is_sane((struct str){id, 129}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_problem_of_every_status_is_json_with_sorted_members),
        cmocka_unit_test(the_problem_of_every_status_says_what_the_list_says),
        cmocka_unit_test(a_problem_has_its_media_type_and_ends_its_line),
        cmocka_unit_test(a_detail_of_the_caller_replaces_the_usual_one),
        cmocka_unit_test(further_members_stand_at_their_sorted_place),
        cmocka_unit_test(further_members_end_where_they_say),
        cmocka_unit_test(a_request_without_an_id_yet_has_an_empty_one),
        cmocka_unit_test(every_503_says_when_to_come_again_and_nothing_else_does),
        cmocka_unit_test(a_wait_of_the_caller_is_kept),
        cmocka_unit_test(the_allowed_methods_are_passed_on),
        cmocka_unit_test(without_memory_there_is_no_body),
        cmocka_unit_test(letters_digits_and_four_signs_make_a_sane_request_id),
        cmocka_unit_test(no_other_byte_is_in_a_sane_request_id),
        cmocka_unit_test(a_request_id_has_1_to_128_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
