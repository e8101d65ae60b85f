/* SPDX-License-Identifier: MIT */
/* A late request gets the same answer, byte for byte, whether the store was asked or not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

/* Far more than needed; the first requests ask the store in any case. */
#define TRIES_MOST 5000
#define FROM_MEMORY 50

static long refused_from_cache(const struct service *service)
{
    static const char name[] = "\ndiscount_grants_refused_from_cache_total ";
    struct http_response response = service_request(service, "GET", "/metrics", NULL, NULL);
    const char *at = strstr(response.body, name);
    long count;

    assert_non_null(at);
    count = atol(at + strlen(name));
    http_response_fini(&response);
    return count;
}

/* Returns the whole answer to a user who holds nothing, without its Date. Each call is for another
 * user: one in 1,700 is never refused from the cache. */
static void ask(struct http_connection *connection, const char *id, char *ret_answer, size_t room)
{
    struct http_response response;
    static unsigned number;
    char request[512], *date;

    snprintf(
        request, sizeof(request),
        "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nX-Request-ID: same\r\n"
        "Content-Type: application/json\r\nContent-Length: 22\r\n\r\n{\"user_id\":\"eve %04u\"}",
        id, number++ % 10000);
    assert_true(http_send_text(connection, request));
    response = service_receive(connection, "POST");
    snprintf(ret_answer, room, "%s%s", response.head, response.body);
    date = strstr(ret_answer, "Date: ");
    assert_non_null(date);
    memmove(date, strchr(date, '\n') + 1, strlen(strchr(date, '\n') + 1) + 1);
    http_response_fini(&response);
}

/* Asks until many were refused from the cache, and compares every answer with the first one. */
static void check_same(const struct service *service, const char *id, const char *status_line)
{
    struct http_connection connection = service_connect(service);
    long before = refused_from_cache(service);
    char first[2048], answer[2048];
    int tries = 1;

    ask(&connection, id, first, sizeof(first));
    assert_int_equal(strncmp(first, status_line, strlen(status_line)), 0);
    assert_int_equal(refused_from_cache(service), before);
    while (tries % 100 != 0 || refused_from_cache(service) < before + FROM_MEMORY) {
        ask(&connection, id, answer, sizeof(answer));
        assert_string_equal(answer, first);
        assert_true(++tries < TRIES_MOST);
    }
    http_disconnect(&connection);
}

static void who_is_refused_from_cache_sees_no_difference(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", NULL});
    service_create(&service, 2, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    assert_int_equal(service_grant(&service, id, "bob"), 201);
    check_same(&service, id, "HTTP/1.1 409 ");
    assert_int_equal(service_grant(&service, id, "ann"), 200);
    assert_int_equal(service_grant(&service, id, "bob"), 200);
    /* Errors of a request are still reported first. */
    assert_int_equal(service_grant(&service, id, ""), 422);
    assert_int_equal(service_grant(&service, "dsc-AAAAAAAAAAAAAAAAAAAAAA", "eve"), 404);
    service_stop(&service);
}

static void a_discount_that_is_over_is_over_from_memory_too(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID];
    json_t *discount;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=1", NULL});
    response = service_request(&service, "POST", "/discount", NULL,
                               "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":5,"
                               "\"expires_at\":\"2020-11-26T10:27:57Z\"}");
    assert_int_equal(response.status, 201);
    discount = service_json(&response);
    snprintf(id, sizeof(id), "%s", json_string_value(json_object_get(discount, "id")));
    json_decref(discount);
    http_response_fini(&response);
    check_same(&service, id, "HTTP/1.1 410 ");
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_refused_from_cache_sees_no_difference),
        cmocka_unit_test(a_discount_that_is_over_is_over_from_memory_too),
    };

    return cmocka_run_group_tests_name("sold_out", tests, NULL, NULL);
}
