/* SPDX-License-Identifier: MIT */
#include "service/config.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

/* An environment with these assignments. */
#define ENVIRONMENT(...) ((char *const[]){__VA_ARGS__, NULL})
#define EMPTY ((char *const[]){NULL})

/* Reads an environment. The caller frees the error text. */
static bool read_said(char *const *environment, struct config *config, char **ret_said)
{
    size_t size;
    FILE *errors = open_memstream(ret_said, &size);
    bool valid;

    assert_non_null(errors);
    valid = config_read(environment, errors, config);
    fclose(errors);
    return valid;
}

static struct config valid(char *const *environment)
{
    struct config config;
    char *said;

    if (!read_said(environment, &config, &said)) {
        fail_msg("%s", said);
    }
    assert_string_equal(said, "");
    free(said);
    return config;
}

static void assert_said(char *const *environment, bool expected, const char *text)
{
    struct config config;
    char *said;
    bool is_valid = read_said(environment, &config, &said);

    assert_string_equal(said, text);
    assert_int_equal(is_valid, expected);
    free(said);
}

/* Requires that this assignment is refused with this text. */
static void assert_error(const char *name, const char *value, const char *must)
{
    char assignment[512], line[512];

    snprintf(assignment, sizeof(assignment), "DISCOUNT_%s=%s", name, value);
    snprintf(line, sizeof(line), "discountd: DISCOUNT_%s %s\n", name, must);
    assert_said(ENVIRONMENT(assignment), false, line);
}

static void without_variables_the_defaults_hold(void **state)
{
    struct config config = valid(EMPTY);

    (void)state;
    assert_string_equal(config.listen_host, "127.0.0.1");
    assert_string_equal(config.listen_port, "8080");
    assert_in_range(config.workers, 1, CONFIG_MOST_WORKERS);
    assert_int_equal(config.connections, 4096);
    assert_int_equal(config.in_flight, 4096);
    assert_int_equal(config.deadline_ms, 2000);
    assert_int_equal(config.client_deadline_ms, 10000);
    assert_int_equal(config.drain_ms, 1000);
    assert_int_equal(config.log_level, LOG_INFO);
    assert_non_null(strstr(config.store, ":"));
}

static void every_variable_is_read(void **state)
{
    struct config config = valid(ENVIRONMENT(
        "DISCOUNT_STORE=redis://h", "DISCOUNT_LISTEN=localhost:0", "DISCOUNT_WORKERS=3",
        "DISCOUNT_CONNECTIONS=5", "DISCOUNT_IN_FLIGHT=6", "DISCOUNT_DEADLINE_MS=70",
        "DISCOUNT_CLIENT_DEADLINE_MS=800", "DISCOUNT_DRAIN_MS=0", "DISCOUNT_LOG_LEVEL=debug"));

    (void)state;
    assert_string_equal(config.store, "redis://h");
    assert_string_equal(config.listen_host, "localhost");
    assert_string_equal(config.listen_port, "0");
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.connections, 5);
    assert_int_equal(config.in_flight, 6);
    assert_int_equal(config.deadline_ms, 70);
    assert_int_equal(config.client_deadline_ms, 800);
    assert_int_equal(config.drain_ms, 0);
    assert_int_equal(config.log_level, LOG_DEBUG);
}

static void the_rest_of_the_environment_is_left_alone(void **state)
{
    (void)state;
    valid(ENVIRONMENT("PATH=/bin", "WORKERS=x", "XDISCOUNT_WORKERS=x", "discount_workers=x", "="));
}

static void the_ends_of_every_range_are_taken(void **state)
{
    (void)state;
    valid(ENVIRONMENT("DISCOUNT_WORKERS=1", "DISCOUNT_CONNECTIONS=1", "DISCOUNT_IN_FLIGHT=1",
                      "DISCOUNT_DEADLINE_MS=10", "DISCOUNT_CLIENT_DEADLINE_MS=100",
                      "DISCOUNT_DRAIN_MS=0"));
    valid(ENVIRONMENT("DISCOUNT_WORKERS=256", "DISCOUNT_CONNECTIONS=65536",
                      "DISCOUNT_IN_FLIGHT=65536", "DISCOUNT_DEADLINE_MS=60000",
                      "DISCOUNT_CLIENT_DEADLINE_MS=600000", "DISCOUNT_DRAIN_MS=60000"));
}

