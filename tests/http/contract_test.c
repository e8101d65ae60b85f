/* SPDX-License-Identifier: MIT */
/* The answers of each endpoint: the table of the HTTP contract, row by row. */
#include <stdio.h>
#include <string.h>

#include "discount/status.h"
#include "http/service.h"

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static long long count_of(const json_t *object, const char *name)
{
    assert_true(json_is_integer(json_object_get(object, name)));
    return json_integer_value(json_object_get(object, name));
}

/* Requires the form "2020-11-26T10:27:57.202420Z". */
static void assert_time(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";

    assert_non_null(text);
    assert_int_equal(strlen(text), strlen(form));
    for (size_t i = 0; form[i] != '\0'; i++) {
        assert_true(form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i]);
    }
}

static void assert_sorted(json_t *object)
{
    const char *name, *before = "";
    json_t *value;

    json_object_foreach(object, name, value)
    {
        assert_true(strcmp(before, name) < 0);
        before = name;
    }
}

static void healthy_says_ok(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "GET", "/healthy", NULL, NULL);

    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "OK");
    assert_string_equal(http_header(&response, "Content-Type"), "text/plain");

    http_response_fini(&response);
    assert_int_equal(service_status(&service, "GET", "/readyz", NULL, NULL), 200);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

static void creating_answers_what_was_created(void **state)
{
    struct service service;
    struct http_response response;
    json_t *discount;
    char location[64];

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "POST", "/discount", NULL,
                               "{\"brand_id\": \"IKEA\", \n \"discount_code\": "
                               "\"Christmas 2020 discount\", \"total_count\": 100}");

    assert_int_equal(response.status, 201);
    assert_string_equal(http_header(&response, "Content-Type"), "application/json");
    discount = service_json(&response);
    assert_int_equal(json_object_size(discount), 5);
    assert_sorted(discount);
    assert_string_equal(text_of(discount, "brand_id"), "IKEA");
    assert_string_equal(text_of(discount, "discount_code"), "Christmas 2020 discount");
    assert_int_equal(count_of(discount, "total_count"), 100);
    assert_time(text_of(discount, "created_at"));
    assert_memory_equal(text_of(discount, "id"), "dsc-", 4);
    assert_int_equal(strlen(text_of(discount, "id")), 26);
    snprintf(location, sizeof(location), "/discount/%s", text_of(discount, "id"));
    assert_string_equal(http_header(&response, "Location"), location);

    json_decref(discount);
    http_response_fini(&response);
    service_stop(&service);
}

static void a_window_that_was_given_is_answered_in_utc(void **state)
{
    struct service service;
    struct http_response response;
    json_t *discount;

    (void)state;
    service_start(&service, NULL);
    response = service_request(
        &service, "POST", "/discount", NULL,
        "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1,"
        "\"starts_at\":\"2030-01-01T01:00:00+01:00\",\"expires_at\":\"2031-01-01T00:00:00.5Z\"}");

    assert_int_equal(response.status, 201);
    discount = service_json(&response);
    assert_sorted(discount);
    assert_string_equal(text_of(discount, "starts_at"), "2030-01-01T00:00:00.000000Z");
    assert_string_equal(text_of(discount, "expires_at"), "2031-01-01T00:00:00.500000Z");

    json_decref(discount);
    http_response_fini(&response);
    service_stop(&service);
}

static void every_error_of_a_discount_is_listed_and_nothing_is_stored(void **state)
{
    struct service service;
    struct http_response response;
    json_t *problem, *errors;

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "POST", "/discount", NULL,
                               "{\"brand_id\":7,\"total_count\":0,\"granted\":true}");

    service_assert_problem(&response, 422, "invalid-discount");
    problem = service_json(&response);
    errors = json_object_get(problem, "errors");
    assert_int_equal(json_array_size(errors), 4);
    for (size_t i = 0; i < 4; i++) {
        static const char *const pointers[] = {"/brand_id", "/total_count", "/granted",
                                               "/discount_code"};
        json_t *error = json_array_get(errors, i);

        assert_string_equal(text_of(error, "pointer"), pointers[i]);
        assert_true(json_string_length(json_object_get(error, "detail")) > 0);
    }
    assert_int_equal(service_count(&service), 0);

    json_decref(problem);
    http_response_fini(&response);
    service_stop(&service);
}

