/* SPDX-License-Identifier: MIT */
/* SIGTERM, SIGINT and SIGHUP: requests that were sent are answered, and the process exits with 0.
 * */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "http/service.h"

static void signal_and_wait_for_draining(struct service *service, int number)
{
    discountd_signal(service->daemon, number);
    assert_true(discountd_log_wait(service->daemon, "draining", CLOCK_PATIENCE_MS));
}

static void send_text(struct http_connection *connection, const char *text)
{
    assert_true(http_send_text(connection, text));
}

/* Makes one complete exchange, after which the connection is an idle keep-alive one. */
static void use(struct http_connection *connection)
{
    struct http_response response;

    send_text(connection, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n");
    response = service_receive(connection, "GET");
    assert_int_equal(response.status, 200);
    http_response_fini(&response);
}

static void the_process_ends_although_idle_connections_are_open(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

    (void)state;
    signal(SIGHUP,
           SIG_DFL); /* nohup may have set it to be ignored, and the service inherits that */
    for (size_t i = 0; i < 3; i++) {
        struct http_connection idle[10];
        struct service service;

        service_start(&service, (const char *[]){"DISCOUNT_DRAIN_MS=200", NULL});
        for (size_t j = 0; j < 10; j++) {
            idle[j] = service_connect(&service);
            if (j % 2 == 0) {
                use(&idle[j]);
            }
        }
        discountd_signal(service.daemon, signals[i]);
        for (size_t j = 0; j < 10; j++) {
            assert_true(http_wait_closed(&idle[j], CLOCK_PATIENCE_MS));
            http_disconnect(&idle[j]);
        }
        service_assert_exits_with_0(&service);
    }
}

static void started_with_nohup_it_outlives_its_terminal(void **state)
{
    struct service service;

    (void)state;
    signal(SIGHUP, SIG_IGN);
    service_start(&service, NULL);
    signal(SIGHUP, SIG_DFL);
    discountd_signal(service.daemon, SIGHUP);
    assert_int_equal(service_status(&service, "GET", "/readyz", NULL, NULL), 200);
    service_stop(&service);
}

static void a_request_on_an_idle_connection_is_answered_while_draining(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DRAIN_MS=60000", NULL});
    connection = service_connect(&service);
    use(&connection);
    signal_and_wait_for_draining(&service, SIGTERM);
    send_text(&connection, "GET /readyz HTTP/1.1\r\nHost: t\r\n\r\n");
    response = service_receive(&connection, "GET");

    service_assert_problem(&response, 503, "store-unavailable");
    assert_string_equal(http_header(&response, "Connection"), "close");

    http_response_fini(&response);
    assert_true(http_wait_closed(&connection, CLOCK_PATIENCE_MS));
    http_disconnect(&connection);
    /* It was the last connection, so the service does not wait for the rest of the minute. */
    service_assert_exits_with_0(&service);
}

static void a_body_that_is_still_coming_is_waited_for(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;
    char id[SERVICE_ID], request[256];

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DRAIN_MS=0", NULL});
    service_create(&service, 1, id);
    connection = service_connect(&service);
    use(&connection);
    snprintf(request, sizeof(request),
             "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
             "Expect: 100-continue\r\nContent-Length: 15\r\n\r\n",
             id);
    send_text(&connection, request);
    {
        /* The interim answer shows that the head has been read. */
        char interim[25];

        assert_int_equal(recv(connection.fd, interim, sizeof(interim), MSG_WAITALL), 25);
        assert_memory_equal(interim, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
    signal_and_wait_for_draining(&service, SIGTERM);
    send_text(&connection, "{\"user_id\":\"u\"} ");
    response = service_receive(&connection, "POST");

    assert_int_equal(response.status, 201);

    http_response_fini(&response);
    http_disconnect(&connection);
    service_assert_exits_with_0(&service);
}

static bool refuses(void *argument)
{
    struct service *service = argument;
    struct http_connection connection;

    if (http_connect(&connection, service->port)) {
        http_disconnect(&connection);
        return false;
    }
    return true;
}

static void new_connections_are_refused_while_draining(void **state)
{
    struct service service;
    struct http_connection connection;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DRAIN_MS=60000", NULL});
    connection = service_connect(&service);
    use(&connection);
    signal_and_wait_for_draining(&service, SIGTERM);
    assert_true(clock_wait(refuses, &service, CLOCK_PATIENCE_MS));
    http_disconnect(&connection);
    service_assert_exits_with_0(&service);
}

static void a_second_signal_ends_the_drain(void **state)
{
    struct service service;
    struct http_connection connection;
    int status = 0;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DRAIN_MS=60000", NULL});
    connection = service_connect(&service);
    use(&connection);
    signal_and_wait_for_draining(&service, SIGTERM);
    discountd_signal(service.daemon, SIGINT);
    assert_true(discountd_wait_exit(service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_true(WIFSIGNALED(status));
    http_disconnect(&connection);
    service_end(&service);
}

/* One of many clients that send requests as fast as they are answered. */
struct client {
    pthread_t thread;
    int port, number;
    const char *id;
    atomic_int *answered;
    int lost; /* requests that were sent and not answered */
};

/* Sends requests on one connection until the service closes it after an answer. Returns false when
 * it cannot connect any more. A request without an answer is lost: before the service closes, it
 * must say so with `Connection: close`. */
static bool ask_on_a_connection(struct client *client)
{
    struct http_connection connection;
    bool open = true;

    if (!http_connect(&connection, client->port)) {
        return false;
    }
    while (open) {
        struct http_response response;
        char request[512];

        snprintf(request, sizeof(request),
                 "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                 "Content-Length: 17\r\n\r\n{\"user_id\":\"u%02d\"}",
                 client->id, client->number);
        if (!http_send_text(&connection, request) ||
            http_receive(&connection, "POST", CLOCK_PATIENCE_MS, &response) != HTTP_COMPLETE) {
            client->lost++;
            break;
        }
        atomic_fetch_add(client->answered, 1);
        open = http_header(&response, "Connection") == NULL;
        http_response_fini(&response);
    }
    http_disconnect(&connection);
    return true;
}

static void *client_main(void *argument)
{
    struct client *client = argument;

    while (client->lost == 0 && ask_on_a_connection(client)) {
    }
    return NULL;
}

static bool many_were_answered(void *argument)
{
    return atomic_load((atomic_int *)argument) > 500;
}

static void no_request_is_lost_under_load(void **state)
{
    enum { CLIENTS = 8 };
    struct client clients[CLIENTS];
    struct service service;
    atomic_int answered = 0;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 100, id);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] =
            (struct client){.port = service.port, .number = i, .id = id, .answered = &answered};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
    }
    assert_true(clock_wait(many_were_answered, &answered, CLOCK_PATIENCE_MS));
    discountd_signal(service.daemon, SIGTERM);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].lost, 0);
    }
    service_assert_exits_with_0(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_process_ends_although_idle_connections_are_open),
        cmocka_unit_test(started_with_nohup_it_outlives_its_terminal),
        cmocka_unit_test(a_request_on_an_idle_connection_is_answered_while_draining),
        cmocka_unit_test(a_body_that_is_still_coming_is_waited_for),
        cmocka_unit_test(new_connections_are_refused_while_draining),
        cmocka_unit_test(a_second_signal_ends_the_drain),
        cmocka_unit_test(no_request_is_lost_under_load),
    };

    return cmocka_run_group_tests_name("http drain", tests, NULL, NULL);
}
