/* SPDX-License-Identifier: MIT */
/* How verify handles a file that another process has locked. The test plays that process: whether
 * it exists, what it answers, and which files it writes. */
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands/copy_directory.h"
#include "commands/verify.h"
#include "control/client.h"
#include "support/clock.h"
#include "support/directory.h"
#include "support/process.h"
#include "support/test.h"

#define COPY(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

enum play { ANSWERS, ANSWERS_WITH_FINDINGS, REFUSES, IS_ANOTHERS, IS_NOBODY, IS_INTERRUPTED };

struct stage {
    struct directory directory;
    char path[64], url[80];
    struct store_engine *served; /* started, so the file is locked */
    struct store_engine *engine; /* of the command */
    enum play play;
    int number;              /* of the signal that interrupts */
    int directories;         /* how many were made */
    bool is_directory_right; /* whether the directory was right when the copy was asked for */
    char output[4096];
};

/* Global: the functions below have no other way to reach it. */
static struct stage *stage;

/* ---- The serving process ---- */

/* Requires that the directory is beside the file, for this user only, and empty. */
static bool is_directory_right(const char *file)
{
    char path[256], name[256];
    struct stat about;
    int entries = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "%s", file);
    snprintf(name, sizeof(name), "%s", dirname(path));
    directory = opendir(name);
    if (directory == NULL || stat(name, &about) != 0) {
        return false;
    }
    while (readdir(directory) != NULL) {
        entries++;
    }
    closedir(directory);
    return entries == 2 && (about.st_mode & 0777) == 0700 &&
           strcmp(dirname(name), stage->directory.path) == 0;
}