static void the_list_has_every_discount_with_its_counts_in_order_of_creation(void **state)
{
    struct service service;
    struct http_response response;
    char ids[3][SERVICE_ID];
    json_t *list, *discounts;

    (void)state;
    service_start(&service, NULL);
    for (int i = 0; i < 3; i++) {
        service_create(&service, 10 + i, ids[i]);
    }
    assert_int_equal(service_grant(&service, ids[1], "User 1"), 201);
    response = service_request(&service, "GET", "/discount", NULL, NULL);

    assert_int_equal(response.status, 200);
    assert_string_equal(http_header(&response, "Content-Type"), "application/json");
    list = service_json(&response);
    discounts = json_object_get(list, "discounts");
    assert_int_equal(json_array_size(discounts), 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *discount = json_array_get(discounts, i);

        assert_sorted(discount);
        assert_string_equal(text_of(discount, "id"), ids[i]);
        assert_int_equal(count_of(discount, "total_count"), 10 + (int)i);
        assert_int_equal(count_of(discount, "granted_count"), i == 1 ? 1 : 0);
        assert_int_equal(count_of(discount, "remaining_count"), i == 1 ? 10 : 10 + (int)i);
    }

    json_decref(list);
    http_response_fini(&response);
    service_stop(&service);
}

static void an_empty_list_is_a_list(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "GET", "/discount", NULL, NULL);

    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "{\"discounts\":[]}\n");

    http_response_fini(&response);
    service_stop(&service);
}

static void a_discount_is_read_with_its_counts(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64];
    json_t *discount;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 3, id);
    service_grant(&service, id, "u");
    snprintf(target, sizeof(target), "/discount/%s", id);
    response = service_request(&service, "GET", target, NULL, NULL);

    assert_int_equal(response.status, 200);
    discount = service_json(&response);
    assert_sorted(discount);
    assert_string_equal(text_of(discount, "id"), id);
    assert_int_equal(count_of(discount, "granted_count"), 1);
    assert_int_equal(count_of(discount, "remaining_count"), 2);

    json_decref(discount);
    http_response_fini(&response);
    service_stop(&service);
}

static void an_unknown_discount_is_not_found_by_any_endpoint(void **state)
{
    static const char *const ids[] = {"dsc-AAAAAAAAAAAAAAAAAAAAAA", "dsc-short", "x%22y",
                                      "dsc-AAAAAAAAAAAAAAAAAAAAAB"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct http_response response;
        char target[128];

        snprintf(target, sizeof(target), "/discount/%s", ids[i]);
        response = service_request(&service, "GET", target, NULL, NULL);
        service_assert_problem(&response, 404, "discount-not-found");
        http_response_fini(&response);
        snprintf(target, sizeof(target), "/discount/%s/grant?user_id=u", ids[i]);
        response = service_request(&service, "GET", target, NULL, NULL);
        service_assert_problem(&response, 404, "discount-not-found");
        http_response_fini(&response);
        snprintf(target, sizeof(target), "/discount/%s/grant", ids[i]);
        response = service_request(&service, "POST", target, NULL, "{\"user_id\":\"u\"}");
        service_assert_problem(&response, 404, "discount-not-found");
        assert_non_null(strstr(response.body, "\"granted\":false"));
        http_response_fini(&response);
    }
    assert_int_equal(service_count(&service), 0);
    service_stop(&service);
}

static void a_first_grant_is_created_and_its_location_reads_the_same(void **state)
{
    struct service service;
    struct http_response granted, read;
    char id[SERVICE_ID], target[64];
    json_t *grant;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 100, id);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    granted = service_request(&service, "POST", target, NULL, "{\"user_id\": \"User 1/\xc3\xa9\"}");

    assert_int_equal(granted.status, 201);
    assert_null(http_header(&granted, "Idempotent-Replayed"));
    grant = service_json(&granted);
    assert_int_equal(json_object_size(grant), 5);
    assert_sorted(grant);
    assert_true(json_is_true(json_object_get(grant, "granted")));
    assert_string_equal(text_of(grant, "discount_id"), id);
    assert_string_equal(text_of(grant, "discount_code"), "Christmas");
    assert_string_equal(text_of(grant, "user_id"), "User 1/\xc3\xa9");
    assert_time(text_of(grant, "granted_at"));
    json_decref(grant);

    read = service_request(&service, "GET", http_header(&granted, "Location"), NULL, NULL);
    assert_int_equal(read.status, 200);
    assert_string_equal(read.body, granted.body);

    http_response_fini(&read);
    http_response_fini(&granted);
    service_stop(&service);
}

