/* SPDX-License-Identifier: MIT */
#include "api/routes.h"
#include "http/router.h"
#include "unit/assert_str.h"

/* Makes a path that matches a route: "/discount/{id}" becomes "/discount/_id_". */
static void path_of(const struct route *route, char path[128])
{
    char *brace;

    assert_true(strlen(route->path) < 128);
    strcpy(path, route->path);
    while ((brace = strpbrk(path, "{}")) != NULL) {
        *brace = '_';
    }
}

static enum status match(const char *method, const char *path, request_fn *ret_handler)
{
    const struct router router = {routes_table, routes_count};
    struct str params[LIMIT_PATH_SEGMENTS];
    char allow[ROUTER_ALLOW_SIZE];
    struct arena arena;
    const struct route *route = NULL;
    struct target target;
    enum status status;

    arena_init(&arena, 65536);
    assert_int_equal(target_parse(str_of(path), &arena, &target), STATUS_OK);
    status = router_match(&router, str_of(method), &target, &route, params, allow);
    if (route != NULL) {
        *ret_handler = route->handler;
    }
    arena_fini(&arena);
    return status;
}

/* No row may hide a row below it. */
static void every_route_is_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < routes_count; i++) {
        request_fn handler = NULL;
        char path[128];

        path_of(&routes_table[i], path);
        assert_int_equal(match(routes_table[i].method, path, &handler), STATUS_OK);
        assert_true(handler == routes_table[i].handler);
    }
}

/* The router asserts that the method names fit. */
static void every_resource_tells_its_methods(void **state)
{
    (void)state;
    for (size_t i = 0; i < routes_count; i++) {
        request_fn handler = NULL;
        char path[128];

        path_of(&routes_table[i], path);
        assert_int_equal(match("OPTIONS", path, &handler), STATUS_METHOD_NOT_ALLOWED);
        assert_null(handler);
    }
}

static void the_paths_of_the_contract_are_there(void **state)
{
    static const char *const contract[][2] = {
        {"GET", "/healthy"},
        {"POST", "/discount"},
        {"GET", "/discount"},
        {"GET", "/discount/x"},
        {"POST", "/discount/x/grant"},
        {"GET", "/discount/x/grant?user_id=y"},
        {"HEAD", "/discount/x"},
        {"GET", "/livez"},
        {"GET", "/readyz"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
        request_fn handler = NULL;

        assert_int_equal(match(contract[i][0], contract[i][1], &handler), STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_reached),
        cmocka_unit_test(every_resource_tells_its_methods),
        cmocka_unit_test(the_paths_of_the_contract_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
