/* SPDX-License-Identifier: MIT */
/* What clients see when they ask more than the store can do. Requests over the limit are refused at
 * once, and accepted requests are served. */
#include <stdio.h>
#include <string.h>

#include "http/service.h"

#define WAITING 150
#define TOO_MANY 40
/* Longer than a sixteenth of the deadline, from which on a wait counts as evidence. */
#define WAIT_MS 800
#define DEADLINE "DISCOUNT_DEADLINE_MS=10000"

static bool has_come(void *argument)
{
    return clock_ms() >= *(const int64_t *)argument;
}

static void send_grants(const struct service *service, const char *id,
                        struct http_connection *ret_connections)
{
    char user[16];

    for (size_t i = 0; i < WAITING; i++) {
        snprintf(user, sizeof(user), "user %zu", i);
        ret_connections[i] = service_connect(service);
        service_send_grant(&ret_connections[i], id, user);
    }
}

static void assert_all_granted(struct http_connection *connections)
{
    for (size_t i = 0; i < WAITING; i++) {
        struct http_response response = service_receive(&connections[i], "POST");

        assert_int_equal(response.status, 201);
        http_response_fini(&response);
        http_disconnect(&connections[i]);
    }
}

static void assert_refused_at_once(const struct service *service, const char *id)
{
    int64_t begin_ms = clock_ms();
    char target[64];

    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    for (size_t i = 0; i < TOO_MANY; i++) {
        struct http_response response =
            service_request(service, "POST", target, NULL, "{\"user_id\":\"one more\"}");

        service_assert_problem(&response, 503, "overloaded");
        assert_string_equal(http_header(&response, "Retry-After"), "1");
        http_response_fini(&response);
        assert_int_equal(service_status(service, "GET", "/livez", NULL, NULL), 200);
    }
    assert_in_range(clock_ms() - begin_ms, 0, 5000);
}

static void assert_nothing_is_unknown(const struct service *service)
{
    struct http_response response = service_request(service, "GET", "/metrics", NULL, NULL);

    assert_null(strstr(response.body, "outcome-unknown"));
    assert_null(strstr(response.body, "store-unavailable"));
    assert_non_null(strstr(response.body, "{problem=\"overloaded\"} 40\n"));
    http_response_fini(&response);
}

static void too_many_are_told_at_once_and_the_others_are_served(void **state)
{
    struct service service;
    struct http_connection connections[WAITING];
    char id[SERVICE_ID];
    int64_t then_ms;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", DEADLINE, NULL});
    service_create(&service, 1000, id);
    redis_server_freeze(service.redis);
    send_grants(&service, id, connections);
    /* The one worker reads connections in order, so all requests are in flight by then. */
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    then_ms = clock_ms() + WAIT_MS;
    assert_true(clock_wait(has_come, &then_ms, CLOCK_PATIENCE_MS));
    assert_refused_at_once(&service, id);

    redis_server_thaw(service.redis);
    assert_all_granted(connections);
    assert_int_equal(service_grant(&service, id, "one more"), 201);
    assert_int_equal(service_status(&service, "GET", "/healthy", NULL, NULL), 200);
    assert_nothing_is_unknown(&service);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_are_told_at_once_and_the_others_are_served),
    };

    return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