static void a_repeated_grant_gives_the_same_grant_again(void **state)
{
    struct service service;
    struct http_response first, again;
    char id[SERVICE_ID], target[64];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 1, id);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    first = service_request(&service, "POST", target, NULL, "{\"user_id\":\"u\"}");
    again = service_request(&service, "POST", target, NULL, "{\"user_id\":\"u\"}");

    assert_int_equal(first.status, 201);
    assert_int_equal(again.status, 200);
    assert_string_equal(http_header(&again, "Idempotent-Replayed"), "true");
    assert_string_equal(again.body, first.body);

    http_response_fini(&first);
    http_response_fini(&again);
    service_stop(&service);
}

static void a_grant_of_an_exhausted_discount_is_refused_and_says_so(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64];
    json_t *problem;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 1, id);
    service_grant(&service, id, "first");
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    response = service_request(&service, "POST", target, NULL, "{\"user_id\":\"second\"}");

    service_assert_problem(&response, 409, "discount-exhausted");
    problem = service_json(&response);
    assert_sorted(problem);
    assert_true(json_is_false(json_object_get(problem, "granted")));
    assert_string_equal(text_of(problem, "discount_id"), id);

    json_decref(problem);
    http_response_fini(&response);
    service_stop(&service);
}

/* Creates a discount with this window, and asks for a grant of it. */
static struct http_response grant_in_window(const struct service *service, const char *window)
{
    char body[256], target[128];
    struct http_response response;

    snprintf(body, sizeof(body),
             "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1,%s}", window);
    response = service_request(service, "POST", "/discount", NULL, body);
    assert_int_equal(response.status, 201);
    snprintf(target, sizeof(target), "%s/grant", http_header(&response, "Location"));
    http_response_fini(&response);
    return service_request(service, "POST", target, NULL, "{\"user_id\":\"u\"}");
}

static void a_grant_before_the_start_is_refused_with_the_time_to_wait(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    response = grant_in_window(&service, "\"starts_at\":\"2999-01-01T00:00:00Z\"");

    assert_int_equal(response.status, 409);
    assert_non_null(strstr(response.body, "/problems/discount-not-started"));
    assert_non_null(strstr(response.body, "\"granted\":false"));
    assert_string_equal(http_header(&response, "Retry-After"), "31536000");

    http_response_fini(&response);
    service_stop(&service);
}

static void a_grant_after_the_end_is_gone(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    response = grant_in_window(&service, "\"expires_at\":\"2020-01-01T00:00:00Z\"");

    service_assert_problem(&response, 410, "discount-expired");
    assert_non_null(strstr(response.body, "\"granted\":false"));

    http_response_fini(&response);
    service_stop(&service);
}

static void errors_of_a_grant_are_listed(void **state)
{
    static const char *const bodies[] = {"{}",
                                         "{\"user_id\":1}",
                                         "{\"user_id\":\"\"}",
                                         "{\"user_id\":\"u\",\"x\":1}",
                                         "{\"user_id\":\"a\\nb\"}",
                                         "[\"u\"]"};
    struct service service;
    char id[SERVICE_ID], target[64];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 1, id);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct http_response response = service_request(&service, "POST", target, NULL, bodies[i]);

        service_assert_problem(&response, 422, "invalid-grant");
        assert_non_null(strstr(response.body, "\"errors\":[{"));
        http_response_fini(&response);
    }
    assert_int_equal(service_grant(&service, id, "u"), 201);
    service_stop(&service);
}

static void a_grant_that_is_not_there_is_not_found(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[128];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 1, id);
    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=nobody", id);
    response = service_request(&service, "GET", target, NULL, NULL);

    service_assert_problem(&response, 404, "grant-not-found");

    http_response_fini(&response);
    service_stop(&service);
}

