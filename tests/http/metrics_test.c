/* SPDX-License-Identifier: MIT */
/* /metrics counts the answers of all workers, in the format of Prometheus. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

/* Returns the value of a series, which must exist. Its name includes the labels as in the text. */
static double value_of(const char *text, const char *series)
{
    size_t n = strlen(series);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        if (strncmp(line, series, n) == 0 && line[n] == ' ') {
            return strtod(line + n + 1, NULL);
        }
    }
    fail_msg("%s is not in\n%s", series, text);
    return 0;
}

static struct http_response scrape(const struct service *service)
{
    struct http_response response = service_request(service, "GET", "/metrics", NULL, NULL);

    assert_int_equal(response.status, 200);
    assert_string_equal(http_header(&response, "Content-Type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    return response;
}

static void what_was_answered_is_counted(void **state)
{
    struct http_response response;
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_WORKERS=2", NULL});
    service_create(&service, 3, id);
    for (int i = 0; i < 20; i++) {
        char user[16];

        snprintf(user, sizeof(user), "user %d", i % 5);
        service_grant(&service, id, user);
    }
    assert_int_equal(service_status(&service, "GET", "/nowhere", NULL, NULL), 404);
    response = scrape(&service);
    assert_int_equal(value_of(response.body, "discount_http_responses_total{method=\"POST\","
                                             "route=\"/discount/{id}/grant\",code=\"201\"}"),
                     3);
    assert_int_equal(value_of(response.body, "discount_http_responses_total{method=\"POST\","
                                             "route=\"/discount/{id}/grant\",code=\"200\"}"),
                     9);
    assert_int_equal(value_of(response.body, "discount_http_responses_total{method=\"POST\","
                                             "route=\"/discount/{id}/grant\",code=\"409\"}"),
                     8);
    assert_int_equal(value_of(response.body, "discount_http_responses_total{method=\"\",route=\"\","
                                             "code=\"404\"}"),
                     1);
    assert_int_equal(
        value_of(response.body, "discount_http_problems_total{problem=\"discount-exhausted\"}"), 8);
    assert_int_equal(value_of(response.body, "discount_http_replays_total"), 9);
    assert_int_equal(value_of(response.body, "discount_workers"), 2);
    assert_true(value_of(response.body, "process_resident_memory_bytes") > 1000000);
    http_response_fini(&response);
    service_stop(&service);
}

static void durations_add_up(void **state)
{
    struct http_response response;
    struct service service;
    double count, last = 0;
    const char *at;

    (void)state;
    service_start(&service, NULL);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    }
    response = scrape(&service);
    count = value_of(response.body, "discount_http_request_duration_seconds_count");
    assert_true(count >= 30);
    assert_true(value_of(response.body, "discount_http_request_duration_seconds_sum") > 0);
    assert_true(value_of(response.body,
                         "discount_http_request_duration_seconds_bucket{le=\"+Inf\"}") == count);
    for (at = response.body; (at = strstr(at, "_bucket{le=")) != NULL; at++) {
        double value = strtod(strchr(at, '}') + 1, NULL);

        assert_true(value >= last);
        last = value;
    }
    http_response_fini(&response);
    service_stop(&service);
}

/* Every line is a comment or a series with a number, and each series has its TYPE before it. */
static void the_text_is_of_the_form(void **state)
{
    struct http_response response;
    struct service service;
    char *line, *rest = NULL;
    char announced[128] = "";

    (void)state;
    service_start(&service, NULL);
    response = scrape(&service);
    assert_int_equal(response.body[response.body_size - 1], '\n');
    for (line = strtok_r(response.body, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *end = NULL;

        if (sscanf(line, "# TYPE %127s", announced) == 1 || strncmp(line, "# HELP ", 7) == 0) {
            continue;
        }
        assert_int_equal(strncmp(line, announced, strlen(announced)), 0);
        strtod(strrchr(line, ' ') + 1, &end);
        assert_int_equal(*end, '\0');
    }
    http_response_fini(&response);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_is_counted),
        cmocka_unit_test(durations_add_up),
        cmocka_unit_test(the_text_is_of_the_form),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
