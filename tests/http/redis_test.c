/* SPDX-License-Identifier: MIT */
/* What happens at the bounds, and while the store is away. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "http/service.h"

static struct http_connection start_grant(const struct service *service, const char *id,
                                          const char *user)
{
    struct http_connection connection = service_connect(service);
    char request[512];

    snprintf(request, sizeof(request),
             "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n{\"user_id\":\"%s\"}",
             id, strlen(user) + 14, user);
    assert_true(http_send_text(&connection, request));
    return connection;
}

static void past_the_in_flight_bound_requests_are_overloaded_at_once(void **state)
{
    struct service service;
    struct http_connection first, second;
    struct http_response response;
    char id[SERVICE_ID], target[64];
    int64_t begin_ms;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_IN_FLIGHT=2",
                                             "DISCOUNT_DEADLINE_MS=15000", NULL});
    service_create(&service, 10, id);
    redis_server_freeze(service.redis);
    first = start_grant(&service, id, "first");
    second = start_grant(&service, id, "second");
    snprintf(target, sizeof(target), "/discount/%s/grant", id);

    /* One worker reads connections in the order they came, so the two are in flight by then. */
    begin_ms = clock_ms();
    response = service_request(&service, "GET", "/livez", NULL, NULL);
    http_response_fini(&response);
    response = service_request(&service, "POST", target, NULL, "{\"user_id\":\"third\"}");
    service_assert_problem(&response, 503, "overloaded");
    assert_true(clock_ms() - begin_ms < 10000);
    http_response_fini(&response);

    redis_server_thaw(service.redis);
    response = service_receive(&first, "POST");
    assert_int_equal(response.status, 201);
    http_response_fini(&response);
    response = service_receive(&second, "POST");
    assert_int_equal(response.status, 201);
    http_response_fini(&response);
    assert_int_equal(service_grant(&service, id, "third"), 201);
    http_disconnect(&first);
    http_disconnect(&second);
    service_stop(&service);
}

/* Whether a request on this connection is answered within the time. */
static bool is_served(struct http_connection *connection, int64_t within_ms)
{
    struct http_response response;

    if (http_receive(connection, "GET", within_ms, &response) != HTTP_COMPLETE) {
        return false;
    }
    http_response_fini(&response);
    return true;
}

/* libmicrohttpd by itself stays deaf here until some other connection has something to say. */
static void a_connection_past_the_limit_is_served_as_soon_as_another_ends(void **state)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n";
    struct service service;
    struct http_connection taken[3], waiting;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_CONNECTIONS=3", NULL});
    for (int i = 0; i < 3; i++) {
        taken[i] = service_connect(&service);
        assert_true(http_send_text(&taken[i], request));
        assert_true(is_served(&taken[i], CLOCK_PATIENCE_MS));
    }
    waiting = service_connect(&service);
    assert_true(http_send_text(&waiting, request));
    assert_false(is_served(&waiting, 300));

    http_disconnect(&taken[1]);
    assert_true(is_served(&waiting, CLOCK_PATIENCE_MS));

    http_disconnect(&taken[0]);
    http_disconnect(&taken[2]);
    http_disconnect(&waiting);
    service_stop(&service);
}

static void without_the_store_requests_are_refused_at_once(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 10, id);
    redis_server_kill(service.redis);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    assert_true(discountd_log_wait(service.daemon, "no connection", CLOCK_PATIENCE_MS));

    response = service_request(&service, "POST", target, NULL, "{\"user_id\":\"u\"}");
    service_assert_problem(&response, 503, "store-unavailable");
    assert_non_null(strstr(response.body, "\"granted\":false"));
    http_response_fini(&response);
    response = service_request(&service, "GET", "/discount", NULL, NULL);
    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    service_stop(&service);
}

static void an_unknown_outcome_is_said_to_be_unknown_and_a_repeat_settles_it(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64];
    int again;

    (void)state;
    service_start(&service,
                  (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_DEADLINE_MS=200", NULL});
    service_create(&service, 1, id);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    redis_server_freeze(service.redis);
    response = service_request(&service, "POST", target, NULL, "{\"user_id\":\"u\"}");
    service_assert_problem(&response, 503, "outcome-unknown");
    http_response_fini(&response);
    redis_server_thaw(service.redis);

    do {
        again = service_grant(&service, id, "u");
    } while (again == 503);
    /* The frozen Redis had read the command or had not; the user holds one grant in either case. */
    assert_true(again == 200 || again == 201);
    assert_int_equal(service_grant(&service, id, "u"), 200);
    assert_int_equal(service_grant(&service, id, "other"), 409);
    service_stop(&service);
}

static bool is_healthy(void *argument)
{
    return service_status(argument, "GET", "/healthy", NULL, NULL) == 200;
}

static void the_service_recovers_when_the_store_comes_back(void **state)
{
    struct service service;

    (void)state;
    service_start(&service, NULL);
    redis_server_kill(service.redis);
    assert_true(discountd_log_wait(service.daemon, "no connection", CLOCK_PATIENCE_MS));
    redis_server_restart(service.redis);
    assert_true(clock_wait(is_healthy, &service, CLOCK_PATIENCE_MS));
    service_stop(&service);
}

static void a_service_without_a_store_starts_and_says_that_it_is_not_ready(void **state)
{
    struct discountd *daemon;
    struct service service;
    struct http_response response;
    int status;

    (void)state;
    /* Nobody listens on port 1. */
    daemon = discountd_start(
        (const char *[]){"DISCOUNT_STORE=redis://127.0.0.1:1", "DISCOUNT_DEADLINE_MS=100", NULL});
    service = (struct service){.daemon = daemon, .port = discountd_port(daemon)};
    response = service_request(&service, "GET", "/readyz", NULL, NULL);
    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    discountd_signal(daemon, SIGTERM);
    assert_true(discountd_wait_exit(daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    discountd_stop(daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_the_in_flight_bound_requests_are_overloaded_at_once),
        cmocka_unit_test(a_connection_past_the_limit_is_served_as_soon_as_another_ends),
        cmocka_unit_test(without_the_store_requests_are_refused_at_once),
        cmocka_unit_test(an_unknown_outcome_is_said_to_be_unknown_and_a_repeat_settles_it),
        cmocka_unit_test(the_service_recovers_when_the_store_comes_back),
        cmocka_unit_test(a_service_without_a_store_starts_and_says_that_it_is_not_ready),
    };

    return cmocka_run_group_tests_name("http limits", tests, NULL, NULL);
}
