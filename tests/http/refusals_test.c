/* SPDX-License-Identifier: MIT */
/* Requests that two parsers may read differently, and those that have killed a server. Each is sent
 * as raw bytes; each is answered or cut, and the process lives on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

/* How many answers come until the server closes the connection, and the first one's status. */
static int answers_to(const struct service *service, const char *bytes, size_t n, int *ret_status)
{
    struct http_connection connection = service_connect(service);
    struct http_response response;
    int count = 0;

    *ret_status = 0;
    assert_true(http_send(&connection, bytes, n));
    http_send_end(&connection);
    while (http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response) == HTTP_COMPLETE) {
        *ret_status = count == 0 ? response.status : *ret_status;
        count++;
        http_response_fini(&response);
    }
    http_disconnect(&connection);
    return count;
}

static void a_header_section_that_may_be_read_in_two_ways_is_refused(void **state)
{
    /* Each hides a second request where one of two parsers would look for it. */
    static const char *const sections[] = {
        "Host: t\r\nContent-Length: 0\r\nContent-Length: 33\r\n",
        "Host: t\r\nContent-Length: 33\r\nContent-Length: 0\r\n",
        "Host: t\r\nContent-Length: 33\r\nTransfer-Encoding: chunked\r\n",
        "Host: t\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Host: t\r\nTransfer-Encoding: xchunked\r\n",
        "Host: t\r\nTransfer-Encoding: gzip, chunked\r\n",
        "Host: t\r\nContent-Length : 33\r\n",
        "Host: t\r\nContent-Length\t: 33\r\n",
        "Host: t\r\nContent-Length:\r\n 33\r\n",
        "Host: t\r\nContent-Length:\r\n\t33\r\n",
        "Host: t\r\nTransfer-Encoding:\r\n\tchunked\r\n",
        "Host: t\r\nHost: u\r\n",
        "",
    };
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        char request[512];
        int status;

        snprintf(request, sizeof(request),
                 "POST /livez HTTP/1.1\r\n%s\r\nGET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n",
                 sections[i]);
        if (answers_to(&service, request, strlen(request), &status) != 1 || status != 400) {
            fail_msg("not refused with 400 (%d): %s", status, sections[i]);
        }
    }
    service_stop(&service);
}

static void a_refusal_of_headers_is_a_problem_and_closes(void **state)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n";
    struct service service;
    struct http_connection connection;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    connection = service_connect(&service);
    assert_true(http_send_text(&connection, request));
    response = service_receive(&connection, "GET");
    service_assert_problem(&response, 400, "malformed-request");
    assert_string_equal(http_header(&response, "Connection"), "close");
    http_response_fini(&response);
    assert_true(http_wait_closed(&connection, CLOCK_PATIENCE_MS));
    http_disconnect(&connection);
    service_stop(&service);
}

static void a_transfer_encoding_on_http_1_0_is_refused(void **state)
{
    static const char request[] =
        "POST /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"
        "0\r\n\r\nGET /smuggled HTTP/1.0\r\n\r\n";
    struct service service;
    int status;

    (void)state;
    service_start(&service, NULL);
    assert_int_equal(answers_to(&service, request, sizeof(request) - 1, &status), 1);
    assert_int_equal(status, 400);
    service_stop(&service);
}

static void a_content_length_that_is_no_length_is_refused(void **state)
{
    static const char *const lengths[] = {"+7",
                                          "7, 7",
                                          "-1",
                                          "0x7",
                                          "7 7",
                                          "",
                                          "18446744073709551616",
                                          "18446744073709551615",
                                          "99999999999999999999999999"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct http_connection connection = service_connect(&service);
        struct http_response response;
        char request[256];

        snprintf(request, sizeof(request),
                 "POST /discount HTTP/1.1\r\nHost: t\r\nContent-Length: %s\r\n\r\n", lengths[i]);
        assert_true(http_send_text(&connection, request));
        /* libmicrohttpd 0.9.75 answers some of these itself, with its headers sent twice. */
        if (http_receive(&connection, "POST", CLOCK_PATIENCE_MS, &response) == HTTP_COMPLETE) {
            assert_true(response.status == 400 || response.status == 413);
            http_response_fini(&response);
        }
        assert_true(http_wait_closed(&connection, CLOCK_PATIENCE_MS) || connection.used > 0);
        http_disconnect(&connection);
    }
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

/* Debian 13's libmicrohttpd is killed by these; every version must live on. */
static void a_long_query_without_equals_and_headers_kills_nobody(void **state)
{
    static char request[40000];
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (int n = 500; n < 30000; n += n < 20000 ? 97 : 1009) {
        struct http_connection connection = service_connect(&service);
        int head = sprintf(request, "GET /x?");

        memset(request + head, 'a', (size_t)n);
        strcpy(request + head + n, " HTTP/1.1\r\n\r\n");
        /* It may be cut while it is still sent. */
        if (http_send_text(&connection, request)) {
            http_wait_closed(&connection, CLOCK_PATIENCE_MS);
        }
        http_disconnect(&connection);
    }
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

/* The exact sizes for memory limits of 8, 12, 16 and 32 KiB. */
static void the_crashing_query_of_each_memory_limit_kills_nobody(void **state)
{
    static const int sizes[] = {2576, 4624, 6672, 14864};
    static char request[20000];
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int n = sizes[i] - 40; n < sizes[i] + 40; n++) {
            struct http_connection connection = service_connect(&service);
            int head = sprintf(request, "GET /x?");

            memset(request + head, 'a', (size_t)n);
            strcpy(request + head + n, " HTTP/1.1\r\n\r\n");
            if (http_send_text(&connection, request)) {
                http_wait_closed(&connection, CLOCK_PATIENCE_MS);
            }
            http_disconnect(&connection);
        }
    }
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

static void a_path_is_taken_as_it_came(void **state)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {
        {"/livez%00", 400}, {"/livez%00/x", 400},    {"/x%zz", 400},         {"/x%4", 400},
        {"/livez/..", 404}, {"/./livez", 404},       {"/x/../livez", 404},   {"/%2e%2e/livez", 404},
        {"/%6civez", 200},  {"/livez%2f", 404},      {"/discount%2Fx", 404}, {"*", 400},
        {"livez", 400},     {"http://t/livez", 400}, {"/x\x01y", 400},       {"/x\xffy", 400},
        {"/%c0%af", 400},   {"/%0a", 400},
    };
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[256];
        int status;

        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n", cases[i].target);
        answers_to(&service, request, strlen(request), &status);
        if (status != cases[i].status) {
            fail_msg("%s: %d, not %d", cases[i].target, status, cases[i].status);
        }
    }
    service_stop(&service);
}

