/* SPDX-License-Identifier: MIT */
#include "http/service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define MOST_VARIABLES 16

void service_start(struct service *service, const char *const *variables)
{
    const char *all[MOST_VARIABLES] = {0};
    char store[128];
    size_t count = 0;

    service->redis = redis_server_start(NULL);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=%s", redis_server_url(service->redis));
    all[count++] = store;
    for (; variables != NULL && *variables != NULL; variables++) {
        assert_true(count + 1 < MOST_VARIABLES);
        all[count++] = *variables;
    }
    service->daemon = discountd_start(all);
    service->port = discountd_port(service->daemon);
}

void service_stop(struct service *service)
{
    int status = 0;

    discountd_signal(service->daemon, SIGTERM);
    if (!discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status) || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fail_msg("discountd did not exit with 0 but with %x; its log:\n%s", (unsigned)status,
                 discountd_log(service->daemon));
    }
    discountd_stop(service->daemon);
    redis_server_stop(service->redis);
}

struct http_response service_request(const struct service *service, const char *method,
                                     const char *target, const char *headers, const char *body)
{
    struct http_response response;

    if (!http_request(service->port, method, target, headers, body, &response)) {
        fail_msg("%s %s was not answered; the log:\n%s", method, target,
                 discountd_log(service->daemon));
    }
    return response;
}

int service_status(const struct service *service, const char *method, const char *target,
                   const char *headers, const char *body)
{
    struct http_response response = service_request(service, method, target, headers, body);
    int status = response.status;

    http_response_fini(&response);
    return status;
}

void service_create(const struct service *service, int total_count, char ret_id[SERVICE_ID])
{
    char body[128];
    struct http_response response;
    json_t *discount;

    snprintf(body, sizeof(body),
             "{\"brand_id\":\"IKEA\",\"discount_code\":\"Christmas\",\"total_count\":%d}",
             total_count);
    response = service_request(service, "POST", "/discount", NULL, body);
    assert_int_equal(response.status, 201);
    discount = service_json(&response);
    assert_int_equal(json_string_length(json_object_get(discount, "id")), SERVICE_ID - 1);
    strcpy(ret_id, json_string_value(json_object_get(discount, "id")));
    json_decref(discount);
    http_response_fini(&response);
}

int service_grant(const struct service *service, const char *id, const char *user)
{
    char target[128], body[256];

    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    snprintf(body, sizeof(body), "{\"user_id\":\"%s\"}", user);
    return service_status(service, "POST", target, NULL, body);
}

json_t *service_json(const struct http_response *response)
{
    json_error_t error;
    json_t *json = json_loadb(response->body, response->body_size, JSON_REJECT_DUPLICATES, &error);

    if (!json_is_object(json)) {
        fail_msg("not a JSON object (%s): %s", error.text, response->body);
    }
    return json;
}

void service_assert_problem(struct http_response *response, int status, const char *name)
{
    char type[128];
    json_t *problem;

    assert_int_equal(response->status, status);
    assert_string_equal(http_header(response, "Content-Type"), "application/problem+json");
    problem = service_json(response);
    snprintf(type, sizeof(type), "/problems/%s", name);
    assert_string_equal(json_string_value(json_object_get(problem, "type")), type);
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
    assert_true(json_string_length(json_object_get(problem, "title")) > 0);
    assert_true(json_string_length(json_object_get(problem, "detail")) > 0);
    assert_string_equal(json_string_value(json_object_get(problem, "request_id")),
                        http_header(response, "X-Request-ID"));
    assert_int_equal(http_header(response, "Retry-After") != NULL, status == 503);
    json_decref(problem);
}

struct http_connection service_connect(const struct service *service)
{
    struct http_connection connection;

    assert_true(http_connect(&connection, service->port));
    return connection;
}

struct http_response service_receive(struct http_connection *connection, const char *method)
{
    struct http_response response;

    assert_int_equal(http_receive(connection, method, CLOCK_PATIENCE_MS, &response), HTTP_COMPLETE);
    return response;
}
