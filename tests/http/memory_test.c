/* SPDX-License-Identifier: MIT */
/* Memory that runs out within a request. For each kind of request, the n-th allocation fails, for
 * every n: once alone, and once with all later ones. The client gets the right answer, a 503 or a
 * closed connection, never wrong data. What the answer says is true.
 *
 * A worker runs in this process, linked so that the service's malloc is the one below. Libraries
 * have their own malloc. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/routes.h"
#include "discount/engine.h"
#include "discount/log.h"
#include "http/service.h"
#include "service/bind.h"
#include "service/worker.h"
#include "support/need.h"

/* More allocations than any request makes. */
#define ALLOCATIONS_MOST 2000

/* ---- Memory ---- */

static atomic_bool is_armed, is_for_good;
static atomic_size_t left; /* allocations before the one that fails */
static atomic_bool has_failed;
static _Thread_local bool is_client; /* allocations of the test's own thread never fail */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool is_denied(void)
{
    if (is_client || !atomic_load(&is_armed)) {
        return false;
    }
    if (atomic_load(&left) > 0) {
        atomic_fetch_sub(&left, 1);
        return false;
    }
    if (!atomic_load(&is_for_good)) {
        atomic_store(&is_armed, false);
    }
    atomic_store(&has_failed, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_denied() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_denied() ? NULL : __real_calloc(count, size);
}

static void deny(size_t after, bool for_good)
{
    atomic_store(&left, after);
    atomic_store(&is_for_good, for_good);
    atomic_store(&has_failed, false);
    atomic_store(&is_armed, true);
}

static void deny_nothing(void)
{
    atomic_store(&is_armed, false);
}

/* ---- The service ---- */

struct host {
    struct redis_server *redis; /* NULL: the store is in memory */
    struct config config;
    struct store_engine *engine;
    struct metrics_board board;
    struct metrics metrics;
    struct worker *worker;
    int port;
    char id[SERVICE_ID], sold_out[SERVICE_ID];
};

static int port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static int ask(const struct host *host, const char *method, const char *target, const char *headers,
               const char *body, struct http_response *ret_response)
{
    if (!http_request(host->port, method, target, headers, body, ret_response)) {
        return 0;
    }
    return ret_response->status;
}

static int status_of(const struct host *host, const char *method, const char *target,
                     const char *body)
{
    struct http_response response;
    int status = ask(host, method, target, NULL, body, &response);

    if (status != 0) {
        http_response_fini(&response);
    }
    return status;
}

static void create(const struct host *host, int total, char ret_id[SERVICE_ID])
{
    struct http_response response;
    char body[128];
    json_t *json;

    snprintf(body, sizeof(body), "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":%d}",
             total);
    assert_int_equal(ask(host, "POST", "/discount", NULL, body, &response), 201);
    json = service_json(&response);
    snprintf(ret_id, SERVICE_ID, "%s", json_string_value(json_object_get(json, "id")));
    json_decref(json);
    http_response_fini(&response);
}

static int grant(const struct host *host, const char *id, const char *user)
{
    char target[64], body[64];

    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    snprintf(body, sizeof(body), "{\"user_id\":\"%s\"}", user);
    return status_of(host, "POST", target, body);
}

static bool is_up(void *argument)
{
    return status_of(argument, "GET", "/readyz", NULL) == 200;
}

static int setup(void **state)
{
    static char listen[] = "DISCOUNT_LISTEN=127.0.0.1:0", workers[] = "DISCOUNT_WORKERS=1";
    const char *store = getenv("DISCOUNT_TEST_STORE"), *fault = NULL;
    struct host *host = calloc(1, sizeof(*host));
    const char *url = "sqlite::memory:";
    int fd;

    is_client = true;
    assert_non_null(host);
    *state = host;
    log_set_level(LOG_ERROR);
    if (store != NULL && strcmp(store, "redis") == 0) {
        host->redis = redis_server_start(NULL);
        url = redis_server_url(host->redis);
    }
    assert_true(config_read((char *[]){listen, workers, NULL}, stderr, &host->config));
    host->engine = store_engine_open(url, &fault);
    assert_non_null(host->engine);
    assert_true(store_engine_start(host->engine));
    routes_init();
    assert_true(bind_all(&host->config, &fd));
    host->port = port_of(fd);
    host->board = (struct metrics_board){&host->metrics, 1, 0};
    host->worker =
        worker_start(&host->config, host->engine, &host->board, routes_table, routes_count, fd);
    assert_non_null(host->worker);
    assert_true(clock_wait(is_up, host, CLOCK_PATIENCE_MS));
    create(host, 1000000, host->id);
    create(host, 1, host->sold_out);
    assert_int_equal(grant(host, host->id, "holder"), 201);
    assert_int_equal(grant(host, host->sold_out, "first"), 201);
    return 0;
}