static void values_out_of_range_are_errors(void **state)
{
    static const struct {
        const char *name, *below, *above, *must;
    } ranges[] = {
        {"WORKERS", "0", "257", "must be auto or an integer from 1 to 256"},
        {"CONNECTIONS", "0", "65537", "must be an integer from 1 to 65536"},
        {"IN_FLIGHT", "0", "65537", "must be an integer from 1 to 65536"},
        {"DEADLINE_MS", "9", "60001", "must be an integer from 10 to 60000"},
        {"CLIENT_DEADLINE_MS", "99", "600001", "must be an integer from 100 to 600000"},
        {"DRAIN_MS", "-1", "60001", "must be an integer from 0 to 60000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        assert_error(ranges[i].name, ranges[i].below, ranges[i].must);
        assert_error(ranges[i].name, ranges[i].above, ranges[i].must);
    }
}

static void what_is_no_number_is_an_error(void **state)
{
    static const char *const texts[] = {
        "", " ", "x", "1x", "+1", "1.0", "0x1", "1e2", " 1", "1 ", "18446744073709551617"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_error("IN_FLIGHT", texts[i], "must be an integer from 1 to 65536");
    }
}

static void automatic_workers_are_at_least_one(void **state)
{
    (void)state;
    assert_in_range(valid(ENVIRONMENT("DISCOUNT_WORKERS=auto")).workers, 1, CONFIG_MOST_WORKERS);
}

static void every_log_level_is_read(void **state)
{
    (void)state;
    assert_int_equal(valid(ENVIRONMENT("DISCOUNT_LOG_LEVEL=info")).log_level, LOG_INFO);
    assert_int_equal(valid(ENVIRONMENT("DISCOUNT_LOG_LEVEL=warning")).log_level, LOG_WARNING);
    assert_int_equal(valid(ENVIRONMENT("DISCOUNT_LOG_LEVEL=error")).log_level, LOG_ERROR);
    assert_error("LOG_LEVEL", "loud", "must be debug, info, warning or error");
    assert_error("LOG_LEVEL", "", "must be debug, info, warning or error");
}

static void an_ipv6_address_to_listen_on_loses_its_brackets(void **state)
{
    struct config config = valid(ENVIRONMENT("DISCOUNT_LISTEN=[::1]:65535"));

    (void)state;
    assert_string_equal(config.listen_host, "::1");
    assert_string_equal(config.listen_port, "65535");
}

static void what_is_no_address_to_listen_on_is_an_error(void **state)
{
    static const char *const texts[] = {
        "",           "8080",           ":8080",           "localhost",
        "localhost:", "localhost:http", "localhost:65536", "::1:8080",
        "[::1]",      "[::1:8080",      "localhost:-1",    "a:b:1",
        "::1]:8080"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_error("LISTEN", texts[i], "must be HOST:PORT or [IPV6]:PORT");
    }
}

static void brackets_that_enclose_no_address_are_an_error(void **state)
{
    static const char *const texts[] = {"[]:80",    "[:80",     "]:80",
                                        "[host:80", "host]:80", "[[::1]]:80"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_error("LISTEN", texts[i], "must be HOST:PORT or [IPV6]:PORT");
    }
}

static void a_host_to_listen_on_that_does_not_fit_is_an_error(void **state)
{
    char host[300];

    (void)state;
    memset(host, 'h', sizeof(host));
    memcpy(host + 256, ":80", 4);
    assert_error("LISTEN", host, "must be HOST:PORT or [IPV6]:PORT");
}

static void all_errors_are_named_at_once(void **state)
{
    (void)state;
    assert_said(ENVIRONMENT("DISCOUNT_DRAIN_MS=x", "DISCOUNT_WORKERS=0", "DISCOUNT_LISTEN=x"),
                false,
                "discountd: DISCOUNT_LISTEN must be HOST:PORT or [IPV6]:PORT\n"
                "discountd: DISCOUNT_WORKERS must be auto or an integer from 1 to 256\n"
                "discountd: DISCOUNT_DRAIN_MS must be an integer from 0 to 60000\n");
}

/* Container platforms set variables such as DISCOUNT_SERVICE_HOST. */
static void strangers_are_named_and_are_no_fault(void **state)
{
    (void)state;
    assert_said(ENVIRONMENT("DISCOUNT_WORKER=2", "DISCOUNT_WORKERSX=2", "DISCOUNT_=1"), true,
                "discountd: DISCOUNT_WORKER is not a variable of this service and is ignored\n"
                "discountd: DISCOUNT_WORKERSX is not a variable of this service and is ignored\n"
                "discountd: DISCOUNT_ is not a variable of this service and is ignored\n");
}

/* The URL of a store holds a password. */
static void no_value_is_repeated_in_what_is_said(void **state)
{
    struct config config;
    char *said;

    (void)state;
    assert_false(
        read_said(ENVIRONMENT("DISCOUNT_STORES=redis://:hunter2@h", "DISCOUNT_LISTEN=hunter2"),
                  &config, &said));
    assert_null(strstr(said, "hunter2"));
    free(said);
}

static void the_help_names_every_variable_and_its_default(void **state)
{
    static const char *const texts[] = {
        "DISCOUNT_STORE ",
        "DISCOUNT_LISTEN ",
        "DISCOUNT_WORKERS ",
        "DISCOUNT_CONNECTIONS ",
        "DISCOUNT_IN_FLIGHT ",
        "DISCOUNT_DEADLINE_MS ",
        "DISCOUNT_CLIENT_DEADLINE_MS ",
        "DISCOUNT_DRAIN_MS ",
        "DISCOUNT_LOG_LEVEL ",
        "(default: 127.0.0.1:8080)",
    };
    char *help;
    size_t size;
    FILE *out = open_memstream(&help, &size);

    (void)state;
    assert_non_null(out);
    config_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_non_null(strstr(help, texts[i]));
    }
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_variables_the_defaults_hold),
        cmocka_unit_test(every_variable_is_read),
        cmocka_unit_test(the_rest_of_the_environment_is_left_alone),
        cmocka_unit_test(the_ends_of_every_range_are_taken),
        cmocka_unit_test(values_out_of_range_are_errors),
        cmocka_unit_test(what_is_no_number_is_an_error),
        cmocka_unit_test(automatic_workers_are_at_least_one),
        cmocka_unit_test(every_log_level_is_read),
        cmocka_unit_test(an_ipv6_address_to_listen_on_loses_its_brackets),
        cmocka_unit_test(what_is_no_address_to_listen_on_is_an_error),
        cmocka_unit_test(brackets_that_enclose_no_address_are_an_error),
        cmocka_unit_test(a_host_to_listen_on_that_does_not_fit_is_an_error),
        cmocka_unit_test(all_errors_are_named_at_once),
        cmocka_unit_test(strangers_are_named_and_are_no_fault),
        cmocka_unit_test(no_value_is_repeated_in_what_is_said),
        cmocka_unit_test(the_help_names_every_variable_and_its_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
