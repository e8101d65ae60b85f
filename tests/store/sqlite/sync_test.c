/* SPDX-License-Identifier: MIT */
/* A disk whose content is unknown after an error: the process stops with a clear line. The next
 * start must find everything that was answered. Of an unanswered commit it finds all or nothing.
 * The process that stops is a copy of this one. */
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discount/engine.h"
#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/clock.h"
#include "support/fault_vfs.h"
#include "support/process.h"

/* How many users ask in one turn. They are so few that they become one commit. */
#define HANDFUL 25
#define STOCK 1000000
#define EXIT_UNEXPECTED 99

/* The task of the copy, in memory that both processes share. */
struct trial {
    struct sqlite_fixture *sqlite;
    enum fault_file file;
    enum fault_call call;
    int torn; /* bytes of the write that fails */
    int code;
    unsigned answered; /* handfuls; written by the copy */
};

/* ---- The copy, which cannot use cmocka's assertions ---- */

static void must(bool holds)
{
    if (!holds) {
        _exit(EXIT_UNEXPECTED);
    }
}

static bool grant_handful(struct store_fixture *fixture, struct str id, unsigned handful)
{
    struct attempt *asked[HANDFUL];
    char text[16];

    for (size_t i = 0; i < HANDFUL; i++) {
        asked[i] = submit_grant(fixture, id, concurrent_clients_user(handful * HANDFUL + i, text));
    }
    if (!store_fixture_settle(fixture)) {
        return false;
    }
    for (size_t i = 0; i < HANDFUL; i++) {
        if (asked[i]->op.status != STATUS_OK) {
            return false;
        }
    }
    return true;
}

/* Grants three handfuls. Then the disk fails, and more are asked for until that ends the process.
 * */
static void run(void *argument)
{
    static const struct discount plain = {
        .brand_id = STR_INIT("b"), .discount_code = STR_INIT("c"), .total_count = STOCK};
    struct trial *trial = argument;
    const char *fault = "";
    struct store_engine *engine = store_engine_open(trial->sqlite->url, &fault);
    struct store_fixture fixture;
    struct attempt *created;

    must(engine != NULL && store_engine_start(engine));
    must(store_fixture_open_ready(&fixture, "sqlite", engine, sqlite_fixture_patient()));
    created = submit_create(&fixture, &plain, (struct str){0});
    must(store_fixture_settle(&fixture) && created->op.status == STATUS_OK);
    for (;;) {
        must(grant_handful(&fixture, created->op.create.discount.id, trial->answered));
        trial->answered++;
        if (trial->answered == 3) {
            fault_vfs_fail(trial->file, trial->call, 0, UINT_MAX, trial->code);
            fault_vfs_tear(trial->torn);
        }
    }
}

/* ---- The trial ---- */

/* Returns the last line of a text, without its newline. */
static char *last_line(char *text)
{
    char *line;

    assert_true(strlen(text) > 0 && text[strlen(text) - 1] == '\n');
    text[strlen(text) - 1] = '\0';
    line = strrchr(text, '\n');
    return line == NULL ? text : line + 1;
}

/* Runs the copy to its end. It must fail, and its last line must name the error. */
static struct trial *ended(struct sqlite_fixture *sqlite, const struct trial *given)
{
    struct trial *trial =
        mmap(NULL, sizeof(*trial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int output = memfd_create("stderr", MFD_CLOEXEC), status = 0;
    char text[4096] = "", *line;
    pid_t pid;

    assert_true(trial != MAP_FAILED && output >= 0);
    *trial = *given;
    trial->sqlite = sqlite;
    pid = process_fork(run, trial, output);
    assert_true(pid > 0);
    assert_true(process_wait(pid, 2 * CLOCK_PATIENCE_MS, &status));
    assert_true(pread(output, text, sizeof(text) - 1, 0) > 0);
    close(output);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    line = last_line(text);
    assert_non_null(strstr(line, " error "));
    assert_non_null(strstr(line, sqlite->path));
    assert_non_null(strstr(line, "it is not known what is on the disk: stopping"));
    return trial;
}

/* Returns how many users of a handful hold a grant. */
static size_t holders(struct store_fixture *fixture, struct str id, unsigned handful)
{
    size_t count = 0;

    for (size_t i = 0; i < HANDFUL; i++) {
        enum status read = sqlite_fixture_grant_get(fixture, id, handful * HANDFUL + i);

        CHECK(fixture, read == STATUS_OK || read == STATUS_GRANT_NOT_FOUND);
        count += read == STATUS_OK;
    }
    return count;
}

/* Checks what is found afterwards. Returns how many users of the unanswered handful hold a grant.
 * */
static size_t found(struct sqlite_fixture *sqlite, const struct trial *trial)
{
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct attempt *listed = submit_list(fixture, 0, 10);
    unsigned answered = trial->answered;
    struct str id;
    size_t in_doubt;

    assert_true(answered >= 3);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, listed->op.list.count, 1);
    id = listed->op.list.discounts[0].id;
    for (unsigned handful = 0; handful < answered; handful++) {
        CHECK_INT(fixture, holders(fixture, id, handful), HANDFUL);
    }
    in_doubt = holders(fixture, id, answered);
    CHECK(fixture, in_doubt == 0 || in_doubt == HANDFUL);
    CHECK_INT(fixture, holders(fixture, id, answered + 1), 0);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), answered * HANDFUL + in_doubt);
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, STOCK), STATUS_OK);
    return in_doubt;
}

