/* SPDX-License-Identifier: MIT */
/* The whole list: streamed page by page, in memory that does not grow with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/service.h"

/* Puts discounts into Redis, far faster than by asking the service. Their codes are long, so that
 * the list is. */
static void fill(const struct service *service, int count)
{
    const char *done = redis_server_command(
        service->redis, "EVAL %s 0 %d",
        "for i = 1, ARGV[1] do "
        "  local id = string.format('dsc-%021dA', i) "
        "  redis.call('HSET', 'discount:{' .. id .. '}', 'brand_id', 'b', 'discount_code', "
        "    string.rep('c', 200), 'total_count', 5, 'created_at', 1000000 + i) "
        "  redis.call('ZADD', 'discounts', 1000000 + i, id) "
        "end return 'filled'",
        count);

    assert_string_equal(done, "filled");
}

/* The number that stands after this name in /proc/PID/status, in KiB. */
static long memory_kib(const struct service *service, const char *name)
{
    char path[64], line[256];
    long kib = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)discountd_pid(service->daemon));
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtol(line + strlen(name), NULL, 10);
        }
    }
    fclose(file);
    assert_true(kib > 0);
    return kib;
}

static void a_long_list_has_everything_once_and_in_order(void **state)
{
    enum { COUNT = 1050 };
    struct service service;
    struct http_response response;
    json_t *list, *discounts;

    (void)state;
    service_start(&service, NULL);
    fill(&service, COUNT);
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

        service_start(&service, NULL);
        fill(&service, counts[i]);
        response = service_request(&service, "GET", "/discount", NULL, NULL);
        list = service_json(&response);
        assert_int_equal(json_array_size(json_object_get(list, "discounts")), counts[i]);
        json_decref(list);
        http_response_fini(&response);
        service_stop(&service);
    }
}

static void the_list_costs_no_memory_in_proportion(void **state)
{
    enum { COUNT = 60000, PAGE = 100 };
    struct service service;
    struct http_response response;
    char calls[64];
    long before_kib;

    (void)state;
    service_start(&service, NULL);
    fill(&service, COUNT);
    service_status(&service, "GET", "/healthy", NULL, NULL);
    before_kib = memory_kib(&service, "VmHWM:");
    response = service_request(&service, "GET", "/discount", NULL, NULL);

    assert_true(response.body_size > 20L * 1024 * 1024);
    /* A sanitizer's own memory is not what this measures. */
    if (strstr(getenv("DISCOUNTD"), "san/") == NULL) {
        assert_true(memory_kib(&service, "VmHWM:") - before_kib < 4 * 1024);
    }
    /* And no reply of Redis carries more than a page. */
    snprintf(calls, sizeof(calls), "cmdstat_evalsha:calls=%d,", COUNT / PAGE + 1);
    assert_non_null(strstr(redis_server_command(service.redis, "INFO commandstats"), calls));

    http_response_fini(&response);
    service_stop(&service);
}

static void a_client_that_does_not_read_is_cut(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_CONNECTIONS=1",
                                             "DISCOUNT_CLIENT_DEADLINE_MS=300", NULL});
    fill(&service, 60000);
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n"));
    assert_int_equal(recv(connection.fd, (char[1]){0}, 1, MSG_PEEK), 1);

    /* There is room for one connection, so this one is served when the other has been cut. */
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);

    assert_int_not_equal(http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response),
                         HTTP_COMPLETE);
    http_disconnect(&connection);
    service_stop(&service);
}

static void a_list_that_cannot_be_finished_is_cut_off(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DEADLINE_MS=300", NULL});
    fill(&service, 60000);
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n"));
    /* It has begun, and cannot be over: the client has not read it. */
    assert_int_equal(recv(connection.fd, (char[1]){0}, 1, MSG_PEEK), 1);
    redis_server_kill(service.redis);

    assert_int_equal(http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response), HTTP_CLOSED);

    http_disconnect(&connection);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

/* libmicrohttpd 0.9.75 by itself sends the end of a chunked body after the head. */
static void head_of_a_long_list_has_a_head_and_nothing_more(void **state)
{
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    fill(&service, 500);
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
        cmocka_unit_test(a_long_list_has_everything_once_and_in_order),
        cmocka_unit_test(a_list_that_ends_with_a_page_is_whole),
        cmocka_unit_test(the_list_costs_no_memory_in_proportion),
        cmocka_unit_test(a_client_that_does_not_read_is_cut),
        cmocka_unit_test(a_list_that_cannot_be_finished_is_cut_off),
        cmocka_unit_test(head_of_a_long_list_has_a_head_and_nothing_more),
        cmocka_unit_test(a_discount_whose_data_is_not_ours_is_corrupt_and_not_a_crash),
    };

    return cmocka_run_group_tests_name("http list", tests, NULL, NULL);
}