static void copy_spoil(const char *file)
{
    sqlite3 *handle = NULL;

    assert_int_equal(sqlite3_open_v2(file, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "DROP TRIGGER grants_are_counted", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

/* Sends a signal within a copy; this ends the process. */
static void interrupt(const char *file)
{
    char path[256];

    snprintf(path, sizeof(path), "%s-partial", file);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s-partial/copy-partial", file);
    close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
    kill(getpid(), stage->number);
    for (;;) {
        pause();
    }
}

enum control_answer __wrap_control_client_connect(const char *control_path,
                                                  struct control_peer *ret_peer,
                                                  char ret_error[STORE_ERROR_SIZE]);
bool __wrap_control_client_backup(const struct control_peer *peer, const char *file,
                                  store_progress_fn progress, void *argument,
                                  char ret_error[STORE_ERROR_SIZE]);
void __wrap_control_client_hang_up(const struct control_peer *peer);
char *__wrap_mkdtemp(char *path);
char *__real_mkdtemp(char *path);

enum control_answer __wrap_control_client_connect(const char *control_path,
                                                  struct control_peer *ret_peer,
                                                  char ret_error[STORE_ERROR_SIZE])
{
    assert_string_equal(control_path, store_engine_control_path(stage->engine));
    if (stage->play == IS_ANOTHERS) {
        strcpy(ret_error, "the socket is another user's");
        return CONTROL_UNTRUSTED;
    }
    *ret_peer = (struct control_peer){-1, geteuid(), getegid()};
    return stage->play == IS_NOBODY ? CONTROL_NOBODY : CONTROL_THERE;
}

bool __wrap_control_client_backup(const struct control_peer *peer, const char *file,
                                  store_progress_fn progress, void *argument,
                                  char ret_error[STORE_ERROR_SIZE])
{
    assert_int_equal(peer->fd, -1);
    stage->is_directory_right = is_directory_right(file);
    if (stage->play == REFUSES) {
        strcpy(ret_error, "the disk is full");
        return false;
    }
    if (stage->play == IS_INTERRUPTED) {
        interrupt(file);
    }
    assert_true(store_engine_backup(stage->served, file, progress, argument, ret_error));
    if (stage->play == ANSWERS_WITH_FINDINGS) {
        copy_spoil(file);
    }
    return true;
}

void __wrap_control_client_hang_up(const struct control_peer *peer)
{
    assert_int_equal(peer->fd, -1);
}

char *__wrap_mkdtemp(char *path)
{
    if (stage != NULL) {
        stage->directories++;
    }
    return __real_mkdtemp(path);
}

/* ---- The stage ---- */

static int setup(void **state)
{
    const char *fault = "";

    stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    directory_make(&stage->directory);
    snprintf(stage->path, sizeof(stage->path), "%s/discount.db", stage->directory.path);
    snprintf(stage->url, sizeof(stage->url), "sqlite:%s", stage->path);
    stage->served = store_engine_open(stage->url, &fault);
    stage->engine = store_engine_open(stage->url, &fault);
    assert_non_null(stage->served);
    assert_non_null(stage->engine);
    assert_true(store_engine_start(stage->served));
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    (void)state; /* the state is `stage` */
    store_engine_close(stage->engine);
    if (stage->served != NULL) {
        store_engine_close(stage->served);
    }
    directory_remove(&stage->directory);
    free(stage);
    return 0;
}

/* Runs verify, and keeps its standard output in the stage. */
static int run(enum play play)
{
    static const struct config config = {.log_level = LOG_ERROR};
    int output = memfd_create("output", MFD_CLOEXEC), kept = dup(STDOUT_FILENO), code;
    ssize_t n;

    stage->play = play;
    stage->directories = 0;
    fflush(stdout);
    dup2(output, STDOUT_FILENO);
    code = command_verify(&config, stage->engine);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    n = pread(output, stage->output, sizeof(stage->output) - 1, 0);
    stage->output[n < 0 ? 0 : n] = '\0';
    close(output);
    return code;
}

/* Returns whether only SQLite's own files are beside the file. */
static bool is_clean(void)
{
    DIR *directory = opendir(stage->directory.path);
    const struct dirent *entry;
    bool is_one = true;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        is_one &= entry->d_name[0] == '.' || strncmp(entry->d_name, "discount.db", 11) == 0;
    }
    closedir(directory);
    return is_one;
}

/* ---- The tests ---- */

static void a_file_that_is_served_is_verified_in_a_copy(void **state)
{
    (void)state;
    assert_int_equal(run(ANSWERS), 0);
    assert_string_equal(stage->output, "0 discounts, 0 grants: no findings\n");
    assert_true(stage->is_directory_right);
    assert_true(is_clean());
}

static void the_faults_of_the_copy_are_told(void **state)
{
    (void)state;
    assert_int_equal(run(ANSWERS_WITH_FINDINGS), 1);
    assert_string_equal(stage->output, "schema: the trigger grants_are_counted is missing\n"
                                       "0 discounts, 0 grants: 1 finding\n");
    assert_true(is_clean());
}

static void a_copy_that_is_refused_is_2(void **state)
{
    (void)state;
    assert_int_equal(run(REFUSES), 2);
    assert_string_equal(stage->output, "");
    assert_true(is_clean());
}

static void another_users_process_is_2_and_gets_no_directory(void **state)
{
    (void)state;
    assert_int_equal(run(IS_ANOTHERS), 2);
    assert_string_equal(stage->output, "");
    assert_int_equal(stage->directories, 0);
}

static void a_file_that_nobody_serves_is_verified_itself(void **state)
{
    (void)state;
    store_engine_close(stage->served);
    stage->served = NULL;
    assert_int_equal(run(IS_NOBODY), 0);
    assert_string_equal(stage->output, "0 discounts, 0 grants: no findings\n");
    assert_true(is_clean());
}

/* Its directory may be read-only. */
static void a_file_that_nobody_serves_needs_no_directory(void **state)
{
    (void)state;
    store_engine_close(stage->served);
    stage->served = NULL;
    assert_int_equal(run(IS_NOBODY), 0);
    assert_int_equal(stage->directories, 0);
}

/* A process that has locked the file but does not answer, such as an sqlite3 shell. */
static void a_file_that_is_locked_by_a_stranger_is_2(void **state)
{
    (void)state;
    assert_int_equal(run(IS_NOBODY), 2);
    assert_string_equal(stage->output, "");
    assert_true(is_clean());
}

static void interrupted_by(int number)
{
    int status = 0;
    pid_t pid;

    stage->number = number;
    pid = fork();
    if (pid == 0) {
        alarm(2 * CLOCK_PATIENCE_MS / 1000);
        run(IS_INTERRUPTED);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &status));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    assert_true(is_clean());
}

static void the_signal_that_ends_it_takes_the_copy_away(void **state)
{
    (void)state;
    /* Its thread would not survive the fork. */
    store_engine_close(stage->served);
    stage->served = NULL;
    interrupted_by(SIGTERM);
    interrupted_by(SIGINT);
    interrupted_by(SIGHUP);
}

/* ---- Leftovers of others ---- */

static void path_of(const char *name, char ret_path[256])
{
    snprintf(ret_path, 256, "%s/%s", stage->directory.path, name);
}

static bool is_there(const char *name)
{
    char path[256];
    struct stat about;

    path_of(name, path);
    return lstat(path, &about) == 0;
}

static void leave_directory(const char *name, mode_t mode)
{
    char path[256];

    path_of(name, path);
    assert_int_equal(mkdir(path, mode), 0);
}

static void leave_file(const char *name)
{
    char path[256];
    int fd;

    path_of(name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void what_a_verify_left_that_was_killed_is_removed(void **state)
{
    (void)state;
    leave_directory("verify-aB3xyZ", 0700);
    leave_file("verify-aB3xyZ/copy-partial");
    leave_file("verify-aB3xyZ/copy-partial-wal");
    leave_directory("verify-000000", 0700);
    leave_directory("verify-000000/copy-partial-partial", 0700);
    leave_file("verify-000000/copy-partial-partial/copy-partial");
    assert_int_equal(run(ANSWERS), 0);
    assert_true(is_clean());
}

static void a_copy_that_another_verify_has_stays(void **state)
{
    char path[256];
    int fd;

    (void)state;
    leave_directory("verify-aB3xyZ", 0700);
    leave_file("verify-aB3xyZ/copy-partial");
    path_of("verify-aB3xyZ", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(run(ANSWERS), 0);
    assert_true(is_there("verify-aB3xyZ/copy-partial"));
    close(fd);
}

/* A verify at work also locks its own. */
static void a_copy_is_held_while_it_is_verified(void **state)
{
    struct copy_directory directory;
    const struct control_peer peer = {-1, geteuid(), getegid()};
    const char *control_path = store_engine_control_path(stage->engine);

    (void)state;
    assert_true(copy_directory_make(control_path, &peer, &directory));
    copy_directory_remove_leftovers(control_path);
    assert_int_equal(access(directory.path, F_OK), 0);
    copy_directory_remove(&directory);
    assert_true(is_clean());
}

static void what_no_verify_has_made_stays(void **state)
{
    char path[256];

    (void)state;
    leave_directory("verify-abc12", 0700);
    leave_directory("verify-abc1234", 0700);
    leave_directory("verify-abc_12", 0700);
    leave_directory("verify-public", 0755);
    leave_directory("verify-filled", 0700);
    leave_file("verify-filled/else");
    leave_directory("verify-astore", 0700);
    leave_file("verify-astore/copy");
    leave_file("verify-astore/shop.db");
    leave_file("verify-afile1");
    leave_directory("elsewhere", 0700);
    leave_file("elsewhere/copy-partial");
    path_of("verify-alink1", path);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_int_equal(run(ANSWERS), 0);
    assert_true(is_there("verify-abc12"));
    assert_true(is_there("verify-abc1234"));
    assert_true(is_there("verify-abc_12"));
    assert_true(is_there("verify-public"));
    assert_true(is_there("verify-filled/else"));
    assert_true(is_there("verify-astore/copy"));
    assert_true(is_there("verify-astore/shop.db"));
    assert_true(is_there("verify-afile1"));
    assert_true(is_there("verify-alink1"));
    assert_true(is_there("elsewhere/copy-partial"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COPY(a_file_that_is_served_is_verified_in_a_copy),
        COPY(the_faults_of_the_copy_are_told),
        COPY(a_copy_that_is_refused_is_2),
        COPY(another_users_process_is_2_and_gets_no_directory),
        COPY(a_file_that_nobody_serves_is_verified_itself),
        COPY(a_file_that_nobody_serves_needs_no_directory),
        COPY(a_file_that_is_locked_by_a_stranger_is_2),
        COPY(the_signal_that_ends_it_takes_the_copy_away),
        COPY(what_a_verify_left_that_was_killed_is_removed),
        COPY(a_copy_that_another_verify_has_stays),
        COPY(a_copy_is_held_while_it_is_verified),
        COPY(what_no_verify_has_made_stays),
    };

    return cmocka_run_group_tests_name("http verify copy", tests, NULL, NULL);
}
