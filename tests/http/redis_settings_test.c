/* SPDX-License-Identifier: MIT */
/* What clients, the log and /metrics say of a Redis whose settings break or weaken a promise. */
#include <stdio.h>
#include <string.h>

#include "http/service.h"

#define READY_MS 5000

static void launch(struct service *service, const char *const *options)
{
    *service = (struct service){.redis = redis_server_start(options)};
    snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=%s",
             redis_server_url(service->redis));
    service_launch(service, (const char *[]){"DISCOUNT_WORKERS=3", NULL});
}

static size_t lines_with(struct service *service, const char *text)
{
    size_t count = 0;

    for (const char *at = discountd_log(service->daemon); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void wait_for_health(struct service *service, int status)
{
    int64_t end_ms = clock_ms() + READY_MS;

    while (service_status(service, "GET", "/healthy", NULL, NULL) != status) {
        assert_true(clock_ms() < end_ms);
    }
}

static long warnings(struct service *service)
{
    struct http_response response = service_request(service, "GET", "/metrics", NULL, NULL);
    const char *line = strstr(response.body, "\ndiscount_store_warnings ");
    long count = line == NULL ? -1 : strtol(line + strlen("\ndiscount_store_warnings "), NULL, 10);

    http_response_fini(&response);
    return count;
}

/* The grants of one user are stored, a neighbour fills the memory, and another user asks. An
 * evicting Redis would have forgotten grants and answer 404 for discounts, or grant a unit twice.
 */
static void nothing_is_promised_on_a_redis_that_evicts(void **state)
{
    static const char *const options[] = {"--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru",
                                          NULL};
    struct http_response response;
    struct service service;

    (void)state;
    launch(&service, options);
    assert_true(discountd_log_wait(service.daemon, "redis: not used: it evicts grants", READY_MS));
    wait_for_health(&service, 503);
    response = service_request(&service, "POST", "/discount", NULL,
                               "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1}");
    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    assert_string_equal(redis_server_command(service.redis, "DBSIZE"), "0");
    assert_int_equal(lines_with(&service, "redis: not used: "), 1);

    redis_server_command(service.redis, "CONFIG SET maxmemory-policy noeviction");
    wait_for_health(&service, 200);
    service_stop(&service);
}

static void a_weak_setting_is_one_warning_and_a_metric(void **state)
{
    static const char *const options[] = {"--appendonly", "yes", "--appendfsync", "everysec", NULL};
    struct service service;

    (void)state;
    launch(&service, options);
    wait_for_health(&service, 200);
    assert_int_equal(warnings(&service), 1);
    assert_int_equal(lines_with(&service, "appendfsync is everysec"), 1);
    service_stop(&service);
}

static void settings_that_compose_ships_are_no_warning(void **state)
{
    static const char *const options[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    struct service service;

    (void)state;
    launch(&service, options);
    wait_for_health(&service, 200);
    assert_int_equal(warnings(&service), 0);
    assert_int_equal(lines_with(&service, " warning "), 0);
    service_stop(&service);
}

/* A user without TIME had 500 store-corrupt for each grant while /healthy was 200. */
static void a_user_without_a_right_is_not_ready_and_the_log_names_it(void **state)
{
    struct service service = {.redis = redis_server_start(NULL)};

    (void)state;
    redis_server_command(service.redis, "ACL SETUSER shop on >secret ~* +@all -time -zadd");
    snprintf(service.store, sizeof(service.store),
             "DISCOUNT_STORE=redis://shop:secret@127.0.0.1:%d", redis_server_port(service.redis));
    service_launch(&service, (const char *[]){"DISCOUNT_WORKERS=2", NULL});
    assert_true(
        discountd_log_wait(service.daemon, "it refuses what this service needs: TIME", READY_MS));
    wait_for_health(&service, 503);
    assert_int_equal(lines_with(&service, "redis: not used: "), 1);
    assert_non_null(strstr(discountd_log(service.daemon), "ZADD discounts"));
    redis_server_command(service.redis, "ACL SETUSER shop +@all");
    wait_for_health(&service, 200);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_promised_on_a_redis_that_evicts),
        cmocka_unit_test(a_weak_setting_is_one_warning_and_a_metric),
        cmocka_unit_test(settings_that_compose_ships_are_no_warning),
        cmocka_unit_test(a_user_without_a_right_is_not_ready_and_the_log_names_it),
    };

    return cmocka_run_group_tests_name("redis settings", tests, NULL, NULL);
}
