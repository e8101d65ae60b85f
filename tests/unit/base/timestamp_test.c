/* SPDX-License-Identifier: MIT */
#include "discount/timestamp.h"

#include <stdio.h>
#include <time.h>

#include "support/test.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
/* 9999-12-31T23:59:59.999999Z */
#define LAST_US INT64_C(253402300799999999)
#define LAST_DAY (LAST_US / US_PER_SECOND / SECONDS_PER_DAY)
#define DAYS_OF_400_YEARS 146097

static int64_t parsed(const char *text)
{
    int64_t us = -1;

    if (!timestamp_parse(str_of(text), &us)) {
        fail_msg("%s was refused", text);
    }
    return us;
}

static void assert_refused(const char *text)
{
    int64_t us = 42;

    if (timestamp_parse(str_of(text), &us)) {
        fail_msg("%s was read as %lld", text, (long long)us);
    }
    assert_int_equal(us, 42);
}

static void assert_formatted(int64_t us, const char *text)
{
    char formatted[TIMESTAMP_SIZE];

    timestamp_format(us, formatted);
    assert_string_equal(formatted, text);
}

static void the_example_of_the_contract_is_printed_and_read(void **state)
{
    (void)state;
    assert_formatted(INT64_C(1606386477202420), "2020-11-26T10:27:57.202420Z");
    assert_int_equal(parsed("2020-11-26T10:27:57.202420Z"), INT64_C(1606386477202420));
}

static void the_first_and_the_last_moment_are_printed_and_read(void **state)
{
    (void)state;
    assert_formatted(0, "1970-01-01T00:00:00.000000Z");
    assert_formatted(LAST_US, "9999-12-31T23:59:59.999999Z");
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("9999-12-31T23:59:59.999999Z"), LAST_US);
}

/* The clock of a machine may show them, and the log still has to be readable. */
static void times_out_of_these_years_are_printed_too(void **state)
{
    (void)state;
    assert_formatted(-1, "1969-12-31T23:59:59.999999Z");
    assert_formatted(-1000000, "1969-12-31T23:59:59.000000Z");
    assert_formatted(-86400 * US_PER_SECOND, "1969-12-31T00:00:00.000000Z");
    assert_formatted(INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z");
    assert_formatted(INT64_C(-62167219200000001), "-000001-12-31T23:59:59.999999Z");
    assert_formatted(LAST_US + 1, "+010000-01-01T00:00:00.000000Z");
    assert_formatted(INT64_C(253928736000000000), "+010016-09-06T00:00:00.000000Z");
    assert_formatted(INT64_MIN, "-290308-12-21T19:59:05.224192Z");
    assert_formatted(INT64_MAX, "+294247-01-10T04:00:54.775807Z");
}

/* The C library counts days with other code. The calendar repeats after 400 years; later days are
 * sampled. */
static void days_are_those_that_the_c_library_counts(void **state)
{
    (void)state;
    for (int64_t day = 0; day <= LAST_DAY; day += day < DAYS_OF_400_YEARS ? 1 : 97) {
        time_t seconds = (time_t)(day * SECONDS_PER_DAY + day % SECONDS_PER_DAY);
        int64_t us = seconds * US_PER_SECOND + day % US_PER_SECOND;
        char expected[64], formatted[TIMESTAMP_SIZE];
        struct tm tm;
        int64_t back = -1;

        gmtime_r(&seconds, &tm);
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(day % US_PER_SECOND));
        timestamp_format(us, formatted);
        assert_string_equal(formatted, expected);
        assert_true(timestamp_parse(str_of(formatted), &back));
        assert_int_equal(back, us);
    }
}

static void the_29th_of_february_exists_in_leap_years_only(void **state)
{
    (void)state;
    assert_int_equal(parsed("2024-02-29T00:00:00Z") + SECONDS_PER_DAY * US_PER_SECOND,
                     parsed("2024-03-01T00:00:00Z"));
    assert_int_equal(parsed("2000-02-29T00:00:00Z"), INT64_C(951782400) * US_PER_SECOND);
    assert_refused("2023-02-29T00:00:00Z");
    assert_refused("2100-02-29T00:00:00Z");
}

static void days_that_no_calendar_has_are_refused(void **state)
{
    (void)state;
    assert_refused("2024-02-30T00:00:00Z");
    assert_refused("2024-04-31T00:00:00Z");
    assert_refused("2024-06-31T00:00:00Z");
    assert_refused("2024-09-31T00:00:00Z");
    assert_refused("2024-11-31T00:00:00Z");
    assert_refused("2024-01-32T00:00:00Z");
    assert_refused("2024-01-00T00:00:00Z");
    assert_refused("2024-00-01T00:00:00Z");
    assert_refused("2024-13-01T00:00:00Z");
    assert_refused("2024-99-99T00:00:00Z");
}

static void hours_minutes_and_seconds_have_their_ranges(void **state)
{
    (void)state;
    assert_int_equal(parsed("2024-01-01T23:59:59Z") + US_PER_SECOND,
                     parsed("2024-01-02T00:00:00Z"));
    assert_refused("2024-01-01T24:00:00Z");
    assert_refused("2024-01-01T00:60:00Z");
    assert_refused("2024-01-01T00:00:61Z");
}

static void a_leap_second_is_the_next_second(void **state)
{
    (void)state;
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), parsed("2017-01-01T00:00:00Z"));
}

static void offsets_are_taken_off(void **state)
{
    int64_t noon = parsed("2024-02-29T12:00:00Z");

    (void)state;
    assert_int_equal(parsed("2024-02-29T12:00:00+00:00"), noon);
    assert_int_equal(parsed("2024-02-29T12:00:00-00:00"), noon);
    assert_int_equal(parsed("2024-02-29T14:00:00+02:00"), noon);
    assert_int_equal(parsed("2024-02-29T08:15:00-03:45"), noon);
    assert_int_equal(parsed("2024-03-01T11:59:00+23:59"), noon);
}

