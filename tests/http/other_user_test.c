/* SPDX-License-Identifier: MIT */
/* Commands of root when another user runs the service: which user gets the copy, which users are
 * not trusted, and what is removed. Only root can act as two users, so only root can run this test.
 * */
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/server.h"
#include "discount/engine.h"
#include "support/clock.h"
#include "support/command.h"
#include "support/directory.h"
#include "support/need.h"
#include "support/process.h"
#include "support/test.h"

/* Two user ids that exist on every system; they need no names. */
enum { OTHER = 65534, STRANGER = 65533 };

struct stage {
    struct directory directory;
    char path[64], control_path[80], url[80], variable[96];
    int output; /* output of the other user's process */
    pid_t pid;  /* 0: none */
};

static int setup(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    assert_non_null(stage);
    directory_make(&stage->directory);
    snprintf(stage->path, sizeof(stage->path), "%s/discount.db", stage->directory.path);
    snprintf(stage->control_path, sizeof(stage->control_path), "%s-control", stage->path);
    snprintf(stage->url, sizeof(stage->url), "sqlite:%s", stage->path);
    snprintf(stage->variable, sizeof(stage->variable), "DISCOUNT_STORE=%s", stage->url);
    stage->output = memfd_create("output", MFD_CLOEXEC);
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;

    if (stage->pid > 0) {
        process_kill(stage->pid);
    }
    close(stage->output);
    directory_remove(&stage->directory);
    free(stage);
    return 0;
}

/* ---- Steps ---- */

/* Sets the owner of the directory. The other user owns neither it nor the files beside the store.
 * */
static void directory_open(const struct stage *stage)
{
    assert_int_equal(chown(stage->directory.path, 0, OTHER), 0);
    assert_int_equal(chmod(stage->directory.path, 0775), 0);
}

/* Makes a file with the schema; root owns it until it is given away. */
static void file_make(const struct stage *stage)
{
    const char *fault = "";
    struct store_engine *engine = store_engine_open(stage->url, &fault);

    assert_non_null(engine);
    assert_true(store_engine_start(engine));
    store_engine_close(engine);
}

/* Runs in the child. A change of user clears the parent-death signal, so it is set again. */
static void become_other(void)
{
    if (setgroups(0, NULL) != 0 || setgid(OTHER) != 0 || setuid(OTHER) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        _exit(EXIT_FAILURE);
    }
    alarm(3 * CLOCK_PATIENCE_MS / 1000);
}

static void serve(void *argument)
{
    const struct stage *stage = argument;
    const char *fault = "";
    struct store_engine *engine;

    become_other();
    engine = store_engine_open(stage->url, &fault);
    if (engine == NULL || !store_engine_start(engine) || control_server_open(engine) == NULL) {
        _exit(EXIT_FAILURE);
    }
    for (;;) {
        pause();
    }
}

/* Reads whatever is sent, and records that something was sent. */
static void listen_only(void *argument)
{
    const struct stage *stage = argument;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    become_other();
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", stage->control_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0) {
        _exit(EXIT_FAILURE);
    }
    for (;;) {
        int client = accept(fd, NULL, NULL);
        char byte;

        if (recv(client, &byte, 1, 0) > 0) {
            puts("was told something");
            fflush(stdout);
        }
        close(client);
    }
}

static bool is_listening(void *argument)
{
    const struct stage *stage = argument;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", stage->control_path);
    is_connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_connected;
}

static void start(struct stage *stage, void (*run)(void *argument))
{
    stage->pid = process_fork(run, stage, stage->output);
    assert_true(stage->pid > 0);
    assert_true(clock_wait(is_listening, stage, CLOCK_PATIENCE_MS));
}

static int verify(const struct stage *stage, char ret_output[COMMAND_OUTPUT])
{
    return command_run((const char *[]){"verify", NULL}, (const char *[]){stage->variable, NULL},
                       ret_output);
}

static void leave(const struct stage *stage, const char *name, uid_t owner)
{
    char path[80];

    snprintf(path, sizeof(path), "%s/%s", stage->directory.path, name);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, owner, owner), 0);
}

static bool is_there(const struct stage *stage, const char *name)
{
    char path[80];

    snprintf(path, sizeof(path), "%s/%s", stage->directory.path, name);
    return access(path, F_OK) == 0;
}

/* ---- The tests ---- */

static void the_copy_is_made_by_whoever_serves(void **state)
{
    struct stage *stage = *state;
    char output[COMMAND_OUTPUT];

    need(geteuid() == 0, "root, who can be two users,");
    directory_open(stage);
    start(stage, serve);
    assert_int_equal(verify(stage, output), 0);
    assert_string_equal(output, "0 discounts, 0 grants: no findings\n");
}

static void a_socket_of_another_user_is_told_nothing(void **state)
{
    struct stage *stage = *state;
    char output[COMMAND_OUTPUT], copy[80];

    need(geteuid() == 0, "root, who can be two users,");
    directory_open(stage);
    file_make(stage);
    start(stage, listen_only);
    snprintf(copy, sizeof(copy), "%s/copy.db", stage->directory.path);
    assert_int_equal(command_run((const char *[]){"backup", copy, NULL},
                                 (const char *[]){stage->variable, NULL}, output),
                     1);
    assert_non_null(strstr(output, "is another user's"));
    assert_int_equal(verify(stage, output), 2);
    assert_non_null(strstr(output, "is another user's"));
    assert_int_equal(pread(stage->output, output, 1, 0), 0);
}

static void what_the_files_owner_left_is_removed_and_a_strangers_stays(void **state)
{
    struct stage *stage = *state;
    char output[COMMAND_OUTPUT];

    need(geteuid() == 0, "root, who can be two users,");
    file_make(stage);
    assert_int_equal(chown(stage->path, OTHER, OTHER), 0);
    leave(stage, "verify-root00", 0);
    leave(stage, "verify-owner0", OTHER);
    leave(stage, "verify-other0", STRANGER);
    assert_int_equal(verify(stage, output), 0);
    assert_false(is_there(stage, "verify-root00"));
    assert_false(is_there(stage, "verify-owner0"));
    assert_true(is_there(stage, "verify-other0"));
}

#define STAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE(the_copy_is_made_by_whoever_serves),
        STAGE(a_socket_of_another_user_is_told_nothing),
        STAGE(what_the_files_owner_left_is_removed_and_a_strangers_stays),
    };

    return cmocka_run_group_tests_name("http other user", tests, NULL, NULL);
}
