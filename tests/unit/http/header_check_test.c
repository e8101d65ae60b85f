/* SPDX-License-Identifier: MIT */
#include "http/header_check.h"

#include "discount/limits.h"
#include "unit/http/header_lines.h"

static void an_ordinary_request_is_fine(void **state)
{
    (void)state;
    assert_int_equal(verdict(LINES(HOST, "Accept", "*/*", "Content-Length", "33", "Content-Type",
                                   "application/json", "User-Agent", "curl/7.88.1\t(x)")),
                     STATUS_OK);
}

static void http_1_0_needs_no_host(void **state)
{
    (void)state;
    assert_int_equal(verdict_1_0(LINES("Content-Length", "0")), STATUS_OK);
}

static void every_token_may_be_a_name(void **state)
{
    (void)state;
    assert_int_equal(verdict(LINES(HOST, "aZ09!#$%&'*+-.^_`|~", "x")), STATUS_OK);
}

static void values_may_hold_bytes_past_ascii(void **state)
{
    (void)state;
    assert_int_equal(verdict(LINES(HOST, "User-Agent", "caf\xe9")), STATUS_OK);
}

static void other_headers_may_be_repeated(void **state)
{
    (void)state;
    assert_int_equal(verdict(LINES(HOST, "Accept", "a/b", "Accept", "c/d")), STATUS_OK);
}

static void names_have_no_case(void **state)
{
    (void)state;
    assert_true(header_check_is(STR("cOnTeNt-tYpE"), "content-type"));
    assert_false(header_check_is(STR("content-typ"), "content-type"));
    assert_false(header_check_is(STR("content-types"), "content-type"));
}

static void two_hosts_are_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Host", "other"));
    assert_malformed(LINES(HOST, "host", "localhost"));
    assert_int_equal(verdict_1_0(LINES(HOST, HOST)), STATUS_MALFORMED_REQUEST);
}

static void http_1_1_without_a_host_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES("Accept", "*/*"));
}

static void a_host_is_a_host_and_nothing_else(void **state)
{
    static const char *const good[] = {"", "t", "t:8080", "[::1]:80", "a_b.c-d~e", "%41"};
    static const char *const bad[] = {"t u", "t/u", "u@t", "t?u", "t#u", "t\"u", "t\\u", "t\xe4"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(verdict(LINES("Host", good[i])), STATUS_OK);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_malformed(LINES("Host", bad[i]));
    }
}

static void a_blank_before_the_colon_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Content-Length ", "33"));
    assert_malformed(LINES(HOST, "Content-Length\t", "33"));
    assert_malformed(LINES(HOST, "Accept ", "*/*"));
}

static void a_name_that_is_no_token_is_malformed(void **state)
{
    static const char others[] = " \t\"(),/:;<=>?@[\\]{}\x7f\x80\xff\r\n\x01";

    (void)state;
    for (size_t i = 0; i < sizeof(others); i++) {
        struct header_check check = check_of(LINES(HOST));
        char name[] = {'x', others[i], 'y'};

        header_check_add(&check, (struct str){name, 3}, STR("z"));
        assert_int_equal(header_check_verdict(&check, false), STATUS_MALFORMED_REQUEST);
    }
}

static void an_empty_name_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "", "x"));
}

static void a_bad_line_is_not_forgotten_for_a_good_one(void **state)
{
    (void)state;
    assert_malformed(LINES("Accept ", "*/*", HOST));
    assert_malformed(LINES("X-Trace", "\x01", HOST));
}

static void control_characters_in_a_value_are_malformed(void **state)
{
    (void)state;
    for (int c = 0; c <= 0x7f; c++) {
        struct header_check check = check_of(LINES(HOST));
        char value[] = {'x', (char)c, 'y'};
        bool control = (c < 0x20 && c != '\t') || c == 0x7f;

        header_check_add(&check, STR("X-Trace"), (struct str){value, 3});
        assert_int_equal(header_check_verdict(&check, false),
                         control ? STATUS_MALFORMED_REQUEST : STATUS_OK);
    }
}

static void headers_that_a_handler_reads_may_come_once_only(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Content-Type", "application/json", "Content-Type", "text/xml"));
    assert_malformed(LINES(HOST, "Idempotency-Key", "a", "idempotency-key", "a"));
    assert_malformed(LINES(HOST, "Content-Type", "", "Content-Type", "application/json"));
}

/* Two lines that were put together may look like this. */
static void a_name_that_begins_with_the_key_s_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Idempotency-Keyk1", ""));
}

static void what_handlers_read_is_kept(void **state)
{
    struct header_check check = check_of(LINES(HOST, "content-TYPE", "application/json",
                                               "Idempotency-Key", "k-1", "X-Request-ID", "r-1"));

    (void)state;
    assert_str_equal(check.content_type, "application/json");
    assert_str_equal(check.idempotency_key, "k-1");
    assert_str_equal(check.request_id, "r-1");
}

/* Returns the verdict on headers of this many bytes, including ": " and the line ends. */
static enum status verdict_on_bytes(size_t bytes)
{
    static char value[2 * LIMIT_HEADERS];
    struct header_check check = check_of(LINES(HOST));

    memset(value, 'x', sizeof(value));
    header_check_add(&check, STR("X"),
                     (struct str){value, bytes - strlen("Host: localhost\r\nX: \r\n")});
    return header_check_verdict(&check, false);
}

static void headers_may_have_as_many_bytes_as_the_limit_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(verdict_on_bytes(LIMIT_HEADERS), STATUS_OK);
    assert_int_equal(verdict_on_bytes(LIMIT_HEADERS + 1), STATUS_HEADERS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_request_is_fine),
        cmocka_unit_test(http_1_0_needs_no_host),
        cmocka_unit_test(every_token_may_be_a_name),
        cmocka_unit_test(values_may_hold_bytes_past_ascii),
        cmocka_unit_test(other_headers_may_be_repeated),
        cmocka_unit_test(names_have_no_case),
        cmocka_unit_test(two_hosts_are_malformed),
        cmocka_unit_test(http_1_1_without_a_host_is_malformed),
        cmocka_unit_test(a_host_is_a_host_and_nothing_else),
        cmocka_unit_test(a_blank_before_the_colon_is_malformed),
        cmocka_unit_test(a_name_that_is_no_token_is_malformed),
        cmocka_unit_test(an_empty_name_is_malformed),
        cmocka_unit_test(a_bad_line_is_not_forgotten_for_a_good_one),
        cmocka_unit_test(control_characters_in_a_value_are_malformed),
        cmocka_unit_test(headers_that_a_handler_reads_may_come_once_only),
        cmocka_unit_test(a_name_that_begins_with_the_key_s_is_malformed),
        cmocka_unit_test(what_handlers_read_is_kept),
        cmocka_unit_test(headers_may_have_as_many_bytes_as_the_limit_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
