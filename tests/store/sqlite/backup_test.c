/* SPDX-License-Identifier: MIT */
/* A backup through the engine of a store that serves: step by step, cancelled, and one at a time.
 * It also checks the calls that reach the disk. For that, this program replaces system calls of
 * SQLite. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "discount/engine.h"
#include "store/check.h"
#include "support/clock.h"
#include "support/directory.h"
#include "support/test.h"

/* Together they have more pages than one step copies. */
#define BALLAST 4000

/* ---- The disk ---- */

/* Records what happened to the copy and its directory, one letter for each kind of change. It is
 * global: the functions below have no other way to reach it. */
static struct {
    char path[96], directory[64]; /* of the growing copy */
    char letters[64];             /* "wsrd": written, synced, renamed, the directory synced */
    size_t count;
    int rename_fault, directory_fault; /* errno, or 0 */
} disk;

static void disk_note(char letter)
{
    if (disk.count + 1 < sizeof(disk.letters) &&
        (disk.count == 0 || disk.letters[disk.count - 1] != letter)) {
        disk.letters[disk.count++] = letter;
    }
}

static bool is_open_at(int fd, const char *path)
{
    struct stat held, named;

    return path[0] != '\0' && fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (is_open_at(fd, disk.path)) {
        disk_note('w');
    }
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

int fdatasync(int fd)
{
    if (is_open_at(fd, disk.path)) {
        disk_note('s');
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    if (is_open_at(fd, disk.directory)) {
        disk_note('d');
        if (disk.directory_fault != 0) {
            errno = disk.directory_fault;
            return -1;
        }
    }
    return (int)syscall(SYS_fsync, fd);
}

int renameat2(int from_directory, const char *from, int to_directory, const char *to,
              unsigned flags)
{
    disk_note('r');
    if (disk.rename_fault != 0) {
        errno = disk.rename_fault;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
}

/* ---- The archive ---- */

struct archive {
    struct directory directory;
    struct store_engine *engine;
    struct store_fixture fixture;
    bool is_at_rest; /* the store is closed */
    char path[64];
};

static int setup(void **state)
{
    const struct store_limits limits = {.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = BALLAST};
    struct archive *archive = calloc(1, sizeof(*archive));
    const char *fault = NULL;
    char url[64];

    *state = archive;
    if (archive == NULL) {
        return -1;
    }
    directory_make(&archive->directory);
    snprintf(url, sizeof(url), "sqlite:%s/discount.db", archive->directory.path);
    snprintf(archive->path, sizeof(archive->path), "%s/copy.db", archive->directory.path);
    archive->engine = store_engine_open(url, &fault);
    if (archive->engine == NULL || !store_engine_start(archive->engine) ||
        !store_fixture_open_ready(&archive->fixture, "sqlite", archive->engine, limits)) {
        return -1;
    }
    for (size_t i = 0; i < BALLAST; i++) {
        char code[256];

        memset(code, 'c', sizeof(code));
        submit_create(&archive->fixture,
                      &(struct discount){.brand_id = STR("a brand"),
                                         .discount_code = {code, sizeof(code)},
                                         .total_count = 1},
                      (struct str){0});
    }
    return store_fixture_settle(&archive->fixture) ? 0 : -1;
}

static int teardown(void **state)
{
    struct archive *archive = *state;
    const char *broken = archive->is_at_rest ? NULL : store_fixture_close(&archive->fixture);

    memset(&disk, 0, sizeof(disk));
    store_engine_close(archive->engine);
    directory_remove(&archive->directory);
    free(archive);
    return broken == NULL ? 0 : -1;
}

/* Closes the store, so that only the copy writes to the disk. */
static void rest(struct archive *archive)
{
    char path[128];

    assert_null(store_fixture_close(&archive->fixture));
    archive->is_at_rest = true;
    store_engine_close(archive->engine);
    snprintf(path, sizeof(path), "sqlite:%s/discount.db", archive->directory.path);
    archive->engine = store_engine_open(path, &(const char *){NULL});
    memset(&disk, 0, sizeof(disk));
    snprintf(disk.path, sizeof(disk.path), "%s-partial/copy-partial", archive->path);
    snprintf(disk.directory, sizeof(disk.directory), "%s", archive->directory.path);
}

static bool is_there(const char *path, const char *ending)
{
    char name[80];

    snprintf(name, sizeof(name), "%s%s", path, ending);
    return access(name, F_OK) == 0;
}

struct seen {
    uint64_t calls, last, total;
    bool went_back;
};

static bool see(void *argument, uint64_t done, uint64_t total)
{
    struct seen *seen = argument;

    seen->went_back = seen->went_back || done < seen->last;
    seen->calls++;
    seen->last = done;
    seen->total = total;
    return true;
}

static void a_backup_reports_its_progress(void **state)
{
    struct archive *archive = *state;
    struct seen seen = {0};
    char fault[STORE_ERROR_SIZE] = "";

    assert_true(store_engine_backup(archive->engine, archive->path, see, &seen, fault));
    assert_true(seen.calls > 1);
    assert_true(seen.total > 256);
    assert_false(seen.went_back);
    assert_true(is_there(archive->path, ""));
    assert_false(is_there(archive->path, "-partial"));
}

static bool give_up(void *argument, uint64_t done, uint64_t total)
{
    (void)argument;
    (void)done;
    (void)total;
    return false;
}

static void a_backup_that_is_given_up_leaves_nothing(void **state)
{
    struct archive *archive = *state;
    struct seen seen = {0};
    char fault[STORE_ERROR_SIZE] = "";

    assert_false(store_engine_backup(archive->engine, archive->path, give_up, NULL, fault));
    assert_non_null(strstr(fault, "cancelled"));
    assert_false(is_there(archive->path, ""));
    assert_false(is_there(archive->path, "-partial"));
    assert_true(store_engine_backup(archive->engine, archive->path, see, &seen, fault));
}

/* Stops its backup in the first callback until it is released. */
struct held {
    sem_t has_begun, may_go_on;
    struct archive *archive;
    bool is_done, is_first;
};

static bool hold(void *argument, uint64_t done, uint64_t total)
{
    struct held *held = argument;

    (void)done;
    (void)total;
    if (!held->is_first) {
        held->is_first = true;
        sem_post(&held->has_begun);
        sem_wait(&held->may_go_on);
    }
    return true;
}

static void *back_up(void *argument)
{
    struct held *held = argument;
    char fault[STORE_ERROR_SIZE];

    held->is_done =
        store_engine_backup(held->archive->engine, held->archive->path, hold, held, fault);
    return NULL;
}

/* A slow receiver of progress delays neither the store nor the other copy. */
static void the_store_serves_while_a_backup_is_made(void **state)
{
    struct archive *archive = *state;
    struct held held = {.archive = archive};
    char fault[STORE_ERROR_SIZE] = "", second[80];
    struct attempt *listed;
    pthread_t thread;

    sem_init(&held.has_begun, 0, 0);
    sem_init(&held.may_go_on, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, back_up, &held), 0);
    sem_wait(&held.has_begun);
    listed = submit_list(&archive->fixture, 0, 3);
    assert_true(store_fixture_settle(&archive->fixture));
    CHECK_STATUS(&archive->fixture, listed, STATUS_OK);
    snprintf(second, sizeof(second), "%s-second", archive->path);
    assert_false(store_engine_backup(archive->engine, second, give_up, NULL, fault));
    assert_non_null(strstr(fault, "another backup"));
    sem_post(&held.may_go_on);
    pthread_join(thread, NULL);
    assert_true(held.is_done);
    assert_true(is_there(archive->path, ""));
}

static void a_backup_at_rest_can_be_given_up_too(void **state)
{
    struct archive *archive = *state;
    char fault[STORE_ERROR_SIZE] = "";

    rest(archive);
    assert_false(store_engine_backup(archive->engine, archive->path, give_up, NULL, fault));
    assert_false(is_there(archive->path, "-partial"));
    assert_true(store_engine_start(archive->engine));
}

/* ---- Calls that reach the disk ---- */

static bool go_on(void *argument, uint64_t done, uint64_t total)
{
    (void)argument;
    (void)done;
    (void)total;
    return true;
}

static void the_copy_is_on_the_disk_before_its_name_and_the_name_before_the_end(void **state)
{
    struct archive *archive = *state;
    char fault[STORE_ERROR_SIZE] = "";

    rest(archive);
    assert_true(store_engine_backup(archive->engine, archive->path, go_on, NULL, fault));
    assert_string_equal(disk.letters, "wswsrd");
}

static void a_name_that_is_not_on_the_disk_is_none(void **state)
{
    struct archive *archive = *state;
    char fault[STORE_ERROR_SIZE] = "";

    rest(archive);
    disk.directory_fault = EIO;
    assert_false(store_engine_backup(archive->engine, archive->path, go_on, NULL, fault));
    assert_non_null(strstr(fault, strerror(EIO)));
    assert_false(is_there(archive->path, ""));
    assert_false(is_there(archive->path, "-partial"));
}

/* A network file system, for example. */
static void a_disk_whose_renames_replace_gets_a_link(void **state)
{
    static const int faults[] = {EINVAL, ENOSYS};
    struct archive *archive = *state;
    char fault[STORE_ERROR_SIZE] = "";

    rest(archive);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        disk.rename_fault = faults[i];
        assert_true(store_engine_backup(archive->engine, archive->path, go_on, NULL, fault));
        assert_true(is_there(archive->path, ""));
        assert_false(is_there(archive->path, "-partial"));
        assert_int_equal(unlink(archive->path), 0);
    }
}

/* Another process takes the name meanwhile. */
static bool take_the_name(void *argument, uint64_t done, uint64_t total)
{
    const struct archive *archive = argument;
    int fd = open(archive->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)done;
    (void)total;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 5), 0);
    close(fd);
    return true;
}

