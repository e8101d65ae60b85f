/* SPDX-License-Identifier: MIT */
/* How bytes become requests over time: keep-alive, pipelining, split requests, and clients that are
 * slow or leave. attacks/ tests what the bytes may be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/service.h"

static const char create_body[] = "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1}";

/* Requires that the connection can be used for another request. */
static void assert_usable(struct http_connection *connection)
{
    struct http_response response;

    assert_true(http_send_text(connection, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));
    response = service_receive(connection, "GET");
    assert_int_equal(response.status, 200);
    http_response_fini(&response);
}

/* Requires that the next answer has this status. */
static void assert_answered(struct http_connection *connection, int status)
{
    struct http_response response = service_receive(connection, "POST");

    assert_int_equal(response.status, status);
    http_response_fini(&response);
}

static void a_connection_is_kept_for_every_kind_of_answer(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /healthy HTTP/1.1\r\nHost: t\r\n\r\n", 200},
        {"GET /nope HTTP/1.1\r\nHost: t\r\n\r\n", 404},
        {"DELETE /discount HTTP/1.1\r\nHost: t\r\n\r\n", 405},
        {"OPTIONS /discount HTTP/1.1\r\nHost: t\r\n\r\n", 204},
        {"GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"POST /discount HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}", 415},
        {"POST /discount HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
         "Content-Length: 2\r\n\r\n{}",
         422},
        {"GET /livez HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nbody", 200},
    };
    struct service service;
    struct http_connection connection;

    (void)state;
    service_start(&service, NULL);
    connection = service_connect(&service);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_response response;

        assert_true(http_send_text(&connection, cases[i].request));
        response = service_receive(&connection, "GET");
        assert_int_equal(response.status, cases[i].status);
        http_response_fini(&response);
    }
    assert_usable(&connection);
    http_disconnect(&connection);
    service_stop(&service);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    static const char one[] = "GET /healthy HTTP/1.1\r\nHost: t\r\nX-Request-ID: n%d\r\n\r\n"
                              "GET /livez HTTP/1.1\r\nHost: t\r\nX-Request-ID: m%d\r\n\r\n";
    enum { PAIRS = 20 };
    char all[PAIRS * (sizeof(one) + 4)] = "";
    struct service service;
    struct http_connection connection;

    (void)state;
    service_start(&service, NULL);
    for (int i = 0; i < PAIRS; i++) {
        snprintf(all + strlen(all), sizeof(all) - strlen(all), one, i, i);
    }
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, all));
    for (int i = 0; i < 2 * PAIRS; i++) {
        struct http_response response = service_receive(&connection, "GET");
        char expected[16];

        snprintf(expected, sizeof(expected), "%c%d", i % 2 == 0 ? 'n' : 'm', i / 2);
        assert_string_equal(http_header(&response, "X-Request-ID"), expected);
        http_response_fini(&response);
    }
    http_disconnect(&connection);
    service_stop(&service);
}

/* libmicrohttpd keeps connections with more work in an internal list, which no descriptor shows.
 * The server must ask after every run. Otherwise each request would wait for the next housekeeping,
 * a second later. */
