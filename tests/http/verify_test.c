/* SPDX-License-Identifier: MIT */
/* discountd verify as its operator sees it: exit codes, output, a terminal. */
#include <fcntl.h>
#include <pty.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discount/engine.h"
#include "http/service.h"
#include "support/directory.h"
#include "support/process.h"

#define TEXT 131072

/* The output of a verify, and its exit code. */
struct outcome {
    int code;
    char output[TEXT], errors[TEXT];
};

/* Runs a command on this store, with these descriptors for standard output and error. `operand` may
 * be NULL. */
static int run_command(const char *command, const char *operand, const char *url, int output,
                       int errors)
{
    char store[256], name[32], file[96];
    char *arguments[] = {(char[]){"discountd"}, name, operand == NULL ? NULL : file, NULL};
    char *environment[] = {store, NULL};
    posix_spawn_file_actions_t actions;
    int status = 0;
    pid_t pid;

    snprintf(store, sizeof(store), "DISCOUNT_STORE=%s", url);
    snprintf(name, sizeof(name), "%s", command);
    snprintf(file, sizeof(file), "%s", operand == NULL ? "" : operand);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    assert_int_equal(posix_spawn(&pid, getenv("DISCOUNTD"), &actions, NULL, arguments, environment),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &status));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(const char *url, int output, int errors)
{
    return run_command("verify", NULL, url, output, errors);
}

static void take(int fd, char ret_text[TEXT])
{
    ssize_t n = pread(fd, ret_text, TEXT - 1, 0);

    ret_text[n < 0 ? 0 : n] = '\0';
    close(fd);
}

static void verify_run(const char *url, struct outcome *ret_outcome)
{
    int output = memfd_create("output", MFD_CLOEXEC), errors = memfd_create("errors", MFD_CLOEXEC);

    ret_outcome->code = run(url, output, errors);
    take(output, ret_outcome->output);
    take(errors, ret_outcome->errors);
}

/* ---- A file ---- */

/* Its two discounts. */
#define FIRST "dsc-000000000000000000001A"
#define SECOND "dsc-000000000000000000002A"

struct file {
    struct directory directory;
    char path[64], url[80];
    struct outcome outcome;
};

