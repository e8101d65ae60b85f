/* SPDX-License-Identifier: MIT */
/* The whole list, streamed page by page, in memory that does not grow with it. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/pace.h"
#include "http/service.h"
#include "support/loopback.h"
#include "support/need.h"
#include "support/nginx_server.h"
#include "support/usage.h"

#define GET_LIST "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n"
/* Clients that ask for the list and do not read it, and the limit of the service's memory for each.
 * */
#define STALLED 200
/* Fewer, because nginx and the kernel take megabytes for each. */
#define STALLED_AT_NGINX 16
#define STALLED_MOST_KIB 256

static void a_long_list_has_everything_once_and_in_order(void **state)
{
    enum { COUNT = 1050 };
    struct service service;
    struct http_response response;
    json_t *list, *discounts;

    (void)state;
    service_prepare(&service);
    service_fill(&service, COUNT);
    service_launch(&service, NULL);
    response = service_request(&service, "GET", "/discount", NULL, NULL);

    assert_int_equal(response.status, 200);
    assert_true(response.is_chunked);
    list = service_json(&response);
    discounts = json_object_get(list, "discounts");
    assert_int_equal(json_array_size(discounts), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        char id[SERVICE_ID];

        snprintf(id, sizeof(id), "dsc-%021zuA", i + 1);
        assert_string_equal(json_string_value(json_object_get(json_array_get(discounts, i), "id")),
                            id);
    }

    json_decref(list);
    http_response_fini(&response);
    service_stop(&service);
}

static void a_list_that_ends_with_a_page_is_whole(void **state)
{
    static const int counts[] = {99, 100, 101, 200};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct service service;
        struct http_response response;
        json_t *list;

        service_prepare(&service);
        service_fill(&service, counts[i]);
        service_launch(&service, NULL);
        response = service_request(&service, "GET", "/discount", NULL, NULL);
        list = service_json(&response);
        assert_int_equal(json_array_size(json_object_get(list, "discounts")), counts[i]);
        json_decref(list);
        http_response_fini(&response);
        service_stop(&service);
    }
}

static size_t list_size(const struct service *service)
{
    struct http_response response = service_request(service, "GET", "/discount", NULL, NULL);
    size_t size = response.body_size;

    http_response_fini(&response);
    return size;
}

static void the_list_costs_no_memory_in_proportion(void **state)
{
    struct service service;
    long before_kib = 0;
    pid_t pid;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 60000);
    service_launch(&service, NULL);
    /* A warm-up: a store may cache what it reads, up to a limit. */
    list_size(&service);
    pid = discountd_pid(service.daemon);
    if (usage_is_plain()) {
        usage_peak_forget(pid);
        before_kib = usage_memory_kib(pid, "VmHWM:");
    }

    assert_true(list_size(&service) > (size_t)20 * 1024 * 1024);
    if (usage_is_plain()) {
        assert_true(usage_memory_kib(pid, "VmHWM:") - before_kib < 4 * 1024);
    }

    service_stop(&service);
}

static void a_client_that_does_not_read_is_cut(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 60000);
    service_launch(&service, (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_CONNECTIONS=1",
                                              "DISCOUNT_CLIENT_DEADLINE_MS=300", NULL});
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_int_equal(recv(connection.fd, (char[1]){0}, 1, MSG_PEEK), 1);

    /* There is room for one connection, so this one is served only after the other has been cut. */
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);

    assert_int_not_equal(http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response),
                         HTTP_COMPLETE);
    http_disconnect(&connection);
    service_stop(&service);
}

struct activity {
    pid_t pid;
    int64_t since_ms, cpu_ms;
};

/* Returns whether the service has been nearly idle for a while, so that it has sent all it can. */
static bool is_at_rest(void *argument)
{
    struct activity *activity = argument;
    int64_t passed_ms = clock_ms() - activity->since_ms, cpu_ms = usage_cpu_ms(activity->pid);
    bool is_idle = cpu_ms - activity->cpu_ms <= 20;

    if (passed_ms < 200) {
        return false;
    }
    activity->since_ms = clock_ms();
    activity->cpu_ms = cpu_ms;
    return is_idle;
}

