/* SPDX-License-Identifier: MIT */
/* The whole list: streamed page by page, in memory that does not grow with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/service.h"

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

/* From now on VmHWM, the most that was ever resident, counts from what is resident now. */
static void memory_peak_forget(const struct service *service)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/clear_refs", (int)discountd_pid(service->daemon));
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("5", file) >= 0);
    assert_int_equal(fclose(file), 0);
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
    /* A sanitizer's own memory is not what this measures. */
    bool is_plain = strstr(getenv("DISCOUNTD"), "san/") == NULL;
    struct service service;
    long before_kib = 0;

    (void)state;
    service_prepare(&service);
    service_fill(&service, 60000);
    service_launch(&service, NULL);
    /* Once before, because a store may keep what it has read, up to a bound of its own. */
    list_size(&service);
    if (is_plain) {
        memory_peak_forget(&service);
        before_kib = memory_kib(&service, "VmHWM:");
    }

    assert_true(list_size(&service) > (size_t)20 * 1024 * 1024);
    if (is_plain) {
        assert_true(memory_kib(&service, "VmHWM:") - before_kib < 4 * 1024);
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

    /* There is room for one connection, so this one is served when the other has been cut. */
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);

    assert_int_not_equal(http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response),
                         HTTP_COMPLETE);
    http_disconnect(&connection);
    service_stop(&service);
}

/* libmicrohttpd 0.9.75 by itself sends the end of a chunked body after the head. */
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
        cmocka_unit_test(head_of_a_long_list_has_a_head_and_nothing_more),
    };

    return cmocka_run_group_tests_name("http list", tests, NULL, NULL);
}