static int teardown(void **state)
{
    struct host *host = *state;

    deny_nothing();
    worker_stop(host->worker);
    worker_join(host->worker);
    store_engine_close(host->engine);
    redis_server_stop(host->redis);
    free(host);
    return 0;
}

/* ---- Requests ---- */

/* One kind of request. %s is the discount in the target, and a new user in the body. */
struct kind {
    const char *method, *target, *headers, *body;
    int status;       /* the status with enough memory */
    const char *part; /* a part of the right answer's body */
};

static const struct kind kinds[] = {
    {"GET", "/livez", NULL, NULL, 200, "OK"},
    {"GET", "/readyz", NULL, NULL, 200, "OK"},
    {"GET", "/healthy", NULL, NULL, 200, "OK"},
    {"GET", "/openapi.yaml", NULL, NULL, 200, "openapi: 3.1"},
    {"GET", "/metrics", NULL, NULL, 200, "discount_workers 1\n"},
    {"GET", "/problems/overloaded", NULL, NULL, 200, "<h1>"},
    {"GET", "/discount", NULL, NULL, 200, "{\"discounts\":["},
    {"GET", "/discount?limit=1", NULL, NULL, 200, "\"next_cursor\":\""},
    {"GET", "/discount?cursor=MnPnAYZM2WOvMSA", NULL, NULL, 200, "{\"discounts\":["},
    {"GET", "/discount?brand_id=none", NULL, NULL, 200, "{\"discounts\":[]}"},
    {"GET", "/discount/%s", NULL, NULL, 200, "\"remaining_count\":"},
    {"HEAD", "/discount/%s", NULL, NULL, 200, ""},
    {"GET", "/discount/%s/grant?user_id=holder", NULL, NULL, 200, "\"granted\":true"},
    {"GET", "/discount/%s/grant?user_id=nobody", NULL, NULL, 404, "grant-not-found"},
    {"GET", "/discount/%s/grant?limit=1", NULL, NULL, 200, "{\"grants\":[{"},
    {"GET", "/user/holder/discount", NULL, NULL, 200, "\"granted_at\":\""},
    {"GET", "/user/holder/discount?cursor=MnPnAYZM2WOvMSA", NULL, NULL, 400, "another list"},
    {"GET", "/user/holder/discount?cursor=x", NULL, NULL, 400, "malformed-request"},
    {"GET", "/user/discount?user_id=holder", NULL, NULL, 200, "\"granted_at\":\""},
    {"GET", "/user/discount", NULL, NULL, 400, "malformed-request"},
    {"GET", "/nowhere", NULL, NULL, 404, "not-found"},
    {"PUT", "/discount", NULL, NULL, 405, "method-not-allowed"},
    {"OPTIONS", "/discount", NULL, NULL, 204, ""},
    {"GET", "/livez", "X-Request-ID: mine\r\nHost: two\r\n", NULL, 400, "malformed-request"},
    {"POST", "/discount", NULL, "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":5}",
     201, "\"id\":\"dsc-"},
    {"POST", "/discount", "Idempotency-Key: \"a key\"\r\n",
     "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":5}", 201, "\"id\":\"dsc-"},
    {"POST", "/discount", NULL, "{\"brand_id\":7,\"more\":[{}],\"total_count\":1.5}", 422,
     "\"pointer\":\"/brand_id\""},
    {"POST", "/discount", NULL, "{\"brand_id\":\"b\",\"brand_id\":\"b\"}", 400, "malformed-json"},
    {"POST", "/discount/%s/grant", NULL, "{\"user_id\":\"holder\"}", 200, "\"granted\":true"},
    {"POST", "/discount/%s/grant", NULL, "{\"user_id\":\"..\"}", 422, "\"/user_id\""},
    {"POST", "/discount/%s/grant", NULL, "{\"user_id\":\"%s\"}", 201, "\"granted\":true"},
    {"POST", "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant", NULL, "{\"user_id\":\"u\"}", 404,
     "\"granted\":false"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A description of each attempt, printed on failure. */
static char trial[256];

static void assert_right(const struct kind *kind, struct http_response *response)
{
    if (response->status != kind->status || strstr(response->body, kind->part) == NULL) {
        fail_msg("%s: %d %s", trial, response->status, response->body);
    }
    if (response->status == 200 && response->body[0] == '{') {
        json_decref(service_json(response));
    }
}

/* Makes one request while memory is denied. Returns true if nothing was denied: then the last n was
 * the last allocation. */
static bool attempt(const struct host *host, const struct kind *kind, size_t n, bool for_good)
{
    static unsigned users;
    char target[128], user[32], body[128];
    struct http_response response;
    int status;

    snprintf(user, sizeof(user), "user-%u", users++);
    snprintf(target, sizeof(target), kind->target, host->id);
    body[0] = '\0';
    if (kind->body != NULL) {
        snprintf(body, sizeof(body), kind->body, user);
    }
    snprintf(trial, sizeof(trial), "%s %s, allocation %zu%s", kind->method, target, n,
             for_good ? " and all after it" : "");
    deny(n, for_good);
    status =
        ask(host, kind->method, target, kind->headers, kind->body == NULL ? NULL : body, &response);
    deny_nothing();
    if (status != 0 && status != 503) {
        assert_right(kind, &response);
    }
    if (status == 503 && strcmp(kind->method, "HEAD") != 0 &&
        strstr(response.body, "\"status\":503") == NULL) {
        fail_msg("%s: %s", trial, response.body);
    }
    if (status != 0) {
        http_response_fini(&response);
    }
    return !atomic_load(&has_failed);
}

static void each_allocation_fails(void **state, bool for_good)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t n = 0;

        while (!attempt(*state, &kinds[i], n, for_good)) {
            n++;
            assert_true(n < ALLOCATIONS_MOST);
        }
        /* With enough memory again, the answer must be the right one. */
        assert_true(n > 0);
        assert_true(attempt(*state, &kinds[i], SIZE_MAX, false));
    }
}