/* Asks for the list through this port, waits for its first bytes, and reads no more. */
static int stalled_reader(int port)
{
    /* Otherwise the kernel would buffer megabytes for it. */
    const int room = 16384;
    int fd = loopback_connect(port);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    assert_int_equal(send(fd, GET_LIST, strlen(GET_LIST), 0), strlen(GET_LIST));
    assert_int_equal(recv(fd, (char[1]){0}, 1, MSG_PEEK), 1);
    return fd;
}

/* When many readers stall, the service keeps one piece for each, and other clients do not notice.
 * */
static void assert_stalled_readers_are_cheap(const struct service *service, int port, size_t count,
                                             const char *where)
{
    pid_t pid = discountd_pid(service->daemon);
    struct activity activity = {.pid = pid};
    struct pace among = {0};
    int stalled[STALLED];
    long before_kib, cost_kib;

    /* A warm-up: a store may cache what it reads, up to a limit. */
    list_size(service);
    before_kib = usage_memory_kib(pid, "VmRSS:");
    for (size_t i = 0; i < count; i++) {
        stalled[i] = stalled_reader(port);
    }
    assert_true(clock_wait(is_at_rest, &activity, CLOCK_PATIENCE_MS));
    pace_requests(&among, port, 200);
    cost_kib = usage_memory_kib(pid, "VmRSS:") - before_kib;
    fprintf(stderr, "%s: %ld KiB for each of %zu readers\n", where, cost_kib / (long)count, count);
    pace_assert(&among, where, PACE_MOST_US);
    assert_true(!usage_is_plain() || cost_kib < (long)count * STALLED_MOST_KIB);
    for (size_t i = 0; i < count; i++) {
        close(stalled[i]);
    }
}

/* No reader is cut during the test, and all are on the worker that serves the others. */
static const char *const patient[] = {"DISCOUNT_CLIENT_DEADLINE_MS=120000", "DISCOUNT_WORKERS=1",
                                      NULL};

static void clients_that_do_not_read_cost_a_piece_each_and_slow_nobody(void **state)
{
    struct service service;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 20000);
    service_launch(&service, patient);
    assert_stalled_readers_are_cheap(&service, service.port, STALLED, "directly");
    service_stop(&service);
}

static void nor_do_they_through_nginx(void **state)
{
    struct nginx_server *nginx;
    struct service service;

    (void)state;
    need_program("nginx");
    service_prepare(&service);
    service_fill(&service, 20000);
    service_launch(&service, patient);
    nginx = nginx_server_start(service.port);
    assert_stalled_readers_are_cheap(&service, nginx_server_port(nginx), STALLED_AT_NGINX,
                                     "through nginx");
    nginx_server_stop(nginx);
    service_stop(&service);
}

/* Not even the end of a chunked body may follow the head. */
static void head_of_a_long_list_has_a_head_and_nothing_more(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 500);
    service_launch(&service, NULL);
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, "HEAD /discount HTTP/1.1\r\nHost: t\r\n\r\n"));
    response = service_receive(&connection, "HEAD");

    assert_int_equal(response.status, 200);
    assert_string_equal(http_header(&response, "Content-Type"), "application/json");
    assert_null(http_header(&response, "Content-Length"));
    assert_true(http_wait_closed(&connection, CLOCK_PATIENCE_MS));

    http_response_fini(&response);
    http_disconnect(&connection);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_list_has_everything_once_and_in_order),
        cmocka_unit_test(a_list_that_ends_with_a_page_is_whole),
        cmocka_unit_test(the_list_costs_no_memory_in_proportion),
        cmocka_unit_test(a_client_that_does_not_read_is_cut),
        cmocka_unit_test(clients_that_do_not_read_cost_a_piece_each_and_slow_nobody),
        cmocka_unit_test(nor_do_they_through_nginx),
        cmocka_unit_test(head_of_a_long_list_has_a_head_and_nothing_more),
    };

    return cmocka_run_group_tests_name("http list", tests, NULL, NULL);
}