static void targets_and_headers_up_to_the_limit_are_taken_and_longer_ones_are_named(void **state)
{
    enum { LIMIT = 4096 };
    static char target[LIMIT + 2], headers[LIMIT * 2];
    struct service service;
    struct http_response response;
    int fixed;

    (void)state;
    service_start(&service, NULL);
    memset(target, 'a', LIMIT + 1);
    target[0] = '/';
    target[LIMIT] = '\0';
    /* What http_request sends by itself, "Host: ..." and so on, counts too: leave some room. */
    fixed = sprintf(headers, "X-Long: ");
    memset(headers + fixed, 'b', LIMIT - 200);
    strcpy(headers + fixed + LIMIT - 200, "\r\n");
    assert_int_equal(service_status(&service, "GET", target, headers, NULL), 404);

    target[LIMIT] = 'a';
    target[LIMIT + 1] = '\0';
    response = service_request(&service, "GET", target, NULL, NULL);
    service_assert_problem(&response, 414, "uri-too-long");
    http_response_fini(&response);

    memset(headers + fixed, 'b', LIMIT);
    strcpy(headers + fixed + LIMIT, "\r\n");
    response = service_request(&service, "GET", "/livez", headers, NULL);
    service_assert_problem(&response, 431, "headers-too-large");
    http_response_fini(&response);
    service_stop(&service);
}

static void what_is_no_http_is_cut(void **state)
{
    static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    static const char http2[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const char empty[] = "\r\n\r\n\r\n";
    static const char no_target[] = "GET\r\n\r\n";
    static const char zeros[] = "\0\0\0\0\0\0\0\0";
    static const char no_colon[] = "GET / HTTP/1.1\r\nHost: t\r\nbroken\r\n\r\n";
    const struct {
        const char *bytes;
        size_t n;
    } cases[] = {{tls, sizeof(tls) - 1},     {http2, sizeof(http2) - 1},
                 {empty, sizeof(empty) - 1}, {no_target, sizeof(no_target) - 1},
                 {zeros, sizeof(zeros) - 1}, {no_colon, sizeof(no_colon) - 1}};
    struct service service;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=200", NULL});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_connection connection = service_connect(&service);
        struct http_response response;
        enum http_end end;

        assert_true(http_send(&connection, cases[i].bytes, cases[i].n));
        end = http_receive(&connection, "GET", CLOCK_PATIENCE_MS, &response);
        assert_int_not_equal(end, HTTP_TIMEOUT);
        if (end == HTTP_COMPLETE) {
            assert_true(response.status >= 400);
            http_response_fini(&response);
        }
        http_disconnect(&connection);
    }
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_section_that_may_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_refusal_of_headers_is_a_problem_and_closes),
        cmocka_unit_test(a_transfer_encoding_on_http_1_0_is_refused),
        cmocka_unit_test(a_content_length_that_is_no_length_is_refused),
        cmocka_unit_test(a_long_query_without_equals_and_headers_kills_nobody),
        cmocka_unit_test(the_crashing_query_of_each_memory_limit_kills_nobody),
        cmocka_unit_test(a_path_is_taken_as_it_came),
        cmocka_unit_test(targets_and_headers_up_to_the_limit_are_taken_and_longer_ones_are_named),
        cmocka_unit_test(what_is_no_http_is_cut),
    };

    return cmocka_run_group_tests_name("http refusals", tests, NULL, NULL);
}
