/* SPDX-License-Identifier: MIT */
/* Behaviour that all resources share, tried on each row of the route table: invalid requests, and a
 * store that fails. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "http/service.h"
#include "support/fake_redis.h"

#define KEY "Idempotency-Key: k\r\n"

/* ---- Requests for each route ---- */

/* Returns a target of this route that names existing things. */
static void target_of(const struct route *route, const char *id, char ret_target[128])
{
    static const char *const values[][2] = {
        {"{id}", NULL}, {"{user_id}", "u"}, {"{name}", "not-found"}};
    const char *at = route->path;
    size_t n = 0;

    while (*at != '\0') {
        const char *value = NULL;

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            size_t length = strlen(values[i][0]);

            if (strncmp(at, values[i][0], length) == 0) {
                value = values[i][1] == NULL ? id : values[i][1];
                at += length;
                break;
            }
        }
        assert_true(n + SERVICE_ID < 128);
        if (value == NULL) {
            ret_target[n++] = *at++;
        } else {
            n += (size_t)sprintf(ret_target + n, "%s", value);
        }
    }
    ret_target[n] = '\0';
    if (strcmp(route->path, "/user/discount") == 0) {
        strcpy(ret_target + n, "?user_id=u");
    }
}

/* Returns a valid body for this route; NULL: none. */
static const char *body_of(const struct route *route)
{
    if (strcmp(route->method, "POST") != 0) {
        return NULL;
    }
    return strcmp(route->path, "/discount") == 0
               ? "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1}"
               : "{\"user_id\":\"u\"}";
}

static bool is_write(const struct route *route)
{
    return strcmp(route->method, "POST") == 0;
}

static bool needs_store(const struct route *route)
{
    return strncmp(route->path, "/discount", 9) == 0 || strncmp(route->path, "/user", 5) == 0 ||
           strcmp(route->path, "/healthy") == 0 || strcmp(route->path, "/readyz") == 0;
}

/* Requires that the route's request, with these headers, is answered with this problem. */
static void assert_refused(const struct service *service, const struct route *route, const char *id,
                           const char *headers, int status, const char *problem)
{
    struct http_response response;
    char target[128];

    target_of(route, id, target);
    response = service_request(service, route->method, target, headers, body_of(route));
    if (response.status != status) {
        fail_msg("%s %s: %d %s", route->method, target, response.status, response.body);
    }
    service_assert_problem(&response, status, problem);
    http_response_fini(&response);
}

/* Tests a failing store; routes that do not ask it must still answer. */
static void assert_store_refuses_one(const struct service *service, const struct route *route,
                                     const char *id, const char *problem_of_reads,
                                     const char *problem_of_writes)
{
    char target[128];

    if (needs_store(route)) {
        assert_refused(service, route, id, NULL, 503,
                       is_write(route) ? problem_of_writes : problem_of_reads);
    } else {
        target_of(route, id, target);
        assert_int_equal(service_status(service, route->method, target, NULL, NULL), 200);
    }
}

static void assert_store_refuses(const struct service *service, const char *id,
                                 const char *problem_of_reads, const char *problem_of_writes)
{
    for (size_t i = 0; i < routes_count; i++) {
        assert_store_refuses_one(service, &routes_table[i], id, problem_of_reads,
                                 problem_of_writes);
    }
}

/* ---- Invalid requests ---- */

static char *line_of(size_t n)
{
    char *line = malloc(n + 16);

    assert_non_null(line);
    memset(line, 'x', n + 16);
    memcpy(line, "X-Long: ", 8);
    strcpy(line + n, "\r\n");
    return line;
}

static void what_no_resource_takes_each_refuses(void **state)
{
    struct service service;
    char id[SERVICE_ID], *line = line_of(5000);

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_table[i];

        assert_refused(&service, route, id, "Host: another\r\n", 400, "malformed-request");
        assert_refused(&service, route, id, line, 431, "headers-too-large");
    }
    free(line);
    service_stop(&service);
}

