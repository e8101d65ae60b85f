/* SPDX-License-Identifier: MIT */
/* What clients and the log are told about data that this service did not write, for each store. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

/* Kills discountd, but not the store. */
static void end_daemon(struct service *service)
{
    int status = -1;

    discountd_signal(service->daemon, SIGTERM);
    assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    discountd_stop(service->daemon);
}

/* The file's path is in "DISCOUNT_STORE=sqlite:PATH". */
static void spoil_file(const struct service *service, const char *sql)
{
    sqlite3 *handle = NULL;

    assert_int_equal(
        sqlite3_open_v2(strchr(service->store, ':') + 1, &handle, SQLITE_OPEN_READWRITE, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

/* Makes the code of the only discount invalid UTF-8. */
static void spoil(struct service *service, const char *id)
{
    if (service->redis != NULL) {
        redis_server_command(service->redis, "HSET discount:{%s} discount_code %s", id, "\xff");
        return;
    }
    end_daemon(service);
    spoil_file(service, "UPDATE discounts SET discount_code = CAST(x'ff' AS TEXT)");
    service_launch(service, NULL);
}

/* Requires a store-corrupt problem. Returns whether it says that nothing was granted. */
static bool assert_corrupt(const struct service *service, const char *method, const char *target,
                           const char *body)
{
    struct http_response response = service_request(service, method, target, NULL, body);
    bool is_denied = strstr(response.body, "\"granted\":false") != NULL;

    service_assert_problem(&response, 500, "store-corrupt");
    http_response_fini(&response);
    return is_denied;
}

static void a_text_that_is_none_is_told_to_everybody_who_asks_and_to_the_log(void **state)
{
    static const char user[] = "{\"user_id\":\"ann\"}", other[] = "{\"user_id\":\"eve\"}";
    struct service service;
    char id[SERVICE_ID], one[64], grant[80], held[96], line[128];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 10, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    spoil(&service, id);
    snprintf(one, sizeof(one), "/discount/%s", id);
    snprintf(grant, sizeof(grant), "%s/grant", one);
    snprintf(held, sizeof(held), "%s?user_id=ann", grant);
    assert_corrupt(&service, "GET", "/discount", NULL);
    assert_corrupt(&service, "GET", one, NULL);
    assert_corrupt(&service, "GET", grant, NULL);
    assert_corrupt(&service, "GET", held, NULL);
    assert_corrupt(&service, "GET", "/user/ann/discount", NULL);
    assert_corrupt(&service, "POST", grant, user);
    assert_true(assert_corrupt(&service, "POST", grant, other));
    snprintf(line, sizeof(line), "error   store: discount %s: discount_code is ", id);
    assert_true(discountd_log_wait(service.daemon, line, CLOCK_PATIENCE_MS));
    /* Other discounts are not affected. */
    service_create(&service, 10, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_is_none_is_told_to_everybody_who_asks_and_to_the_log),
    };

    return cmocka_run_group_tests_name("corrupt", tests, NULL, NULL);
}
