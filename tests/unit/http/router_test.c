/* SPDX-License-Identifier: MIT */
#include "http/router.h"

#include "unit/assert_str.h"

static void grant_write(struct request *request)
{
    (void)request;
}

static void grant_read(struct request *request)
{
    (void)request;
}

static void discount_read(struct request *request)
{
    (void)request;
}

static void root_read(struct request *request)
{
    (void)request;
}

static void both_read(struct request *request)
{
    (void)request;
}

static const struct route routes[] = {
    {"POST", "/discount/{id}/grant", grant_write},
    {"GET", "/discount/{id}/grant", grant_read},
    {"GET", "/discount/{id}", discount_read},
    {"DELETE", "/user/{user}/discount/{id}", both_read},
    {"GET", "/", root_read},
};

static const struct router router = {routes, sizeof(routes) / sizeof(routes[0])};

/* The router's verdict on a request line, and its outputs. */
struct match {
    struct arena arena;
    enum status status;
    request_fn handler;
    struct str params[LIMIT_PATH_SEGMENTS];
    char allow[ROUTER_ALLOW_SIZE];
};

static void match_in(struct match *match, const struct router *table, const char *method,
                     const char *path)
{
    const struct route *route = NULL;
    struct target target;

    memset(match, '#', sizeof(*match));
    arena_init(&match->arena, 65536);
    assert_int_equal(target_parse(str_of(path), &match->arena, &target), STATUS_OK);
    match->status =
        router_match(table, str_of(method), &target, &route, match->params, match->allow);
    match->handler = route == NULL ? NULL : route->handler;
}

static void assert_handler(const char *method, const char *path, request_fn handler)
{
    struct match match;

    match_in(&match, &router, method, path);
    assert_int_equal(match.status, STATUS_OK);
    assert_true(match.handler == handler);
    arena_fini(&match.arena);
}

static void assert_not_found(const char *method, const char *path)
{
    struct match match;

    match_in(&match, &router, method, path);
    assert_int_equal(match.status, STATUS_NOT_FOUND);
    arena_fini(&match.arena);
}

static void assert_allow(const char *method, const char *path, const char *allow)
{
    struct match match;

    match_in(&match, &router, method, path);
    assert_int_equal(match.status, STATUS_METHOD_NOT_ALLOWED);
    assert_string_equal(match.allow, allow);
    arena_fini(&match.arena);
}

static void method_and_path_choose_the_handler(void **state)
{
    (void)state;
    assert_handler("POST", "/discount/1/grant", grant_write);
    assert_handler("GET", "/discount/1/grant", grant_read);
    assert_handler("GET", "/discount/1", discount_read);
}

static void the_root_can_be_a_route(void **state)
{
    (void)state;
    assert_handler("GET", "/", root_read);
}

static void a_query_does_not_change_the_route(void **state)
{
    (void)state;
    assert_handler("GET", "/discount/1?user_id=2", discount_read);
}

static void variable_segments_become_params_in_their_order(void **state)
{
    struct match match;

    (void)state;
    match_in(&match, &router, "DELETE", "/user/User%201/discount/a%2Fb");
    assert_int_equal(match.status, STATUS_OK);
    assert_str_equal(match.params[0], "User 1");
    assert_str_equal(match.params[1], "a/b");
    arena_fini(&match.arena);
}

static void an_encoded_slash_makes_no_segment(void **state)
{
    (void)state;
    assert_handler("GET", "/discount/1%2Fgrant", discount_read);
}

static void a_variable_segment_is_not_empty(void **state)
{
    (void)state;
    assert_not_found("GET", "/discount/");
    assert_not_found("GET", "/discount//grant");
}

static void other_paths_are_not_found(void **state)
{
    (void)state;
    assert_not_found("GET", "/discount");
    assert_not_found("GET", "/discounts/1");
    assert_not_found("GET", "/Discount/1");
    assert_not_found("GET", "/discount/1/grants");
    assert_not_found("GET", "/discount/1/gran");
    assert_not_found("GET", "/discount/1/grant/2");
    assert_not_found("GET", "//");
}

static void a_path_is_not_normalised(void **state)
{
    (void)state;
    assert_not_found("GET", "/discount/1/grant/");
    assert_not_found("GET", "//discount/1");
    assert_not_found("GET", "/discount/../discount/1");
    assert_not_found("GET", "/./");
}

static void an_unknown_path_is_not_found_whatever_the_method(void **state)
{
    (void)state;
    assert_not_found("OPTIONS", "/nothing");
    assert_not_found("FOO", "/nothing");
}

static void head_finds_the_route_of_get(void **state)
{
    (void)state;
    assert_handler("HEAD", "/discount/1", discount_read);
}

static void head_is_not_allowed_where_get_is_not(void **state)
{
    (void)state;
    assert_allow("HEAD", "/user/1/discount/2", "DELETE, OPTIONS");
}

static void another_method_is_told_which_there_are(void **state)
{
    (void)state;
    assert_allow("PUT", "/discount/1/grant", "POST, GET, HEAD, OPTIONS");
    assert_allow("DELETE", "/discount/1", "GET, HEAD, OPTIONS");
}

static void methods_have_a_case(void **state)
{
    (void)state;
    assert_allow("get", "/discount/1", "GET, HEAD, OPTIONS");
    assert_allow("GETX", "/discount/1", "GET, HEAD, OPTIONS");
    assert_allow("", "/discount/1", "GET, HEAD, OPTIONS");
}

static void options_is_told_which_methods_there_are(void **state)
{
    (void)state;
    assert_allow("OPTIONS", "/discount/1/grant", "POST, GET, HEAD, OPTIONS");
}

static void an_empty_table_has_no_route(void **state)
{
    const struct router empty = {NULL, 0};
    struct match match;

    (void)state;
    match_in(&match, &empty, "GET", "/");
    assert_int_equal(match.status, STATUS_NOT_FOUND);
    arena_fini(&match.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_and_path_choose_the_handler),
        cmocka_unit_test(the_root_can_be_a_route),
        cmocka_unit_test(a_query_does_not_change_the_route),
        cmocka_unit_test(variable_segments_become_params_in_their_order),
        cmocka_unit_test(an_encoded_slash_makes_no_segment),
        cmocka_unit_test(a_variable_segment_is_not_empty),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(a_path_is_not_normalised),
        cmocka_unit_test(an_unknown_path_is_not_found_whatever_the_method),
        cmocka_unit_test(head_finds_the_route_of_get),
        cmocka_unit_test(head_is_not_allowed_where_get_is_not),
        cmocka_unit_test(another_method_is_told_which_there_are),
        cmocka_unit_test(methods_have_a_case),
        cmocka_unit_test(options_is_told_which_methods_there_are),
        cmocka_unit_test(an_empty_table_has_no_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