static void what_is_too_long_is_too_long_for_each(void **state)
{
    static char long_target[4200], long_body[16386];
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    memset(long_body, ' ', sizeof(long_body) - 1);
    service_start(&service, NULL);
    service_create(&service, 5, id);
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_table[i];
        struct http_response response;
        char target[128];

        target_of(route, id, target);
        response = service_request(&service, route->method, target, NULL, long_body);
        service_assert_problem(&response, 413, "payload-too-large");
        http_response_fini(&response);
        memset(long_target, 'x', sizeof(long_target) - 1);
        memcpy(long_target, target, strlen(target));
        memcpy(long_target + strlen(target), strchr(target, '?') == NULL ? "?x=" : "&x=", 3);
        response = service_request(&service, route->method, long_target, NULL, body_of(route));
        service_assert_problem(&response, 414, "uri-too-long");
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void each_that_takes_a_body_takes_json_and_no_query(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_table[i];
        struct http_response response;
        char target[128];

        if (!is_write(route)) {
            continue;
        }
        assert_refused(&service, route, id, "Content-Type: text/plain\r\n", 415,
                       "unsupported-media-type");
        target_of(route, id, target);
        response = service_request(&service, "POST", target, NULL, "{");
        service_assert_problem(&response, 400, "malformed-json");
        http_response_fini(&response);
        strcat(target, "?x=1");
        response = service_request(&service, "POST", target, NULL, body_of(route));
        service_assert_problem(&response, 400, "malformed-request");
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void each_has_head_if_it_has_get_and_names_its_methods(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_table[i];
        struct http_response options, refused;
        char target[128];

        target_of(route, id, target);
        assert_int_equal(service_status(&service, "HEAD", target, NULL, NULL), 200);
        options = service_request(&service, "OPTIONS", target, NULL, NULL);
        refused = service_request(&service, "DELETE", target, NULL, NULL);
        assert_int_equal(options.status, 204);
        assert_non_null(strstr(http_header(&options, "Allow"), route->method));
        service_assert_problem(&refused, 405, "method-not-allowed");
        assert_string_equal(http_header(&refused, "Allow"), http_header(&options, "Allow"));
        http_response_fini(&options);
        http_response_fini(&refused);
    }
    service_stop(&service);
}

/* ---- A store that fails ---- */

static void without_the_store_each_is_unavailable(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    redis_server_kill(service.redis);
    assert_true(discountd_log_wait(service.daemon, "no connection", CLOCK_PATIENCE_MS));
    assert_store_refuses(&service, id, "store-unavailable", "store-unavailable");
    service_stop(&service);
}

static bool is_healthy(void *argument)
{
    return service_status(argument, "GET", "/healthy", NULL, NULL) == 200;
}

static void of_a_store_that_is_late_a_write_is_not_known(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service,
                  (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_DEADLINE_MS=100", NULL});
    service_create(&service, 5, id);
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_table[i];

        /* Each route gets a new service: to a Redis that already hangs, nothing is sent. */
        if (needs_store(route)) {
            assert_true(clock_wait(is_healthy, &service, CLOCK_PATIENCE_MS));
            redis_server_freeze(service.redis);
            assert_refused(&service, route, id, NULL, 503,
                           is_write(route) ? "outcome-unknown" : "store-unavailable");
            redis_server_thaw(service.redis);
        }
    }
    service_stop(&service);
}

static void past_the_in_flight_bound_each_is_overloaded(void **state)
{
    struct service service;
    struct http_connection first;
    struct http_response response;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_IN_FLIGHT=1",
                                             "DISCOUNT_DEADLINE_MS=30000", NULL});
    service_create(&service, 5, id);
    redis_server_freeze(service.redis);
    first = service_connect(&service);
    service_send_grant(&first, id, "first");
    /* The one worker reads connections in order, so the request is in flight by then. */
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    assert_store_refuses(&service, id, "overloaded", "overloaded");
    redis_server_thaw(service.redis);
    response = service_receive(&first, "POST");
    assert_int_equal(response.status, 201);
    http_response_fini(&response);
    http_disconnect(&first);
    service_stop(&service);
}

/* The grant of u exists, and so do the keys that this test damages. */
static void of_data_that_is_not_ours_each_says_so(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    assert_int_equal(service_grant(&service, id, "u"), 201);
    redis_server_command(service.redis, "HSET discount:{%s} total_count many", id);
    redis_server_command(service.redis, "SET discount:{%s}:grants spoilt", id);
    redis_server_command(service.redis, "SET idempotency:1:{b}:k spoilt");
    for (size_t i = 0; i < routes_count; i++) {
        const struct route *route = &routes_table[i];

        if (needs_store(route) && route->path[1] != 'h' && route->path[1] != 'r') {
            assert_refused(&service, route, id, is_write(route) ? KEY : NULL, 500, "store-corrupt");
        }
    }
    service_stop(&service);
}

static void a_store_that_answers_nonsense_is_not_healthy(void **state)
{
    struct fake_redis *fake = fake_redis_new();
    struct service service = {0};
    char store[128];
    int status;

    (void)state;
    snprintf(store, sizeof(store), "DISCOUNT_STORE=%s", fake_redis_url(fake));
    fake_handshake(fake, NULL, "0");
    for (int i = 0; i < 2; i++) {
        fake_expect(fake, "PING");
        fake_send_text(fake, "+PANG\r\n");
    }
    fake_wait_for_client_close(fake);
    fake_redis_start(fake);
    service.daemon = discountd_start((const char *[]){store, "DISCOUNT_WORKERS=1", NULL});
    service.port = discountd_port(service.daemon);
    assert_true(discountd_log_wait(service.daemon, "connected to", CLOCK_PATIENCE_MS));
    for (size_t i = 0; i < routes_count; i++) {
        if (routes_table[i].path[1] == 'h' || routes_table[i].path[1] == 'r') {
            assert_refused(&service, &routes_table[i], "", NULL, 500, "store-corrupt");
        }
    }
    discountd_signal(service.daemon, SIGTERM);
    assert_true(discountd_wait_exit(service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    discountd_stop(service.daemon);
    fake_redis_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_resource_takes_each_refuses),
        cmocka_unit_test(what_is_too_long_is_too_long_for_each),
        cmocka_unit_test(each_that_takes_a_body_takes_json_and_no_query),
        cmocka_unit_test(each_has_head_if_it_has_get_and_names_its_methods),
        cmocka_unit_test(without_the_store_each_is_unavailable),
        cmocka_unit_test(of_a_store_that_is_late_a_write_is_not_known),
        cmocka_unit_test(past_the_in_flight_bound_each_is_overloaded),
        cmocka_unit_test(of_data_that_is_not_ours_each_says_so),
        cmocka_unit_test(a_store_that_answers_nonsense_is_not_healthy),
    };

    return cmocka_run_group_tests_name("resources", tests, NULL, NULL);
}