static void a_body_that_is_no_json_is_malformed(void **state)
{
    static const char *const bodies[] = {"",
                                         "{",
                                         "{}x",
                                         "{\"a\":1,\"a\":2}",
                                         "\xef\xbb\xbf{}",
                                         "[[[[[[[[[1]]]]]]]]]",
                                         "{\"user_id\":\"\xff\"}"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct http_response response =
            service_request(&service, "POST", "/discount", NULL, bodies[i]);

        service_assert_problem(&response, 400, "malformed-json");
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void a_body_of_another_type_is_refused(void **state)
{
    static const char *const types[] = {"Content-Type: text/plain\r\n",
                                        "Content-Type: application/json; charset=latin1\r\n",
                                        "Content-Type: application/jsonx\r\n"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct http_response response =
            service_request(&service, "POST", "/discount", types[i], "{}");

        service_assert_problem(&response, 415, "unsupported-media-type");
        http_response_fini(&response);
    }
    assert_int_equal(service_status(&service, "POST", "/discount",
                                    "Content-Type: Application/JSON; charset=UTF-8\r\n", "{}"),
                     422);
    service_stop(&service);
}

static void an_unknown_path_is_not_found(void **state)
{
    static const char *const paths[] = {"/",
                                        "/nope",
                                        "/discount/",
                                        "//discount",
                                        "/discount/x/y",
                                        "/Discount",
                                        "/a/b/c/d/e/f/g/h/i/j"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct http_response response = service_request(&service, "GET", paths[i], NULL, NULL);

        service_assert_problem(&response, 404, "not-found");
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void a_method_that_a_resource_lacks_is_not_allowed(void **state)
{
    static const char *const methods[] = {"DELETE", "PUT", "PATCH", "TRACE", "FOO"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct http_response response =
            service_request(&service, methods[i], "/discount", NULL, NULL);

        service_assert_problem(&response, 405, "method-not-allowed");
        assert_string_equal(http_header(&response, "Allow"), "POST, GET, HEAD, OPTIONS");
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void options_names_the_methods(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "OPTIONS", "/healthy", NULL, NULL);
    assert_int_equal(response.status, 204);
    assert_string_equal(http_header(&response, "Allow"), "GET, HEAD, OPTIONS");
    http_response_fini(&response);
    assert_int_equal(service_status(&service, "OPTIONS", "*", NULL, NULL), 204);
    assert_int_equal(service_status(&service, "OPTIONS", "/nope", NULL, NULL), 404);
    service_stop(&service);
}

static void head_answers_like_get_without_the_body(void **state)
{
    static const char *const targets[] = {"/healthy", "/livez", "/discount", "/nope"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct http_response get = service_request(&service, "GET", targets[i], NULL, NULL);
        struct http_response head = service_request(&service, "HEAD", targets[i], NULL, NULL);

        assert_int_equal(head.status, get.status);
        assert_int_equal(head.body_size, 0);
        assert_string_equal(http_header(&head, "Content-Type"), http_header(&get, "Content-Type"));
        http_response_fini(&get);
        http_response_fini(&head);
    }
    service_stop(&service);
}

static void every_problem_has_a_page_that_explains_it(void **state)
{
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        struct http_response response;
        char target[64];

        snprintf(target, sizeof(target), "/problems/%s", status_name(status));
        response = service_request(&service, "GET", target, NULL, NULL);
        assert_int_equal(response.status, 200);
        assert_string_equal(http_header(&response, "Content-Type"), "text/html; charset=utf-8");
        assert_non_null(strstr(response.body, status_title(status)));
        assert_non_null(strstr(response.body, status_detail(status)));
        assert_non_null(strstr(response.body, status_advice(status)));
        http_response_fini(&response);
    }
    assert_int_equal(service_status(&service, "GET", "/problems/ok", NULL, NULL), 404);
    assert_int_equal(service_status(&service, "GET", "/problems/%2e%2e", NULL, NULL), 404);
    assert_int_equal(service_status(&service, "GET", "/problems", NULL, NULL), 404);
    service_stop(&service);
}

static void a_discount_that_has_not_changed_is_not_sent_again(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64], header[128], etag[64];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    snprintf(target, sizeof(target), "/discount/%s", id);
    response = service_request(&service, "GET", target, NULL, NULL);
    snprintf(etag, sizeof(etag), "%s", http_header(&response, "ETag"));
    assert_int_equal(etag[0], '"');
    http_response_fini(&response);

    snprintf(header, sizeof(header), "If-None-Match: \"x\", W/%s\r\n", etag);
    response = service_request(&service, "GET", target, header, NULL);
    assert_int_equal(response.status, 304);
    assert_int_equal(response.body_size, 0);
    assert_string_equal(http_header(&response, "ETag"), etag);
    assert_null(http_header(&response, "Content-Type"));
    http_response_fini(&response);
    assert_int_equal(service_status(&service, "HEAD", target, header, NULL), 304);

    assert_int_equal(service_grant(&service, id, "ann"), 201);
    response = service_request(&service, "GET", target, header, NULL);
    assert_int_equal(response.status, 200);
    assert_string_not_equal(http_header(&response, "ETag"), etag);
    http_response_fini(&response);
    service_stop(&service);
}

/* A 304 has no Content-Length or that of the 200 (RFC 9110, section 8.6). The requests are sent at
 * once: if a 304 had a body, it would stand where the next answer begins. */
static void assert_unchanged_has_the_length_of_the_whole(const struct service *service,
                                                         const char *target)
{
    static const char *const methods[] = {"GET", "GET", "HEAD"};
    struct http_connection connection = service_connect(service);
    struct http_response response;
    char request[256], length[32];

    for (size_t i = 0; i < 3; i++) {
        snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: t\r\n%s\r\n", methods[i],
                 target, i == 0 ? "" : "If-None-Match: *\r\n");
        assert_true(http_send_text(&connection, request));
    }
    assert_true(http_send_text(&connection, "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"));

    response = service_receive(&connection, "GET");
    assert_int_equal(response.status, 200);
    snprintf(length, sizeof(length), "%zu", response.body_size);
    http_response_fini(&response);
    for (size_t i = 1; i < 3; i++) {
        response = service_receive(&connection, methods[i]);
        assert_int_equal(response.status, 304);
        assert_int_equal(http_header_count(&response, "Transfer-Encoding"), 0);
        if (http_header_count(&response, "Content-Length") > 0) {
            assert_int_equal(http_header_count(&response, "Content-Length"), 1);
            assert_string_equal(http_header(&response, "Content-Length"), length);
        }
        http_response_fini(&response);
    }
    response = service_receive(&connection, "GET");
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "OK");
    http_response_fini(&response);
    http_disconnect(&connection);
}

static void unchanged_says_no_other_length_than_the_whole(void **state)
{
    struct service service;
    char id[SERVICE_ID], target[64];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    snprintf(target, sizeof(target), "/discount/%s", id);
    assert_unchanged_has_the_length_of_the_whole(&service, target);
    assert_unchanged_has_the_length_of_the_whole(&service, "/openapi.yaml");
    service_stop(&service);
}

static void the_contract_is_served(void **state)
{
    struct service service;
    struct http_response response;
    char header[128];

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "GET", "/openapi.yaml", NULL, NULL);
    assert_int_equal(response.status, 200);
    assert_string_equal(http_header(&response, "Content-Type"), "application/yaml");
    assert_non_null(strstr(response.body, "\nopenapi: 3.1.0\n"));
    snprintf(header, sizeof(header), "If-None-Match: %s\r\n", http_header(&response, "ETag"));
    http_response_fini(&response);
    assert_int_equal(service_status(&service, "GET", "/openapi.yaml", header, NULL), 304);
    service_stop(&service);
}

