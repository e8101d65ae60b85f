/* SPDX-License-Identifier: MIT */
/* The log in pieces: whenever SQLite asks, the file holds what SQLite wrote, and a commit is one
 * write. WAL_SEED in the environment repeats another run. */
#include "store/sqlite/wal_vfs.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/concurrent_clients.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/fault_vfs.h"
#include "support/seed.h"

/* The header of a page, a page, and more than one piece can hold. */
#define HEAD 24
#define PAGE 2048
#define LARGE 100000

#define STEPS 4000
#define MOST_BYTES (1024 * 1024)

/* ---- A log without a database ---- */

struct log {
    sqlite3_filename names;
    sqlite3_file *file; /* owned */
};

static void log_open(const struct sqlite_fixture *sqlite, struct log *ret_log)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(sqlite_wal_vfs());
    FILE *database = fopen(sqlite->path, "ab"); /* a log gets the mode of its database */
    char wal[80];

    assert_true(vfs != NULL && database != NULL);
    fclose(database);
    snprintf(wal, sizeof(wal), "%s-wal", sqlite->path);
    ret_log->names = sqlite3_create_filename(sqlite->path, "", wal, 0, NULL);
    ret_log->file = calloc(1, (size_t)vfs->szOsFile);
    assert_true(ret_log->names != NULL && ret_log->file != NULL);
    assert_int_equal(vfs->xOpen(vfs, sqlite3_filename_wal(ret_log->names), ret_log->file,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL, NULL),
                     SQLITE_OK);
}

static void log_close(struct log *log)
{
    assert_int_equal(log->file->pMethods->xClose(log->file), SQLITE_OK);
    free(log->file);
    sqlite3_free_filename(log->names);
}

static int log_write(const struct log *log, const void *bytes, int n, sqlite3_int64 at)
{
    return log->file->pMethods->xWrite(log->file, bytes, n, at);
}

static int log_sync(const struct log *log)
{
    return log->file->pMethods->xSync(log->file, SQLITE_SYNC_NORMAL);
}

/* Compares the file with its expected content, without SQLite. */
static void assert_file(const struct log *log, const unsigned char *bytes, size_t n)
{
    static unsigned char found[MOST_BYTES + LARGE];
    FILE *file = fopen(sqlite3_filename_wal(log->names), "rb");

    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof(found), file), n);
    fclose(file);
    assert_memory_equal(found, bytes, n);
}

/* ---- Random calls ---- */

/* The expected content of the log. */
struct model {
    unsigned char bytes[MOST_BYTES + LARGE];
    size_t n, end; /* its size, and the end of the last write */
    uint32_t random;
};

/* Mostly writes after the last one, as SQLite does. */
static void step_write(const struct log *log, struct model *model)
{
    static const int sizes[] = {HEAD, PAGE, HEAD, PAGE, 1, 4096, LARGE};
    static unsigned char bytes[LARGE];
    int n = sizes[random_next(&model->random) % (sizeof(sizes) / sizeof(sizes[0]))];
    size_t at = model->end;

    if (random_next(&model->random) % 8 == 0 || at > MOST_BYTES) {
        at = random_next(&model->random) % (model->n < MOST_BYTES ? model->n + 1 : MOST_BYTES);
    }
    memset(bytes, (int)random_next(&model->random) & 0xFF, (size_t)n);
    assert_int_equal(log_write(log, bytes, n, (sqlite3_int64)at), SQLITE_OK);
    memcpy(model->bytes + at, bytes, (size_t)n);
    model->end = at + (size_t)n;
    model->n = model->end > model->n ? model->end : model->n;
}

static void step_read(const struct log *log, struct model *model)
{
    unsigned char found[PAGE];
    size_t at = random_next(&model->random) % (model->n + 1);

    if (model->n - at >= sizeof(found)) {
        assert_int_equal(
            log->file->pMethods->xRead(log->file, found, sizeof(found), (sqlite3_int64)at),
            SQLITE_OK);
        assert_memory_equal(found, model->bytes + at, sizeof(found));
    }
}

