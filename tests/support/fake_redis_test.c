/* SPDX-License-Identifier: MIT */
/* The fake Redis must notice when its script is not followed. Each of these tests breaks a script
 * and checks the error that fake_redis_end returns. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/fake_redis.h"
#include "support/loopback.h"
#include "support/test.h"

#define PING "*1\r\n$4\r\nPING\r\n"
#define ECHO "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n"

/* Plays the script against a client that sends these bytes at once. Returns the error or "". */
static const char *fault_after(struct fake_redis *fake, const char *bytes)
{
    static char fault[FAKE_FAULT];
    int fd;

    fake_redis_start(fake);
    fd = loopback_connect(fake_redis_port(fake));
    assert_true(fd >= 0);
    assert_int_equal(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
    shutdown(fd, SHUT_WR);
    fake_redis_end(fake, fault);
    close(fd);
    return fault;
}

static void a_script_that_is_followed_has_no_fault(void **state)
{
    struct fake_redis *fake = fake_redis_new();

    (void)state;
    fake_accept(fake);
    fake_expect(fake, "PING");
    fake_expect(fake, "ECHO h");
    fake_wait_for_client_close(fake);
    assert_string_equal(fault_after(fake, PING ECHO), "");
}

static void another_command_is_an_error(void **state)
{
    struct fake_redis *fake = fake_redis_new();

    (void)state;
    fake_accept(fake);
    fake_expect(fake, "PING");
    assert_non_null(strstr(fault_after(fake, ECHO), "\"ECHO hi\" came"));
}

static void half_a_command_is_an_error(void **state)
{
    struct fake_redis *fake = fake_redis_new();

    (void)state;
    fake_accept(fake);
    fake_expect(fake, "PING");
    assert_non_null(strstr(fault_after(fake, "*1\r\n$4\r\nPI"), "the client has gone"));
}

static void fewer_commands_together_are_an_error(void **state)
{
    struct fake_redis *fake = fake_redis_new();

    (void)state;
    fake_accept(fake);
    fake_expect_together(fake, 3);
    assert_non_null(strstr(fault_after(fake, PING PING), "2 commands came together"));
}

static void more_commands_together_are_an_error(void **state)
{
    struct fake_redis *fake = fake_redis_new();

    (void)state;
    fake_accept(fake);
    fake_expect_together(fake, 1);
    assert_non_null(strstr(fault_after(fake, PING PING), "2 commands came together"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_that_is_followed_has_no_fault),
        cmocka_unit_test(another_command_is_an_error),
        cmocka_unit_test(half_a_command_is_an_error),
        cmocka_unit_test(fewer_commands_together_are_an_error),
        cmocka_unit_test(more_commands_together_are_an_error),
    };

    return cmocka_run_group_tests_name("fake redis", tests, NULL, NULL);
}
