/* SPDX-License-Identifier: MIT */
/* What clients see while Redis is away or hangs, and when it holds data that are not ours. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http/service.h"

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
    first = service_connect(&service);
    service_send_grant(&first, id, "first");
    second = service_connect(&service);
    service_send_grant(&second, id, "second");
    snprintf(target, sizeof(target), "/discount/%s/grant", id);

    /* The one worker reads connections in order, so the two requests are in flight by then. */
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

/* ---- Away ---- */

static void health_follows_the_store_and_livez_does_not(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DEADLINE_MS=200", NULL});
    redis_server_kill(service.redis);

    response = service_request(&service, "GET", "/healthy", NULL, NULL);
    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    response = service_request(&service, "GET", "/readyz", NULL, NULL);
    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);

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
    /* So it says neither that it was granted nor that it was not. */
    assert_null(strstr(response.body, "\"granted\""));
    http_response_fini(&response);
    redis_server_thaw(service.redis);

    do {
        again = service_grant(&service, id, "u");
    } while (again == 503);
    /* The frozen Redis may or may not have read the command; in either case the user holds one
     * grant. */
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
    /* No process listens on port 1. */
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

/* ---- Clients that leave, and the stop ---- */

static void clients_that_go_away_while_the_store_works_harm_nobody(void **state)
{
    struct service service;
    char id[SERVICE_ID], user[16];

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DEADLINE_MS=300", NULL});
    service_create(&service, 1000, id);
    redis_server_freeze(service.redis);
    for (int i = 0; i < 50; i++) {
        struct http_connection connection = service_connect(&service);

        snprintf(user, sizeof(user), "%d", i);
        service_send_grant(&connection, id, user);
        http_disconnect(&connection);
    }
    /* It is sent last, so when it is answered the deadlines of all others have passed too. */
    assert_int_equal(service_grant(&service, id, "last"), 503);
    redis_server_thaw(service.redis);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

static void stop_and_wait_for_draining(struct service *service)
{
    discountd_signal(service->daemon, SIGTERM);
    assert_true(discountd_log_wait(service->daemon, "draining", CLOCK_PATIENCE_MS));
}

static void a_request_that_waits_for_the_store_is_answered(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service,
                  (const char *[]){"DISCOUNT_DEADLINE_MS=10000", "DISCOUNT_DRAIN_MS=0", NULL});
    service_create(&service, 1, id);
    redis_server_freeze(service.redis);
    connection = service_connect(&service);
    service_send_grant(&connection, id, "u");
    stop_and_wait_for_draining(&service);
    redis_server_thaw(service.redis);
    response = service_receive(&connection, "POST");

    assert_int_equal(response.status, 201);
    assert_string_equal(http_header(&response, "Connection"), "close");

    http_response_fini(&response);
    http_disconnect(&connection);
    service_assert_exits_with_0(&service);
}

static void a_hung_store_does_not_keep_the_process(void **state)
{
    struct service service;
    struct http_connection connections[20];
    char id[SERVICE_ID];

    (void)state;
    service_start(&service,
                  (const char *[]){"DISCOUNT_DEADLINE_MS=300", "DISCOUNT_DRAIN_MS=0", NULL});
    service_create(&service, 100, id);
    redis_server_freeze(service.redis);
    for (size_t i = 0; i < 20; i++) {
        char user[8];

        snprintf(user, sizeof(user), "u%zu", i);
        connections[i] = service_connect(&service);
        service_send_grant(&connections[i], id, user);
    }
    stop_and_wait_for_draining(&service);
    for (size_t i = 0; i < 20; i++) {
        struct http_response response = service_receive(&connections[i], "POST");

        service_assert_problem(&response, 503, "outcome-unknown");
        http_response_fini(&response);
        http_disconnect(&connections[i]);
    }
    service_assert_exits_with_0(&service);
}

/* ---- The list ---- */

static void no_reply_carries_more_than_a_page_of_the_list(void **state)
{
    struct service service;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 1050);
    service_launch(&service, NULL);
    assert_int_equal(service_count(&service), 1050);
    assert_non_null(strstr(redis_server_command(service.redis, "INFO commandstats"),
                           "cmdstat_evalsha:calls=11,"));
    service_stop(&service);
}

static void a_list_that_cannot_be_finished_is_cut_off(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 60000);
    service_launch(&service, (const char *[]){"DISCOUNT_DEADLINE_MS=300", NULL});
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n"));
    /* The answer has begun and cannot have ended: the client has not read it. */
    assert_int_equal(recv(connection.fd, (char[1]){0}, 1, MSG_PEEK), 1);
    redis_server_kill(service.redis);

    assert_int_equal(http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response), HTTP_CLOSED);

    http_disconnect(&connection);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

static void a_discount_whose_data_is_not_ours_is_corrupt_and_not_a_crash(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 1, id);
    redis_server_command(service.redis, "HSET discount:{%s} total_count many", id);
    snprintf(target, sizeof(target), "/discount/%s", id);
    response = service_request(&service, "GET", target, NULL, NULL);
    service_assert_problem(&response, 500, "store-corrupt");
    http_response_fini(&response);
    response = service_request(&service, "GET", "/discount", NULL, NULL);
    service_assert_problem(&response, 500, "store-corrupt");
    http_response_fini(&response);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_the_in_flight_bound_requests_are_overloaded_at_once),
        cmocka_unit_test(health_follows_the_store_and_livez_does_not),
        cmocka_unit_test(without_the_store_requests_are_refused_at_once),
        cmocka_unit_test(an_unknown_outcome_is_said_to_be_unknown_and_a_repeat_settles_it),
        cmocka_unit_test(the_service_recovers_when_the_store_comes_back),
        cmocka_unit_test(a_service_without_a_store_starts_and_says_that_it_is_not_ready),
        cmocka_unit_test(clients_that_go_away_while_the_store_works_harm_nobody),
        cmocka_unit_test(a_request_that_waits_for_the_store_is_answered),
        cmocka_unit_test(a_hung_store_does_not_keep_the_process),
        cmocka_unit_test(no_reply_carries_more_than_a_page_of_the_list),
        cmocka_unit_test(a_list_that_cannot_be_finished_is_cut_off),
        cmocka_unit_test(a_discount_whose_data_is_not_ours_is_corrupt_and_not_a_crash),
    };

    return cmocka_run_group_tests_name("http redis", tests, NULL, NULL);
}
