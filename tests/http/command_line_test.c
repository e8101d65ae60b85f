/* SPDX-License-Identifier: MIT */
/* The program as its operator sees it: options, errors in the configuration, exit codes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/service.h"
#include "service/config.h"
#include "support/command.h"
#include "support/directory.h"
#include "support/process.h"

/* Runs it with one argument or none. */
static int run(const char *argument, const char *const *variables, char ret_output[COMMAND_OUTPUT])
{
    return command_run((const char *[]){argument, NULL}, variables, ret_output);
}

static void help_names_every_variable(void **state)
{
    char output[COMMAND_OUTPUT], *variables;
    size_t size;
    FILE *out = open_memstream(&variables, &size);

    (void)state;
    assert_non_null(out);
    config_help(out);
    fclose(out);
    assert_int_equal(run("--help", NULL, output), 0);
    assert_non_null(strstr(output, "DISCOUNT_STORE "));
    assert_non_null(strstr(output, variables));
    free(variables);
}

static void version_is_named(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(run("--version", NULL, output), 0);
    assert_string_equal(output, "discountd " DISCOUNT_VERSION "\n");
}

static void an_unknown_argument_is_an_error(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(run("--verbose", NULL, output), 2);
    assert_non_null(strstr(output, "--help"));
}

static void every_error_of_the_configuration_is_named_at_once(void **state)
{
    static const char *const variables[] = {"DISCOUNT_STORE=mysql://x", "DISCOUNT_LISTEN=8080",
                                            "DISCOUNT_WORKERS=0",       "DISCOUNT_DEADLINE_MS=soon",
                                            "DISCOUNT_LOG_LEVEL=loud",  NULL};
    static const char *const options[] = {NULL, "--check-config", "--healthcheck"};

    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        char output[COMMAND_OUTPUT];

        assert_int_equal(run(options[i], variables, output), 2);
        assert_non_null(strstr(output, "DISCOUNT_STORE must "));
        assert_non_null(strstr(output, "DISCOUNT_LISTEN must "));
        assert_non_null(strstr(output, "DISCOUNT_WORKERS must "));
        assert_non_null(strstr(output, "DISCOUNT_DEADLINE_MS must "));
        assert_non_null(strstr(output, "DISCOUNT_LOG_LEVEL must "));
        assert_null(strstr(output, "DISCOUNT_DRAIN_MS"));
    }
}

static void a_valid_configuration_passes_the_check(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(run("--check-config",
                         (const char *[]){"DISCOUNT_STORE=redis://user:p%40ss@[::1]:7000/3", NULL},
                         output),
                     0);
    assert_string_equal(output, "");
}

static void a_variable_that_is_not_ours_is_named_and_ignored(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(run("--check-config", (const char *[]){"DISCOUNT_WORKER=4", NULL}, output), 0);
    assert_non_null(strstr(output, "DISCOUNT_WORKER is not a variable"));
}

static void a_port_that_is_in_use_is_a_clear_error_also_by_another_discountd(void **state)
{
    struct service service;
    char listen[64], output[COMMAND_OUTPUT];

    (void)state;
    service_start(&service, NULL);
    snprintf(listen, sizeof(listen), "DISCOUNT_LISTEN=127.0.0.1:%d", service.port);
    assert_int_equal(run(NULL, (const char *[]){listen, NULL}, output), 1);
    assert_non_null(strstr(output, "Address already in use"));
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    service_stop(&service);
}

static void the_health_check_follows_readiness(void **state)
{
    struct service service;
    char listen[64], output[COMMAND_OUTPUT];

    (void)state;
    service_start(&service, NULL);
    snprintf(listen, sizeof(listen), "DISCOUNT_LISTEN=127.0.0.1:%d", service.port);
    assert_int_equal(run("--healthcheck", (const char *[]){listen, NULL}, output), 0);
    redis_server_kill(service.redis);
    assert_int_equal(run("--healthcheck", (const char *[]){listen, NULL}, output), 1);
    service_stop(&service);
    assert_int_equal(run("--healthcheck", (const char *[]){listen, NULL}, output), 1);
}