static void any_one_allocation_may_fail(void **state)
{
    each_allocation_fails(state, false);
}

static void from_any_allocation_on_all_may_fail(void **state)
{
    each_allocation_fails(state, true);
}

static long count_of(const struct host *host, const char *id, const char *name)
{
    struct http_response response;
    char target[64];
    json_t *json;
    long count;

    snprintf(target, sizeof(target), "/discount/%s", id);
    assert_int_equal(ask(host, "GET", target, NULL, NULL, &response), 200);
    json = service_json(&response);
    count = (long)json_integer_value(json_object_get(json, name));
    json_decref(json);
    http_response_fini(&response);
    return count;
}

/* Whatever was answered: a grant that was confirmed is there, and one that was certainly not
 * applied is not. */
static void what_a_grant_was_told_is_true(void **state)
{
    const struct host *host = *state;
    char id[SERVICE_ID], target[64], user[32], body[64];
    long granted = 0;

    create(host, 100000, id);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    for (size_t n = 0; n < 60; n++) {
        struct http_response response;
        int status, again;

        snprintf(user, sizeof(user), "told-%zu", n);
        snprintf(body, sizeof(body), "{\"user_id\":\"%s\"}", user);
        deny(n, false);
        status = ask(host, "POST", target, NULL, body, &response);
        deny_nothing();
        granted = count_of(host, id, "granted_count");
        again = grant(host, id, user);
        assert_true(again == 200 || again == 201);
        if (status == 201) {
            assert_int_equal(again, 200);
        } else if (status == 503 && strstr(response.body, "outcome-unknown") == NULL) {
            assert_int_equal(again, 201);
        }
        if (status != 0) {
            http_response_fini(&response);
        }
        assert_int_equal(count_of(host, id, "granted_count"), granted + (again == 201));
    }
    assert_int_equal(count_of(host, id, "granted_count"), 60);
}

static void nobody_is_told_sold_out_without_memory(void **state)
{
    const struct host *host = *state;
    char target[64];

    snprintf(target, sizeof(target), "/discount/%s/grant", host->sold_out);
    for (size_t n = 0; n < 60; n++) {
        struct http_response response;
        int status;

        deny(n, n % 2 == 0);
        status = ask(host, "POST", target, NULL, "{\"user_id\":\"first\"}", &response);
        deny_nothing();
        assert_true(status == 0 || status == 200 || status == 503);
        if (status != 0) {
            http_response_fini(&response);
        }
    }
    assert_int_equal(grant(host, host->sold_out, "first"), 200);
    assert_int_equal(grant(host, host->sold_out, "second"), 409);
}

#define HOST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST(any_one_allocation_may_fail),
        HOST(from_any_allocation_on_all_may_fail),
        HOST(what_a_grant_was_told_is_true),
        HOST(nobody_is_told_sold_out_without_memory),
    };

    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
