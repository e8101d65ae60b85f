/* SPDX-License-Identifier: MIT */
#include "store/redis/address.h"

#include <string.h>

#include "support/test.h"

static struct redis_address parsed(const char *url)
{
    struct redis_address address;
    const char *fault = "";

    if (!redis_address_parse(url, &address, &fault)) {
        fail_msg("%s %s", url, fault);
    }
    return address;
}

static void assert_host(const char *url, const char *host, const char *port, const char *db)
{
    struct redis_address address = parsed(url);

    assert_string_equal(address.host, host);
    assert_string_equal(address.port, port);
    assert_string_equal(address.db, db);
}

static void assert_login(const char *url, const char *user, const char *password)
{
    struct redis_address address = parsed(url);

    assert_string_equal(address.user, user);
    assert_string_equal(address.password, password);
}

static void assert_refused(const char *url, const char *expected)
{
    struct redis_address address, untouched;
    const char *fault = NULL;

    memset(&address, 'x', sizeof(address));
    untouched = address;
    if (redis_address_parse(url, &address, &fault)) {
        fail_msg("%s was taken", url);
    }
    assert_non_null(fault);
    assert_non_null(strstr(fault, expected));
    assert_memory_equal(&address, &untouched, sizeof(address));
}

static void a_host_is_enough(void **state)
{
    (void)state;
    assert_host("redis://redis", "redis", "6379", "0");
    assert_host("redis://redis/", "redis", "6379", "0");
    assert_login("redis://redis", "", "");
}

static void every_part_is_read(void **state)
{
    (void)state;
    assert_host("redis://user:secret@redis.example.com:6380/15", "redis.example.com", "6380", "15");
    assert_login("redis://user:secret@redis.example.com:6380/15", "user", "secret");
}

static void the_user_may_be_left_out(void **state)
{
    (void)state;
    assert_login("redis://:secret@redis", "", "secret");
}

static void an_ipv4_host_is_read(void **state)
{
    (void)state;
    assert_host("redis://127.0.0.1:6379/0", "127.0.0.1", "6379", "0");
}

static void an_ipv6_host_loses_its_brackets(void **state)
{
    (void)state;
    assert_host("redis://[::1]", "::1", "6379", "0");
    assert_host("redis://[fe80::1]:7000/3", "fe80::1", "7000", "3");
    assert_host("redis://:secret@[::1]:7000", "::1", "7000", "0");
}

static void user_and_password_are_percent_decoded(void **state)
{
    (void)state;
    assert_login("redis://us%40er:p%3a%2F%25%20@redis", "us@er", "p:/% ");
}

static void a_password_may_hold_colons(void **state)
{
    (void)state;
    assert_login("redis://user:a:b@redis", "user", "a:b");
}

static void ports_and_databases_have_their_ranges(void **state)
{
    (void)state;
    assert_host("redis://h:1/0", "h", "1", "0");
    assert_host("redis://h:65535/99999", "h", "65535", "99999");
    assert_refused("redis://h:0", "must be redis://");
    assert_refused("redis://h:65536", "must be redis://");
    assert_refused("redis://h:4294973675", "must be redis://");
    assert_refused("redis://h/100000", "not a number");
}

static void another_scheme_is_refused(void **state)
{
    (void)state;
    assert_refused("", "begin with redis://");
    assert_refused("redis:/", "begin with redis://");
    assert_refused("REDIS://h", "begin with redis://");
    assert_refused("rediss://h", "begin with redis://");
    assert_refused("sqlite:discount.db", "begin with redis://");
    assert_refused(" redis://h", "begin with redis://");
}

static void a_url_without_a_host_is_refused(void **state)
{
    (void)state;
    assert_refused("redis://", "must be redis://");
    assert_refused("redis:///0", "must be redis://");
    assert_refused("redis://:6379", "must be redis://");
    assert_refused("redis://:secret@", "must be redis://");
    assert_refused("redis://[]", "must be redis://");
}

static void a_bad_host_is_refused(void **state)
{
    (void)state;
    assert_refused("redis://h:", "must be redis://");
    assert_refused("redis://h:x", "must be redis://");
    assert_refused("redis://h:-1", "must be redis://");
    assert_refused("redis://h:+1", "must be redis://");
    assert_refused("redis://h:1:2", "must be redis://");
    assert_refused("redis://::1", "must be redis://");
    assert_refused("redis://[::1", "must be redis://");
    assert_refused("redis://[::1]x", "must be redis://");
    assert_refused("redis://[::1]x80", "must be redis://");
    assert_refused("redis://[::1]:", "must be redis://");
}

static void a_bad_database_is_refused(void **state)
{
    (void)state;
    assert_refused("redis://h/x", "not a number");
    assert_refused("redis://h/-1", "not a number");
    assert_refused("redis://h/1/", "not a number");
    assert_refused("redis://h/0?timeout=1", "not a number");
}

static void a_bad_login_is_refused(void **state)
{
    (void)state;
    assert_refused("redis://user@h", "login");
    assert_refused("redis://@h", "login");
    assert_refused("redis://:@h", "login");
    assert_refused("redis://user:@h", "login");
}

static void bad_percent_encodings_are_refused(void **state)
{
    (void)state;
    assert_refused("redis://:%@h", "login");
    assert_refused("redis://:%4@h", "login");
    assert_refused("redis://:%zz@h", "login");
    assert_refused("redis://:a%00b@h", "login");
    assert_refused("redis://h%", "must be redis://");
}

/* The rest of the password would become part of the host, and would be logged. */
static void a_password_with_a_bare_at_sign_is_refused(void **state)
{
    (void)state;
    assert_refused("redis://:pass@word@h", "");
}

static void parts_that_do_not_fit_are_refused(void **state)
{
    char url[2 * REDIS_ADDRESS_TEXT] = "redis://";
    char *host = url + strlen(url);

    (void)state;
    memset(host, 'h', REDIS_ADDRESS_TEXT - 1);
    assert_int_equal(strlen(parsed(url).host), REDIS_ADDRESS_TEXT - 1);
    host[REDIS_ADDRESS_TEXT - 1] = 'h';
    assert_refused(url, "must be redis://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_enough),
        cmocka_unit_test(every_part_is_read),
        cmocka_unit_test(the_user_may_be_left_out),
        cmocka_unit_test(an_ipv4_host_is_read),
        cmocka_unit_test(an_ipv6_host_loses_its_brackets),
        cmocka_unit_test(user_and_password_are_percent_decoded),
        cmocka_unit_test(a_password_may_hold_colons),
        cmocka_unit_test(ports_and_databases_have_their_ranges),
        cmocka_unit_test(another_scheme_is_refused),
        cmocka_unit_test(a_url_without_a_host_is_refused),
        cmocka_unit_test(a_bad_host_is_refused),
        cmocka_unit_test(a_bad_database_is_refused),
        cmocka_unit_test(a_bad_login_is_refused),
        cmocka_unit_test(bad_percent_encodings_are_refused),
        cmocka_unit_test(a_password_with_a_bare_at_sign_is_refused),
        cmocka_unit_test(parts_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