static void step_measure(const struct log *log, const struct model *model)
{
    sqlite3_int64 size = -1;

    assert_int_equal(log->file->pMethods->xFileSize(log->file, &size), SQLITE_OK);
    assert_int_equal(size, model->n);
}

static void step_cut(const struct log *log, struct model *model)
{
    size_t size = random_next(&model->random) % (model->n + 1);

    assert_int_equal(log->file->pMethods->xTruncate(log->file, (sqlite3_int64)size), SQLITE_OK);
    model->n = size;
    model->end = size;
    assert_file(log, model->bytes, model->n);
}

static void step_sync(const struct log *log, const struct model *model)
{
    assert_int_equal(log_sync(log), SQLITE_OK);
    assert_file(log, model->bytes, model->n);
}

static void what_lies_in_the_file_is_what_was_written(void **state)
{
    static struct model model;
    struct log log;

    model.random = seed_choose("WAL_SEED");
    log_open(*state, &log);
    for (int i = 0; i < STEPS; i++) {
        switch (random_next(&model.random) % 64) {
        case 0:
            step_cut(&log, &model);
            break;
        case 1:
            step_sync(&log, &model);
            break;
        case 2:
            step_measure(&log, &model);
            break;
        case 3:
        case 4:
            step_read(&log, &model);
            break;
        default:
            step_write(&log, &model);
        }
    }
    step_sync(&log, &model);
    step_write(&log, &model);
    log_close(&log);
    log_open(*state, &log);
    assert_file(&log, model.bytes, model.n);
    log_close(&log);
}

/* ---- Failures ---- */

static void what_could_not_be_written_does_not_come_later(void **state)
{
    static const unsigned char lost[PAGE] = {1}, kept[HEAD] = {2};
    struct log log;

    log_open(*state, &log);
    assert_int_equal(log_write(&log, lost, sizeof(lost), 0), SQLITE_OK);
    fault_vfs_fill();
    assert_int_equal(log_sync(&log), SQLITE_FULL);
    fault_vfs_mend();
    assert_int_equal(log_sync(&log), SQLITE_OK);
    assert_file(&log, lost, 0);
    assert_int_equal(log_write(&log, kept, sizeof(kept), 0), SQLITE_OK);
    assert_int_equal(log_sync(&log), SQLITE_OK);
    assert_file(&log, kept, sizeof(kept));
    log_close(&log);
}

/* A write may return the error of an earlier one. */
static void a_disk_that_is_full_is_told_before_much_was_written(void **state)
{
    static const unsigned char page[PAGE];
    struct log log;
    int code = SQLITE_OK, pages = 0;

    log_open(*state, &log);
    fault_vfs_fill();
    while (code == SQLITE_OK && pages < 1000) {
        code = log_write(&log, page, sizeof(page), (sqlite3_int64)pages * PAGE);
        pages++;
    }
    assert_int_equal(code, SQLITE_FULL);
    assert_in_range(pages, 1, 64);
    fault_vfs_mend();
    log_close(&log);
}

/* SQLite gets the code of a full disk: nothing more was written, and nothing is in doubt. */
static void a_quota_that_is_used_up_is_a_full_disk(void **state)
{
    static const struct {
        int number, code;
    } failures[] = {{EDQUOT, SQLITE_FULL},
                    {EFBIG, SQLITE_FULL},
                    {EIO, SQLITE_IOERR_WRITE},
                    {0, SQLITE_IOERR_WRITE}};
    static const unsigned char page[PAGE];
    struct log log;

    log_open(*state, &log);
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        fault_vfs_fail(FAULT_LOG, FAULT_WRITE, 0, UINT_MAX, SQLITE_IOERR_WRITE);
        fault_vfs_errno(failures[i].number);
        assert_int_equal(log_write(&log, page, sizeof(page), 0), SQLITE_OK);
        errno = EDQUOT; /* left by an earlier call */
        assert_int_equal(log_sync(&log), failures[i].code);
        fault_vfs_mend();
    }
    log_close(&log);
}