static void a_long_pipeline_needs_no_other_event_to_go_on(void **state)
{
    static const char one[] = "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n";
    enum { COUNT = 300 };
    struct service service;
    struct http_connection connection;
    char *all = calloc(COUNT, sizeof(one));
    int64_t begin_ms;

    (void)state;
    assert_non_null(all);
    service_start(&service, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(all + i * (sizeof(one) - 1), one, sizeof(one) - 1);
    }
    connection = service_connect(&service);
    begin_ms = clock_ms();
    assert_true(http_send_text(&connection, all));
    for (int i = 0; i < COUNT; i++) {
        struct http_response response = service_receive(&connection, "GET");

        assert_int_equal(response.status, 200);
        http_response_fini(&response);
        assert_true(clock_ms() - begin_ms < CLOCK_PATIENCE_MS);
    }
    http_disconnect(&connection);
    free(all);
    service_stop(&service);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct service service;
    struct http_connection connection;
    char request[512];

    (void)state;
    service_start(&service, NULL);
    snprintf(request, sizeof(request),
             "POST /discount HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(create_body), create_body);
    connection = service_connect(&service);
    for (size_t i = 0; request[i] != '\0'; i++) {
        assert_true(http_send(&connection, &request[i], 1));
    }
    assert_answered(&connection, 201);
    http_disconnect(&connection);
    service_stop(&service);
}

static void expect_100_continue_is_continued(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;
    char head[256], interim[25];

    (void)state;
    service_start(&service, NULL);
    snprintf(head, sizeof(head),
             "POST /discount HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
             "Expect: 100-continue\r\nContent-Length: %zu\r\n\r\n",
             strlen(create_body));
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, head));
    /* The interim answer comes before the body is sent. */
    assert_int_equal(recv(connection.fd, interim, sizeof(interim), MSG_PEEK | MSG_WAITALL), 25);
    assert_true(http_send_text(&connection, create_body));
    response = service_receive(&connection, "POST");
    assert_int_equal(response.interim_count, 1);
    assert_int_equal(response.status, 201);
    http_response_fini(&response);
    assert_usable(&connection);
    http_disconnect(&connection);
    service_stop(&service);
}

/* Sends a byte now and then until the server closes the connection. Returns how long that took. */
static int64_t dawdle(const struct service *service, const char *begin)
{
    struct http_connection connection = service_connect(service);
    int64_t begin_ms = clock_ms();

    assert_true(http_send_text(&connection, begin));
    while (!http_wait_closed(&connection, 50)) {
        assert_true(clock_ms() - begin_ms < CLOCK_PATIENCE_MS);
        if (!http_send_text(&connection, "a")) {
            break;
        }
    }
    http_disconnect(&connection);
    return clock_ms() - begin_ms;
}

static void a_client_that_dawdles_is_cut_wherever_it_is(void **state)
{
    static const char *const begins[] = {
        "GET /", "GET / HTTP/1.1\r\nHost: t\r\nX-Slow: ",
        ("POST /discount HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
         "Content-Length: 5000\r\n\r\n")};
    struct service service;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=300", NULL});
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        assert_true(dawdle(&service, begins[i]) >= 300);
    }
    service_stop(&service);
}

static void an_idle_connection_outlives_the_clients_deadline(void **state)
{
    struct service service;
    struct http_connection connection;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=100", NULL});
    connection = service_connect(&service);
    assert_usable(&connection);
    /* The server checks once a second; two checks must leave the connection alone. */
    assert_false(http_wait_closed(&connection, 2500));
    assert_usable(&connection);
    http_disconnect(&connection);
    service_stop(&service);
}

/* Also when the end comes together with the last bytes. Otherwise the connection would stay as long
 * as an idle one. */
static void a_client_that_ends_its_side_is_let_go(void **state)
{
    static const char *const requests[] = {
        "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n",
    };
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct http_connection connection = service_connect(&service);
        struct http_response response;

        assert_true(http_send_text(&connection, requests[i]));
        http_send_end(&connection);
        /* If the store was slow, the client may be gone before the answer. */
        if (http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response) == HTTP_COMPLETE) {
            http_response_fini(&response);
            assert_true(http_wait_closed(&connection, CLOCK_PATIENCE_MS));
        }
        http_disconnect(&connection);
    }
    service_stop(&service);
}

/* Returns whether a request on this connection is answered within the time. */
static bool is_served(struct http_connection *connection, int64_t within_ms)
{
    struct http_response response;

    if (http_receive(connection, "GET", within_ms, &response) != HTTP_COMPLETE) {
        return false;
    }
    http_response_fini(&response);
    return true;
}

/* Nothing else happens meanwhile that would wake the server. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_kept_for_every_kind_of_answer),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_long_pipeline_needs_no_other_event_to_go_on),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(expect_100_continue_is_continued),
        cmocka_unit_test(a_client_that_dawdles_is_cut_wherever_it_is),
        cmocka_unit_test(an_idle_connection_outlives_the_clients_deadline),
        cmocka_unit_test(a_client_that_ends_its_side_is_let_go),
        cmocka_unit_test(a_connection_past_the_limit_is_served_as_soon_as_another_ends),
    };

    return cmocka_run_group_tests_name("http connections", tests, NULL, NULL);
}
