/* SPDX-License-Identifier: MIT */
#include "http/header_check.h"

#include "discount/limits.h"
#include "unit/http/header_lines.h"

static void a_chunked_request_is_fine(void **state)
{
    (void)state;
    assert_int_equal(verdict(LINES(HOST, "Transfer-Encoding", "chunked")), STATUS_OK);
    assert_int_equal(verdict(LINES(HOST, "transfer-encoding", "CHUNKED")), STATUS_OK);
}

static void two_content_lengths_are_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Content-Length", "7", "Content-Length", "0"));
    assert_malformed(LINES(HOST, "Content-Length", "7", "content-length", "7"));
}

static void content_length_with_transfer_encoding_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Content-Length", "7", "Transfer-Encoding", "chunked"));
    assert_malformed(LINES(HOST, "Transfer-Encoding", "chunked", "Content-Length", "7"));
}

static void two_transfer_encodings_are_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"));
}

static void transfer_encoding_on_http_1_0_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(verdict_1_0(LINES(HOST, "Transfer-Encoding", "chunked")),
                     STATUS_MALFORMED_REQUEST);
}

static void any_other_transfer_encoding_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Transfer-Encoding", "xchunked"));
    assert_malformed(LINES(HOST, "Transfer-Encoding", "gzip, chunked"));
    assert_malformed(LINES(HOST, "Transfer-Encoding", "identity"));
    assert_malformed(LINES(HOST, "Transfer-Encoding", "chunke"));
    assert_malformed(LINES(HOST, "Transfer-Encoding", "chunked "));
    assert_malformed(LINES(HOST, "Transfer-Encoding", "chunked;x=y"));
    assert_malformed(LINES(HOST, "Transfer-Encoding", ""));
}

static void a_bad_transfer_encoding_is_not_forgotten_for_a_good_one(void **state)
{
    struct header_check check =
        check_of(LINES(HOST, "Transfer-Encoding", "gzip", "Transfer-Encoding", "chunked"));

    (void)state;
    assert_true(check.encoding_is_bad);
}

static void a_content_length_that_is_no_number_is_malformed(void **state)
{
    (void)state;
    assert_malformed(LINES(HOST, "Content-Length", ""));
    assert_malformed(LINES(HOST, "Content-Length", "+7"));
    assert_malformed(LINES(HOST, "Content-Length", "-1"));
    assert_malformed(LINES(HOST, "Content-Length", "7, 7"));
    assert_malformed(LINES(HOST, "Content-Length", "7 "));
    assert_malformed(LINES(HOST, "Content-Length", "7:"));
    assert_malformed(LINES(HOST, "Content-Length", "/7"));
    assert_malformed(LINES(HOST, "Content-Length", "0x7"));
    assert_malformed(LINES(HOST, "Content-Length", "7.0"));
    assert_malformed(LINES(HOST, "Content-Length", "1e1"));
    assert_malformed(LINES(HOST, "Content-Length", "99999999999999999999999x"));
}

static void a_content_length_up_to_the_limit_is_fine(void **state)
{
    struct header_check check = check_of(LINES(HOST, "Content-Length", "16384"));

    (void)state;
    assert_int_equal(LIMIT_BODY, 16384);
    assert_int_equal(header_check_verdict(&check, false), STATUS_OK);
    assert_int_equal(check.content_length, LIMIT_BODY);
}

static void a_content_length_past_the_limit_is_too_large(void **state)
{
    (void)state;
    assert_int_equal(verdict(LINES(HOST, "Content-Length", "16385")), STATUS_PAYLOAD_TOO_LARGE);
}

/* 2^64 - 1, 2^64, 2^64 + 7, and numbers of many more digits. */
static void a_content_length_never_wraps_around(void **state)
{
    static const char *const lengths[] = {"9999999999999999999",
                                          "18446744073709551615",
                                          "18446744073709551616",
                                          "18446744073709551623",
                                          "340282366920938463463374607431768211463",
                                          "00000000000000000000000000000000000000000000000007"};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_int_equal(verdict(LINES(HOST, "Content-Length", lengths[i])),
                         STATUS_PAYLOAD_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunked_request_is_fine),
        cmocka_unit_test(two_content_lengths_are_malformed),
        cmocka_unit_test(content_length_with_transfer_encoding_is_malformed),
        cmocka_unit_test(two_transfer_encodings_are_malformed),
        cmocka_unit_test(transfer_encoding_on_http_1_0_is_malformed),
        cmocka_unit_test(any_other_transfer_encoding_is_malformed),
        cmocka_unit_test(a_bad_transfer_encoding_is_not_forgotten_for_a_good_one),
        cmocka_unit_test(a_content_length_that_is_no_number_is_malformed),
        cmocka_unit_test(a_content_length_up_to_the_limit_is_fine),
        cmocka_unit_test(a_content_length_past_the_limit_is_too_large),
        cmocka_unit_test(a_content_length_never_wraps_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
