/* SPDX-License-Identifier: MIT */
#include "discount/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discount/limits.h"
#include "support/test.h"

static void each_problem_has_the_code_of_the_contract(void **state)
{
    static const struct {
        const char *name;
        int code;
    } contract[] = {
        {"malformed-json", 400},         {"malformed-request", 400},
        {"invalid-discount", 422},       {"invalid-grant", 422},
        {"idempotency-key-reused", 422}, {"discount-not-found", 404},
        {"grant-not-found", 404},        {"not-found", 404},
        {"discount-exhausted", 409},     {"discount-not-started", 409},
        {"discount-expired", 410},       {"method-not-allowed", 405},
        {"payload-too-large", 413},      {"uri-too-long", 414},
        {"headers-too-large", 431},      {"unsupported-media-type", 415},
        {"store-corrupt", 500},          {"overloaded", 503},
        {"store-unavailable", 503},      {"outcome-unknown", 503},
    };
    const size_t count = sizeof(contract) / sizeof(contract[0]);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        enum status status = STATUS_OK;

        while (status < STATUS_COUNT && strcmp(status_name(status), contract[i].name) != 0) {
            status++;
        }
        if (status == STATUS_COUNT) {
            fail_msg("no status is called %s", contract[i].name);
        }
        assert_int_equal(status_code(status), contract[i].code);
    }
    assert_int_equal(STATUS_COUNT, count + 1); /* and "ok" */
}

static void success_is_200(void **state)
{
    (void)state;
    assert_int_equal(status_code(STATUS_OK), 200);
}

static void no_two_statuses_share_a_name(void **state)
{
    (void)state;
    for (enum status a = STATUS_OK; a < STATUS_COUNT; a++) {
        for (enum status b = a + 1; b < STATUS_COUNT; b++) {
            assert_string_not_equal(status_name(a), status_name(b));
        }
    }
}

/* A name is part of the URL /problems/NAME. */
static void names_are_lower_case_words_with_hyphens(void **state)
{
    (void)state;
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        const char *name = status_name(status);

        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        assert_in_range(strlen(name), 2, 40);
    }
}

/* They are printed into JSON without escaping. */
static void titles_and_details_need_no_escaping_in_json(void **state)
{
    (void)state;
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        const char *texts[] = {status_title(status), status_detail(status), status_advice(status)};

        for (size_t i = 0; i < 3; i++) {
            assert_true(texts[i][0] != '\0');
            for (const char *at = texts[i]; *at != '\0'; at++) {
                assert_in_range(*at, 0x20, 0x7e);
                assert_true(*at != '"' && *at != '\\');
            }
        }
    }
}

static void titles_are_headings_and_details_are_sentences(void **state)
{
    (void)state;
    for (enum status status = STATUS_OK; status < STATUS_COUNT; status++) {
        const char *title = status_title(status), *detail = status_detail(status);
        const char *advice = status_advice(status);

        assert_in_range(title[0], 'A', 'Z');
        assert_int_not_equal(title[strlen(title) - 1], '.');
        assert_in_range(detail[0], 'A', 'Z');
        assert_int_equal(detail[strlen(detail) - 1], '.');
        assert_in_range(advice[0], 'A', 'Z');
        assert_int_equal(advice[strlen(advice) - 1], '.');
        assert_null(strpbrk(advice, "<>&"));
    }
}

static void assert_detail_names(enum status status, int limit)
{
    const char *at = strpbrk(status_detail(status), "0123456789");

    assert_non_null(at);
    assert_int_equal(atoi(at), limit);
}

static void details_name_the_limits_that_are_in_force(void **state)
{
    (void)state;
    assert_detail_names(STATUS_PAYLOAD_TOO_LARGE, LIMIT_BODY);
    assert_detail_names(STATUS_URI_TOO_LONG, LIMIT_TARGET);
    assert_detail_names(STATUS_HEADERS_TOO_LARGE, LIMIT_HEADERS);
}

static void the_detail_of_malformed_json_names_the_depth_in_force(void **state)
{
    char wanted[32];

    (void)state;
    snprintf(wanted, sizeof(wanted), "at most %d deep", LIMIT_JSON_DEPTH);
    assert_non_null(strstr(status_detail(STATUS_MALFORMED_JSON), wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_problem_has_the_code_of_the_contract),
        cmocka_unit_test(success_is_200),
        cmocka_unit_test(no_two_statuses_share_a_name),
        cmocka_unit_test(names_are_lower_case_words_with_hyphens),
        cmocka_unit_test(titles_and_details_need_no_escaping_in_json),
        cmocka_unit_test(titles_are_headings_and_details_are_sentences),
        cmocka_unit_test(details_name_the_limits_that_are_in_force),
        cmocka_unit_test(the_detail_of_malformed_json_names_the_depth_in_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