/* ---- Changes by another process ---- */

static struct sqlite_wal_vfs_log described(const struct log *log)
{
    struct sqlite_wal_vfs_log about;

    assert_true(sqlite_wal_vfs_describe(log->file, &about));
    return about;
}

static void it_knows_what_the_log_must_hold(void **state)
{
    static const unsigned char head[SQLITE_WAL_VFS_HEAD] = {1, 2, 3}, page[PAGE] = {4};
    struct log log;

    log_open(*state, &log);
    assert_int_equal(described(&log).size, 0);
    assert_false(described(&log).has_head);
    assert_int_equal(log_write(&log, head, sizeof(head), 0), SQLITE_OK);
    assert_int_equal(log_write(&log, page, sizeof(page), sizeof(head)), SQLITE_OK);
    assert_int_equal(log_sync(&log), SQLITE_OK);
    assert_int_equal(described(&log).size, sizeof(head) + sizeof(page));
    assert_memory_equal(described(&log).head, head, sizeof(head));
    log_close(&log);
    /* And what another process left. */
    log_open(*state, &log);
    assert_int_equal(described(&log).size, sizeof(head) + sizeof(page));
    assert_true(described(&log).has_head);
    assert_int_equal(log.file->pMethods->xTruncate(log.file, 0), SQLITE_OK);
    assert_int_equal(described(&log).size, 0);
    assert_false(described(&log).has_head);
    log_close(&log);
}

/* What SQLite writes next would make the log long enough again, with nothing in between. */
static void what_others_cut_off_is_not_read_as_zeros(void **state)
{
    static const unsigned char page[PAGE] = {1};
    unsigned char found[PAGE];
    struct log log;

    log_open(*state, &log);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(log_write(&log, page, sizeof(page), (sqlite3_int64)i * PAGE), SQLITE_OK);
    }
    assert_int_equal(log_sync(&log), SQLITE_OK);
    assert_int_equal(truncate(sqlite3_filename_wal(log.names), PAGE), 0);
    assert_int_equal(log_write(&log, page, sizeof(page), 4 * PAGE), SQLITE_OK);
    assert_int_equal(log_sync(&log), SQLITE_OK);
    assert_true(described(&log).is_cut);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(log.file->pMethods->xRead(log.file, found, sizeof(found), i * PAGE),
                         i == 0 || i == 4 ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
    }
    log_close(&log);
}

/* ---- Purpose ---- */

static void a_commit_is_one_write(void **state)
{
    enum { USERS = 30 };
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 1000);
    unsigned writes, syncs;
    char text[16];

    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, USERS), STATUS_OK);
    writes = fault_vfs_count(FAULT_LOG, FAULT_WRITE);
    syncs = fault_vfs_count(FAULT_LOG, FAULT_SYNC);
    for (size_t i = 0; i < USERS; i++) {
        submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), USERS + 1);
    CHECK_INT(fixture, fault_vfs_count(FAULT_LOG, FAULT_SYNC), syncs + 1);
    CHECK_INT(fixture, fault_vfs_count(FAULT_LOG, FAULT_WRITE), writes + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(what_lies_in_the_file_is_what_was_written),
        SQLITE_TEST(what_could_not_be_written_does_not_come_later),
        SQLITE_TEST(a_disk_that_is_full_is_told_before_much_was_written),
        SQLITE_TEST(a_quota_that_is_used_up_is_a_full_disk),
        SQLITE_TEST(it_knows_what_the_log_must_hold),
        SQLITE_TEST(what_others_cut_off_is_not_read_as_zeros),
        SQLITE_TEST(a_commit_is_one_write),
    };

    return cmocka_run_group_tests_name("sqlite wal", tests, NULL, NULL);
}
