/* SPDX-License-Identifier: MIT */
#include "http/service.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "discount/engine.h"

#define MOST_VARIABLES 16
#define FILE_NAME "discount.db"

/* ---- The store ---- */

void service_prepare(struct service *service)
{
    const char *kind = getenv("DISCOUNT_TEST_STORE");

    *service = (struct service){0};
    if (kind != NULL && strcmp(kind, "sqlite") == 0) {
        directory_make(&service->directory);
        snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=sqlite:%s/" FILE_NAME,
                 service->directory.path);
    } else if (kind != NULL && strcmp(kind, "redis") == 0) {
        service->redis = redis_server_start(NULL);
        snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=%s",
                 redis_server_url(service->redis));
    } else {
        fail_msg("the environment variable DISCOUNT_TEST_STORE must be sqlite or redis");
    }
}

static void redis_fill(const struct service *service, int count)
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

static void sqlite_fill(const struct service *service, int count)
{
    struct store_engine *engine;
    const char *fault = NULL;
    char path[128], sql[512];
    sqlite3 *file = NULL;

    /* The service itself makes the tables. */
    engine = store_engine_open(service->store + strlen("DISCOUNT_STORE="), &fault);
    assert_non_null(engine);
    assert_true(store_engine_start(engine));
    store_engine_close(engine);
    snprintf(path, sizeof(path), "%s/" FILE_NAME, service->directory.path);
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO discounts (id, brand_id, discount_code, total_count, created_at)"
             " SELECT printf('dsc-%%021dA', i), 'b', printf('%%.200c', 'c'), 5, 1000000 + i FROM n",
             count);
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_exec(file, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(file), SQLITE_OK);
}

void service_fill(const struct service *service, int count)
{
    if (service->redis != NULL) {
        redis_fill(service, count);
    } else {
        sqlite_fill(service, count);
    }
}

/* ---- Start and stop ---- */

void service_launch(struct service *service, const char *const *variables)
{
    const char *all[MOST_VARIABLES] = {service->store};
    size_t count = 1;

    for (; variables != NULL && *variables != NULL; variables++) {
        assert_true(count + 1 < MOST_VARIABLES);
        all[count++] = *variables;
    }
    service->daemon = discountd_start(all);
    service->port = discountd_port(service->daemon);
}

void service_start(struct service *service, const char *const *variables)
{
    service_prepare(service);
    service_launch(service, variables);
}

void service_stop(struct service *service)
{
    discountd_signal(service->daemon, SIGTERM);
    service_assert_exits_with_0(service);
}

void service_assert_exits_with_0(struct service *service)
{
    int status = 0;

    if (!discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status) || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fail_msg("discountd did not exit with 0 but with %x; its log:\n%s", (unsigned)status,
                 discountd_log(service->daemon));
    }
    service_end(service);
}

void service_end(struct service *service)
{
    discountd_stop(service->daemon);
    if (service->redis != NULL) {
        redis_server_stop(service->redis);
    } else {
        directory_remove(&service->directory);
    }
}

/* ---- Requests ---- */

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

size_t service_count(const struct service *service)
{
    struct http_response response = service_request(service, "GET", "/discount", NULL, NULL);
    json_t *list = service_json(&response);
    size_t count = json_array_size(json_object_get(list, "discounts"));

    assert_int_equal(response.status, 200);
    json_decref(list);
    http_response_fini(&response);
    return count;
}

/* ---- Answers ---- */

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

/* ---- Connections ---- */

struct http_connection service_connect(const struct service *service)
{
    struct http_connection connection;

    assert_true(http_connect(&connection, service->port));
    return connection;
}

void service_send_grant(struct http_connection *connection, const char *id, const char *user)
{
    char request[512];

    snprintf(request, sizeof(request),
             "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n{\"user_id\":\"%s\"}",
             id, strlen(user) + 14, user);
    assert_true(http_send_text(connection, request));
}

struct http_response service_receive(struct http_connection *connection, const char *method)
{
    struct http_response response;

    assert_int_equal(http_receive(connection, method, CLOCK_PATIENCE_MS, &response), HTTP_COMPLETE);
    return response;
}