static void the_service_lives_without_a_log(void **state)
{
    struct service service;
    char store[160], path[512];
    char *arguments[] = {path, NULL};
    char *environment[] = {store, (char[]){"DISCOUNT_LISTEN=127.0.0.1:0"}, NULL};
    int ends[2], status = -1;
    pid_t pid;

    (void)state;
    service_start(&service, NULL);
    snprintf(path, sizeof(path), "%s", getenv("DISCOUNTD"));
    snprintf(store, sizeof(store), "%s", service.store);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    pid = process_start(path, arguments, environment, ends[1]);
    close(ends[1]);
    assert_true(pid > 0);
    /* A wrong program would die of SIGPIPE or fail long before this. */
    assert_false(process_wait(pid, 500, &status));
    kill(pid, SIGTERM);
    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    service_stop(&service);
}

/* ./start waits for the line that names the address. */
static void the_address_is_named_at_every_level(void **state)
{
    static const char *const levels[] = {"DISCOUNT_LOG_LEVEL=debug", "DISCOUNT_LOG_LEVEL=warning",
                                         "DISCOUNT_LOG_LEVEL=error"};

    (void)state;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct discountd *service =
            discountd_start((const char *[]){"DISCOUNT_STORE=sqlite::memory:", levels[i], NULL});
        int status = 0;

        discountd_signal(service, SIGTERM);
        assert_true(discountd_wait_exit(service, CLOCK_PATIENCE_MS, &status));
        /* Lines below the level are not written. */
        assert_true((strstr(discountd_log(service), "drained") != NULL) == (i == 0));
        discountd_stop(service);
    }
}

/* ---- Ownership of files ---- */

static mode_t mode_of(const struct directory *directory, const char *name)
{
    struct stat about;
    char path[96];

    snprintf(path, sizeof(path), "%s/%s", directory->path, name);
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

/* The files hold user ids, so others may not read them. */
static void a_new_store_is_its_users_own_and_an_old_one_keeps_its_mode(void **state)
{
    mode_t before = umask(022);
    struct directory directory;
    char store[128], path[96];

    (void)state;
    directory_make(&directory);
    snprintf(path, sizeof(path), "%s/discount.db", directory.path);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=sqlite:%s", path);
    for (int is_old = 0; is_old <= 1; is_old++) {
        struct discountd *service = discountd_start((const char *[]){store, NULL});
        mode_t mode = is_old ? 0640 : 0600;
        int status = 0;

        assert_int_equal(mode_of(&directory, "discount.db"), mode);
        assert_int_equal(mode_of(&directory, "discount.db-wal"), mode);
        assert_int_equal(mode_of(&directory, "discount.db-control"), 0600);
        discountd_signal(service, SIGTERM);
        assert_true(discountd_wait_exit(service, CLOCK_PATIENCE_MS, &status));
        discountd_stop(service);
        assert_int_equal(chmod(path, 0640), 0);
    }
    directory_remove(&directory);
    umask(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_variable),
        cmocka_unit_test(version_is_named),
        cmocka_unit_test(an_unknown_argument_is_an_error),
        cmocka_unit_test(every_error_of_the_configuration_is_named_at_once),
        cmocka_unit_test(a_valid_configuration_passes_the_check),
        cmocka_unit_test(a_variable_that_is_not_ours_is_named_and_ignored),
        cmocka_unit_test(a_port_that_is_in_use_is_a_clear_error_also_by_another_discountd),
        cmocka_unit_test(the_health_check_follows_readiness),
        cmocka_unit_test(the_service_lives_without_a_log),
        cmocka_unit_test(the_address_is_named_at_every_level),
        cmocka_unit_test(a_new_store_is_its_users_own_and_an_old_one_keeps_its_mode),
    };

    return cmocka_run_group_tests_name("http command line", tests, NULL, NULL);
}