static void offsets_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_refused("2024-01-01T00:00:00+24:00");
    assert_refused("2024-01-01T00:00:00+00:60");
    assert_refused("2024-01-01T00:00:00+0100");
    assert_refused("2024-01-01T00:00:00+01");
    assert_refused("2024-01-01T00:00:00+1:00");
    assert_refused("2024-01-01T00:00:00+");
    assert_refused("2024-01-01T00:00:00 01:00");
}

static void an_offset_may_not_lead_out_of_the_years_1970_to_9999(void **state)
{
    (void)state;
    assert_int_equal(parsed("1969-12-31T23:59:00-00:01"), 0);
    assert_refused("1970-01-01T00:00:00+00:01");
    assert_refused("9999-12-31T23:59:59-00:01");
    assert_refused("9999-12-31T23:59:60Z");
}

static void times_before_1970_are_refused(void **state)
{
    (void)state;
    assert_refused("1969-12-31T23:59:59Z");
    assert_refused("1969-12-31T23:59:59.999999Z");
    assert_refused("0000-01-01T00:00:00Z");
}

static void fractions_may_have_one_to_nine_digits(void **state)
{
    int64_t whole = parsed("2024-01-01T00:00:00Z");

    (void)state;
    assert_int_equal(parsed("2024-01-01T00:00:00.5Z"), whole + 500000);
    assert_int_equal(parsed("2024-01-01T00:00:00.05Z"), whole + 50000);
    assert_int_equal(parsed("2024-01-01T00:00:00.123456Z"), whole + 123456);
    assert_int_equal(parsed("2024-01-01T00:00:00.123456789Z"), whole + 123456);
    assert_refused("2024-01-01T00:00:00.Z");
    assert_refused("2024-01-01T00:00:00.1234567890Z");
    assert_refused("2024-01-01T00:00:00,5Z");
}

static void digits_past_the_sixth_are_dropped_and_not_rounded(void **state)
{
    (void)state;
    assert_int_equal(parsed("2024-01-01T00:00:00.9999999Z"), parsed("2024-01-01T00:00:00.999999Z"));
}

/* RFC 3339, section 5.6, allows lower-case letters, and a space instead of T. */
static void the_other_spellings_of_rfc_3339_are_read(void **state)
{
    int64_t time = parsed("2024-01-01T00:00:00Z");

    (void)state;
    assert_int_equal(parsed("2024-01-01t00:00:00z"), time);
    assert_int_equal(parsed("2024-01-01 00:00:00Z"), time);
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused("2024");
    assert_refused("2024-01-01");
    assert_refused("now");
    assert_refused("1606386477");
    assert_refused("2024-01-01T00:00Z");
    assert_refused("2024-01-01T00:00:00");
    assert_refused("2024-01-01T00:00:00Zz");
    assert_refused("2024-01-01T00:00:00Z ");
    assert_refused(" 2024-01-01T00:00:00Z");
    assert_refused("2024-01-01_00:00:00Z");
    assert_refused("2024/01/01T00:00:00Z");
    assert_refused("24-01-01T00:00:00Z");
    assert_refused("02024-01-01T00:00:00Z");
    assert_refused("10000-01-01T00:00:00Z");
    assert_refused("+2024-01-01T00:00:00Z");
    assert_refused("-2024-01-01T00:00:00Z");
    assert_refused("2024-1-1T00:00:00Z");
    assert_refused("2024-01-01T0:00:00Z");
    assert_refused("2024-01-01T00:00:0xZ");
    assert_refused("2024-W01-1T00:00:00Z");
}

static void every_beginning_of_a_time_is_refused(void **state)
{
    struct str whole = STR("2020-11-26T10:27:57.202420+01:00");
    int64_t us;

    (void)state;
    assert_true(timestamp_parse(whole, &us));
    for (size_t n = 0; n < whole.n; n++) {
        assert_false(timestamp_parse((struct str){whole.p, n}, &us));
    }
}

static void a_nul_is_no_digit_and_no_letter(void **state)
{
    int64_t us;

    (void)state;
    assert_false(timestamp_parse(STR("2024-01-01\0"
                                     "00:00:00Z"),
                                 &us));
    assert_false(timestamp_parse(STR("2024-01-01T00:00:00Z\0"), &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_contract_is_printed_and_read),
        cmocka_unit_test(the_first_and_the_last_moment_are_printed_and_read),
        cmocka_unit_test(times_out_of_these_years_are_printed_too),
        cmocka_unit_test(days_are_those_that_the_c_library_counts),
        cmocka_unit_test(the_29th_of_february_exists_in_leap_years_only),
        cmocka_unit_test(days_that_no_calendar_has_are_refused),
        cmocka_unit_test(hours_minutes_and_seconds_have_their_ranges),
        cmocka_unit_test(a_leap_second_is_the_next_second),
        cmocka_unit_test(offsets_are_taken_off),
        cmocka_unit_test(offsets_out_of_range_are_refused),
        cmocka_unit_test(an_offset_may_not_lead_out_of_the_years_1970_to_9999),
        cmocka_unit_test(times_before_1970_are_refused),
        cmocka_unit_test(fractions_may_have_one_to_nine_digits),
        cmocka_unit_test(digits_past_the_sixth_are_dropped_and_not_rounded),
        cmocka_unit_test(the_other_spellings_of_rfc_3339_are_read),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(every_beginning_of_a_time_is_refused),
        cmocka_unit_test(a_nul_is_no_digit_and_no_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