static void plant(const struct file *file, const char *sql)
{
    sqlite3 *handle = NULL;

    assert_int_equal(sqlite3_open_v2(file->path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static int setup(void **state)
{
    struct file *file = calloc(1, sizeof(*file));
    struct store_engine *engine;
    const char *fault = "";

    assert_non_null(file);
    directory_make(&file->directory);
    snprintf(file->path, sizeof(file->path), "%s/discount.db", file->directory.path);
    snprintf(file->url, sizeof(file->url), "sqlite:%s", file->path);
    engine = store_engine_open(file->url, &fault);
    assert_non_null(engine);
    assert_true(store_engine_start(engine));
    store_engine_close(engine);
    plant(file, "INSERT INTO discounts (number, id, brand_id, discount_code, total_count,"
                " created_at) VALUES (1, '" FIRST "', 'b', 'c', 5, 10),"
                " (2, '" SECOND "', 'b', 'c', 5, 11);"
                "INSERT INTO grants VALUES ('ann', 1, 20), ('bob', 1, 20), ('ann', 2, 20)");
    *state = file;
    return 0;
}

static int teardown(void **state)
{
    struct file *file = *state;

    directory_remove(&file->directory);
    free(file);
    return 0;
}

/* ---- Exit codes and lines ---- */

static void a_valid_file_is_0(void **state)
{
    struct file *file = *state;

    verify_run(file->url, &file->outcome);
    assert_int_equal(file->outcome.code, 0);
    assert_string_equal(file->outcome.output, "2 discounts, 3 grants: no findings\n");
    assert_string_equal(file->outcome.errors, "");
}

static void a_file_with_findings_is_1(void **state)
{
    struct file *file = *state;

    plant(file, "UPDATE discounts SET granted_count = 3");
    verify_run(file->url, &file->outcome);
    assert_int_equal(file->outcome.code, 1);
    assert_string_equal(file->outcome.output,
                        FIRST ": granted_count is 3, and there are 2 grants\n" SECOND
                              ": granted_count is 3, and there are 1 grants\n"
                              "2 discounts, 3 grants: 2 findings\n");
    assert_string_equal(file->outcome.errors, "");
}

static void a_file_that_is_not_there_is_2(void **state)
{
    struct file *file = *state;

    assert_int_equal(unlink(file->path), 0);
    verify_run(file->url, &file->outcome);
    assert_int_equal(file->outcome.code, 2);
    assert_string_equal(file->outcome.output, "");
    assert_ptr_equal(strstr(file->outcome.errors, "discountd: "), file->outcome.errors);
    assert_non_null(strstr(file->outcome.errors, file->path));
}

static void a_place_that_is_not_there_is_2(void **state)
{
    struct file *file = *state;

    verify_run("sqlite:/nowhere/discount.db", &file->outcome);
    assert_int_equal(file->outcome.code, 2);
    assert_string_equal(file->outcome.output, "");
    assert_non_null(strstr(file->outcome.errors, "/nowhere"));
}

static void the_faults_past_a_thousand_are_counted_only(void **state)
{
    struct file *file = *state;
    size_t lines = 0;

    plant(file, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
                " INSERT INTO idempotency_keys SELECT 'b', i, 77, 'c', 1, 1, 1, 1 FROM n");
    verify_run(file->url, &file->outcome);
    assert_int_equal(file->outcome.code, 1);
    for (const char *at = file->outcome.output; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 1000 + 2);
    assert_non_null(strstr(file->outcome.output, "\nmore findings are counted and not shown\n"
                                                 "2 discounts, 3 grants: 1500 findings\n"));
}

/* A script must not take a summary that could not be written for a good one. */
static void lines_that_cannot_be_written_are_2(void **state)
{
    struct file *file = *state;
    int output = open("/dev/full", O_WRONLY | O_CLOEXEC);
    int errors = memfd_create("errors", MFD_CLOEXEC);

    assert_int_equal(run(file->url, output, errors), 2);
    take(errors, file->outcome.errors);
    assert_string_equal(file->outcome.errors, "discountd: standard output takes no more\n");
    close(output);
}

static void a_file_is_verified_while_it_is_served_from(void **state)
{
    struct file *file = *state;
    struct service service = {.store = ""};

    plant(file, "UPDATE discounts SET granted_count = 3 WHERE number = 2");
    snprintf(service.store, sizeof(service.store), "DISCOUNT_STORE=%s", file->url);
    service_launch(&service, NULL);
    assert_int_equal(service_grant(&service, "dsc-AAAAAAAAAAAAAAAAAAAAAA", "eve"), 404);
    verify_run(file->url, &file->outcome);
    assert_int_equal(file->outcome.code, 1);
    assert_string_equal(file->outcome.output,
                        SECOND ": granted_count is 3, and there are 1 grants\n"
                               "2 discounts, 3 grants: 1 finding\n");
    assert_string_equal(file->outcome.errors, "");
    assert_int_equal(service_status(&service, "GET", "/readyz", NULL, NULL), 200);
    discountd_stop(service.daemon);
}

static void a_redis_is_verified_while_it_is_served_from(void **state)
{
    struct file *file = *state;
    struct service service;
    char id[SERVICE_ID];

    service_start(&service, NULL);
    service_create(&service, 1, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    verify_run(redis_server_url(service.redis), &file->outcome);
    assert_int_equal(file->outcome.code, 0);
    assert_string_equal(file->outcome.output, "1 discount, 1 grant: no findings\n");
    redis_server_command(service.redis, "ZADD discount:{%s}:grants 5 eve", id);
    verify_run(redis_server_url(service.redis), &file->outcome);
    assert_int_equal(file->outcome.code, 1);
    assert_non_null(strstr(file->outcome.output, ": 2 grants of a total of 1\n"));
    redis_server_kill(service.redis);
    verify_run(redis_server_url(service.redis), &file->outcome);
    assert_int_equal(file->outcome.code, 2);
    assert_string_equal(file->outcome.output, "");
    assert_non_null(strstr(file->outcome.errors, "discountd: redis: "));
    service_stop(&service);
}

/* ---- A terminal ---- */

/* Reads everything that was sent to a terminal. Its other end is closed, so this ends. */
static void read_all(int far, char ret_text[TEXT])
{
    size_t used = 0;
    ssize_t n;

    while (used < TEXT - 1 && (n = read(far, ret_text + used, TEXT - 1 - used)) > 0) {
        used += (size_t)n;
    }
    ret_text[used] = '\0';
    close(far);
}

static void progress_is_shown_on_a_terminal(void **state)
{
    struct file *file = *state;
    int output = memfd_create("output", MFD_CLOEXEC), far, near;

    assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
    file->outcome.code = run(file->url, output, near);
    close(near);
    take(output, file->outcome.output);
    read_all(far, file->outcome.errors);
    assert_int_equal(file->outcome.code, 0);
    assert_string_equal(file->outcome.output, "2 discounts, 3 grants: no findings\n");
    assert_ptr_equal(strstr(file->outcome.errors, "\rverify: "), file->outcome.errors);
    assert_non_null(strstr(file->outcome.errors, " of 10)\x1b[K"));
    assert_string_equal(file->outcome.errors + strlen(file->outcome.errors) - 4, "\r\x1b[K");
}

/* A backup shows its progress in the same way, and nowhere else. */
static void a_backups_progress_is_shown_on_a_terminal_only(void **state)
{
    struct file *file = *state;
    int output = memfd_create("output", MFD_CLOEXEC), errors = memfd_create("errors", MFD_CLOEXEC);
    char path[96];
    int far, near;

    assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
    snprintf(path, sizeof(path), "%s-copy", file->path);
    assert_int_equal(run_command("backup", path, file->url, output, near), 0);
    close(near);
    read_all(far, file->outcome.errors);
    assert_ptr_equal(strstr(file->outcome.errors, "\rbackup: "), file->outcome.errors);
    assert_string_equal(file->outcome.errors + strlen(file->outcome.errors) - 4, "\r\x1b[K");

    snprintf(path, sizeof(path), "%s-second", file->path);
    assert_int_equal(run_command("backup", path, file->url, output, errors), 0);
    take(errors, file->outcome.errors);
    assert_string_equal(file->outcome.errors, "");
    close(output);
}

/* Runs a command on a terminal. Returns the exit code and what the terminal was sent. */
static int run_on_terminal(const char *command, const char *operand, const char *url,
                           char ret_sent[TEXT])
{
    int output = memfd_create("output", MFD_CLOEXEC), far, near, code;

    assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
    code = run_command(command, operand, url, output, near);
    close(near);
    close(output);
    read_all(far, ret_sent);
    return code;
}

static void assert_shown_and_taken_away(const char *sent, const char *label)
{
    assert_ptr_equal(strstr(sent, label), sent);
    assert_string_equal(sent + strlen(sent) - 4, "\r\x1b[K");
}

/* The serving process reports its progress to the command. */
static void the_progress_of_a_copy_by_another_process_is_shown_on_a_terminal_only(void **state)
{
    struct file *file = *state;
    struct service service = {.store = ""};
    int output = memfd_create("output", MFD_CLOEXEC), errors = memfd_create("errors", MFD_CLOEXEC);
    char path[96];

    snprintf(service.store, sizeof(service.store), "DISCOUNT_STORE=%s", file->url);
    service_launch(&service, NULL);
    snprintf(path, sizeof(path), "%s-copy", file->path);
    assert_int_equal(run_on_terminal("backup", path, file->url, file->outcome.errors), 0);
    assert_shown_and_taken_away(file->outcome.errors, "\rbackup: ");
    assert_non_null(strstr(file->outcome.errors, " % ("));
    assert_int_equal(run_on_terminal("verify", NULL, file->url, file->outcome.errors), 0);
    assert_shown_and_taken_away(file->outcome.errors, "\rcopy: ");
    assert_non_null(strstr(file->outcome.errors, "\rverify: "));

    snprintf(path, sizeof(path), "%s-second", file->path);
    assert_int_equal(run_command("backup", path, file->url, output, errors), 0);
    take(errors, file->outcome.errors);
    assert_string_equal(file->outcome.errors, "");
    close(output);
    discountd_stop(service.daemon);
}

static void the_progress_of_a_redis_is_shown_on_a_terminal_only(void **state)
{
    struct file *file = *state;
    struct service service;
    char id[SERVICE_ID];

    service_start(&service, NULL);
    service_create(&service, 5, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    assert_int_equal(
        run_on_terminal("verify", NULL, redis_server_url(service.redis), file->outcome.errors), 0);
    assert_shown_and_taken_away(file->outcome.errors, "\rverify: ");
    verify_run(redis_server_url(service.redis), &file->outcome);
    assert_int_equal(file->outcome.code, 0);
    assert_string_equal(file->outcome.errors, "");
    service_stop(&service);
}

/* Returns the screen of a terminal that was sent this. It knows the sequences that progress.c
 * sends. */
static void play(const char *sent, char ret_screen[TEXT])
{
    size_t line = 0, column = 0, end = 0;

    for (const char *at = sent; *at != '\0'; at++) {
        if (*at == '\r') {
            column = line;
        } else if (strncmp(at, "\x1b[K", 3) == 0) {
            end = column;
            at += 2;
        } else if (*at == '\n') {
            ret_screen[end++] = '\n';
            line = column = end;
        } else {
            ret_screen[column++] = *at;
            end = column > end ? column : end;
        }
    }
    ret_screen[end] = '\0';
}

static void progress_and_faults_on_one_terminal_do_not_mix(void **state)
{
    static char screen[TEXT];
    struct file *file = *state;
    int far, near;

    plant(file, "UPDATE discounts SET granted_count = 3");
    assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
    file->outcome.code = run(file->url, near, near);
    close(near);
    read_all(far, file->outcome.output);
    assert_int_equal(file->outcome.code, 1);
    assert_non_null(strstr(file->outcome.output, "\rverify: "));
    play(file->outcome.output, screen);
    assert_string_equal(screen, FIRST ": granted_count is 3, and there are 2 grants\n" SECOND
                                      ": granted_count is 3, and there are 1 grants\n"
                                      "2 discounts, 3 grants: 2 findings\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_valid_file_is_0, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_with_findings_is_1, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_is_2, setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_that_is_not_there_is_2, setup, teardown),
        cmocka_unit_test_setup_teardown(the_faults_past_a_thousand_are_counted_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(lines_that_cannot_be_written_are_2, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_verified_while_it_is_served_from, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_redis_is_verified_while_it_is_served_from, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(progress_is_shown_on_a_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backups_progress_is_shown_on_a_terminal_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            the_progress_of_a_copy_by_another_process_is_shown_on_a_terminal_only, setup, teardown),
        cmocka_unit_test_setup_teardown(the_progress_of_a_redis_is_shown_on_a_terminal_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(progress_and_faults_on_one_terminal_do_not_mix, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("http verify", tests, NULL, NULL);
}