static void a_failed_sync_of_a_commit_stops_the_process(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct trial *trial = ended(
        sqlite, &(struct trial){.file = FAULT_LOG, .call = FAULT_SYNC, .code = SQLITE_IOERR_FSYNC});

    assert_int_equal(trial->answered, 3);
    /* It was written, and this disk had not lost it. */
    assert_int_equal(found(sqlite, trial), HANDFUL);
    munmap(trial, sizeof(*trial));
}

/* Data of a failed sync are only in the system's cache, where they count as clean. They must be
 * written again before any client learns of them. */
static void what_a_log_left_is_on_the_disk_before_it_is_told(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct trial *trial = ended(
        sqlite, &(struct trial){.file = FAULT_LOG, .call = FAULT_SYNC, .code = SQLITE_IOERR_FSYNC});
    unsigned writes, syncs;
    char log[80];
    struct stat about;

    snprintf(log, sizeof(log), "%s-wal", sqlite->path);
    assert_int_equal(stat(log, &about), 0);
    assert_true(about.st_size > 0);
    fault_vfs_install();
    writes = fault_vfs_count(FAULT_DATABASE, FAULT_WRITE);
    syncs = fault_vfs_count(FAULT_DATABASE, FAULT_SYNC);
    sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    assert_true(fault_vfs_count(FAULT_DATABASE, FAULT_WRITE) > writes);
    assert_true(fault_vfs_count(FAULT_DATABASE, FAULT_SYNC) > syncs);
    assert_int_equal(stat(log, &about), 0);
    assert_int_equal(about.st_size, 0);
    munmap(trial, sizeof(*trial));
}

static void a_failed_write_of_a_commit_stops_the_process(void **state)
{
    static const int torn[] = {0, 1, 24, 1000, 2072, 2090, 4144};

    for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
        struct sqlite_fixture *sqlite = *state;
        struct trial *trial = ended(sqlite, &(struct trial){.file = FAULT_LOG,
                                                            .call = FAULT_WRITE,
                                                            .torn = torn[i],
                                                            .code = SQLITE_IOERR_WRITE});

        assert_int_equal(trial->answered, 3);
        assert_int_equal(found(sqlite, trial), 0);
        munmap(trial, sizeof(*trial));
        sqlite_fixture_close(sqlite);
        assert_int_equal(unlink(sqlite->path), 0);
    }
}

static void a_failed_sync_of_a_checkpoint_stops_the_process(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct trial *trial = ended(
        sqlite,
        &(struct trial){.file = FAULT_DATABASE, .call = FAULT_SYNC, .code = SQLITE_IOERR_FSYNC});

    assert_true(trial->answered > 3);
    found(sqlite, trial);
    munmap(trial, sizeof(*trial));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_failed_sync_of_a_commit_stops_the_process),
        SQLITE_TEST(what_a_log_left_is_on_the_disk_before_it_is_told),
        SQLITE_TEST(a_failed_write_of_a_commit_stops_the_process),
        SQLITE_TEST(a_failed_sync_of_a_checkpoint_stops_the_process),
    };

    log_set_level(LOG_WARNING);
    return cmocka_run_group_tests_name("sqlite sync", tests, NULL, NULL);
}