static void a_query_that_a_resource_does_not_know_is_malformed(void **state)
{
    static const char *const targets[] = {
        "/discount?x=1",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA?x",
        "/discount?brand_id=",
        "/discount?brand_id=%00",
        "/discount?limit=0",
        "/discount?limit=1001",
        "/discount?limit=01",
        "/discount?limit=-1",
        "/discount?limit=1e2",
        "/discount?limit=",
        "/discount?limit=1&limit=2",
        "/discount?cursor=",
        "/discount?cursor=x",
        "/discount?cursor=MrqKP7UHTpUIMSB1", /* a cursor of a list of grants */
        "/user/ann/discount?x=1",
        "/problems/not-found?x=1",
        "/openapi.yaml?x=1",
        "/user/ann/discount?cursor=Mv36Iyz2oH1eNSA", /* a cursor without a valid id */
        "/user/%00/discount",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?x=1",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?limit=x",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?user_id=",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?user_id=u&limit=1",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?user_id=u&x=1",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?user_id=u&user_id=v",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?user_id=%00",
        "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?user_id=%zz"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct http_response response = service_request(&service, "GET", targets[i], NULL, NULL);

        service_assert_problem(&response, 400, "malformed-request");
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void a_sane_request_id_is_kept_and_another_is_replaced(void **state)
{
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    response = service_request(&service, "GET", "/nope", "X-Request-ID: abc-1.2_3~4\r\n", NULL);
    service_assert_problem(&response, 404, "not-found");
    assert_string_equal(http_header(&response, "X-Request-ID"), "abc-1.2_3~4");
    http_response_fini(&response);

    response = service_request(&service, "GET", "/nope", "X-Request-ID: a\"b\r\n", NULL);
    service_assert_problem(&response, 404, "not-found");
    assert_int_equal(strlen(http_header(&response, "X-Request-ID")), 32);
    http_response_fini(&response);
    service_stop(&service);
}

static void an_idempotency_key_makes_a_repeat_safe(void **state)
{
    static const char body[] = "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":5}";
    struct service service;
    struct http_response first, again, other;

    (void)state;
    service_start(&service, NULL);
    first = service_request(&service, "POST", "/discount", "Idempotency-Key: k1\r\n", body);
    again = service_request(&service, "POST", "/discount", "Idempotency-Key: \"k1\"\r\n",
                            "{\"total_count\":5, \"brand_id\":\"b\", \"discount_code\":\"c\"}");
    other = service_request(&service, "POST", "/discount", "Idempotency-Key: k1\r\n",
                            "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":6}");

    assert_int_equal(first.status, 201);
    assert_null(http_header(&first, "Idempotent-Replayed"));
    assert_int_equal(again.status, 201);
    assert_string_equal(http_header(&again, "Idempotent-Replayed"), "true");
    assert_string_equal(again.body, first.body);
    service_assert_problem(&other, 422, "idempotency-key-reused");
    assert_int_equal(
        service_status(&service, "POST", "/discount", "Idempotency-Key: \"\"\r\n", body), 400);
    assert_int_equal(service_count(&service), 1);

    http_response_fini(&first);
    http_response_fini(&again);
    http_response_fini(&other);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_says_ok),
        cmocka_unit_test(creating_answers_what_was_created),
        cmocka_unit_test(a_window_that_was_given_is_answered_in_utc),
        cmocka_unit_test(every_error_of_a_discount_is_listed_and_nothing_is_stored),
        cmocka_unit_test(the_list_has_every_discount_with_its_counts_in_order_of_creation),
        cmocka_unit_test(an_empty_list_is_a_list),
        cmocka_unit_test(a_discount_is_read_with_its_counts),
        cmocka_unit_test(an_unknown_discount_is_not_found_by_any_endpoint),
        cmocka_unit_test(a_first_grant_is_created_and_its_location_reads_the_same),
        cmocka_unit_test(a_repeated_grant_gives_the_same_grant_again),
        cmocka_unit_test(a_grant_of_an_exhausted_discount_is_refused_and_says_so),
        cmocka_unit_test(a_grant_before_the_start_is_refused_with_the_time_to_wait),
        cmocka_unit_test(a_grant_after_the_end_is_gone),
        cmocka_unit_test(errors_of_a_grant_are_listed),
        cmocka_unit_test(a_grant_that_is_not_there_is_not_found),
        cmocka_unit_test(a_body_that_is_no_json_is_malformed),
        cmocka_unit_test(a_body_of_another_type_is_refused),
        cmocka_unit_test(an_unknown_path_is_not_found),
        cmocka_unit_test(a_method_that_a_resource_lacks_is_not_allowed),
        cmocka_unit_test(options_names_the_methods),
        cmocka_unit_test(head_answers_like_get_without_the_body),
        cmocka_unit_test(every_problem_has_a_page_that_explains_it),
        cmocka_unit_test(a_discount_that_has_not_changed_is_not_sent_again),
        cmocka_unit_test(unchanged_says_no_other_length_than_the_whole),
        cmocka_unit_test(the_contract_is_served),
        cmocka_unit_test(a_query_that_a_resource_does_not_know_is_malformed),
        cmocka_unit_test(a_sane_request_id_is_kept_and_another_is_replaced),
        cmocka_unit_test(an_idempotency_key_makes_a_repeat_safe),
    };

    return cmocka_run_group_tests_name("http contract", tests, NULL, NULL);
}