static void a_name_that_was_taken_meanwhile_is_left_alone(void **state)
{
    static const int faults[] = {0, EINVAL};
    struct archive *archive = *state;
    char fault[STORE_ERROR_SIZE] = "";
    struct stat about;

    rest(archive);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        disk.rename_fault = faults[i];
        assert_false(
            store_engine_backup(archive->engine, archive->path, take_the_name, archive, fault));
        assert_non_null(strstr(fault, strerror(EEXIST)));
        assert_int_equal(stat(archive->path, &about), 0);
        assert_int_equal(about.st_size, 5);
        assert_false(is_there(archive->path, "-partial"));
        assert_int_equal(unlink(archive->path), 0);
    }
}

/* ---- Two backups to one name ---- */

/* During one backup, starts another, which might take the growing copy for a leftover. */
static bool back_up_too(void *argument, uint64_t done, uint64_t total)
{
    const struct archive *archive = argument;
    char url[64], fault[STORE_ERROR_SIZE] = "";
    struct store_engine *other;

    if (done == total) {
        return true; /* the copy has its final name */
    }
    snprintf(url, sizeof(url), "sqlite:%s/other.db", archive->directory.path);
    other = store_engine_open(url, &(const char *){NULL});
    assert_true(store_engine_start(other));
    assert_false(store_engine_backup(other, archive->path, go_on, NULL, fault));
    assert_non_null(strstr(fault, "another backup"));
    store_engine_close(other);
    return true;
}

static void a_copy_that_grows_is_nobody_elses(void **state)
{
    struct archive *archive = *state;
    char fault[STORE_ERROR_SIZE] = "";

    rest(archive);
    assert_true(store_engine_backup(archive->engine, archive->path, back_up_too, archive, fault));
}

#define ARCHIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARCHIVE(a_backup_reports_its_progress),
        ARCHIVE(a_backup_that_is_given_up_leaves_nothing),
        ARCHIVE(the_store_serves_while_a_backup_is_made),
        ARCHIVE(a_backup_at_rest_can_be_given_up_too),
        ARCHIVE(the_copy_is_on_the_disk_before_its_name_and_the_name_before_the_end),
        ARCHIVE(a_name_that_is_not_on_the_disk_is_none),
        ARCHIVE(a_disk_whose_renames_replace_gets_a_link),
        ARCHIVE(a_name_that_was_taken_meanwhile_is_left_alone),
        ARCHIVE(a_copy_that_grows_is_nobody_elses),
    };

    return cmocka_run_group_tests_name("sqlite backup", tests, NULL, NULL);
}
