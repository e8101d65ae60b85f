/* SPDX-License-Identifier: MIT */
/* A power cut loses nothing that was answered. Cuts come at random moments of the disk's work,
 * within commits and checkpoints, and the log is cut off at every sector. The remaining files must
 * open, be valid and hold whole commits: all answered ones, in their order.
 *
 * POWER_SEED in the environment repeats the moments of another run. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/findings.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/power_disk.h"
#include "support/seed.h"

/* How many users ask in one turn. They are so few that they become one commit. */
#define HANDFUL 25
#define STOCK 1000000
#define SECTOR 512

/* Enough to write the log of 16 MiB into the file a few times. */
#define HANDFULS 1500
#define MOST_CUTS 60
/* There are about 5 writes to a sync, most of them of a checkpoint. */
#define WRITES_PER_CUT 400
#define SYNCS_PER_CUT 100

/* ---- The remaining files ---- */

struct remains {
    bool opens, is_valid;
    uint32_t discounts, grants;
    bool is_ordered; /* the grants are those of the first users, without a gap */
};

/* Users come in an order that differs from that of their names, so commits touch many pages. */
static struct str user_name(uint32_t n, char text[16])
{
    uint32_t reversed = 0;

    for (int bit = 0; bit < 32; bit++) {
        reversed |= (n >> bit & 1) << (31 - bit);
    }
    snprintf(text, 16, "u%08x", reversed);
    return str_of(text);
}

static uint32_t user_number(const char *name)
{
    uint32_t reversed = (uint32_t)strtoul(name + 1, NULL, 16), n = 0;

    for (int bit = 0; bit < 32; bit++) {
        n |= (reversed >> bit & 1) << (31 - bit);
    }
    return n;
}

static sqlite3_stmt *prepared(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    return statement;
}

static bool is_valid(sqlite3 *handle)
{
    sqlite3_stmt *check = prepared(handle, "PRAGMA integrity_check");
    bool valid = sqlite3_step(check) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;

    sqlite3_finalize(check);
    return valid;
}

static uint32_t count_of(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *count = prepared(handle, sql);
    uint32_t n = sqlite3_step(count) == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(count, 0) : 0;

    sqlite3_finalize(count);
    return n;
}

/* If there are as many different users as `count`, and all their numbers are below it, none is
 * missing. */
static bool is_ordered(sqlite3 *handle, uint32_t count)
{
    sqlite3_stmt *users = prepared(handle, "SELECT user_id FROM grants");
    bool ordered = true;

    while (ordered && sqlite3_step(users) == SQLITE_ROW) {
        ordered = user_number((const char *)sqlite3_column_text(users, 0)) < count;
    }
    sqlite3_finalize(users);
    return ordered;
}

/* Opens the files with SQLite alone, on a disk without faults. */
static struct remains remains_of(const char *path)
{
    struct remains remains = {0};
    sqlite3 *handle = NULL;

    remains.opens =
        sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, "unix") == SQLITE_OK &&
        sqlite3_exec(handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK;
    if (remains.opens) {
        remains.is_valid = is_valid(handle);
        remains.discounts = count_of(handle, "SELECT count(*) FROM discounts");
        remains.grants = count_of(handle, "SELECT count(*) FROM grants");
        remains.is_ordered = is_ordered(handle, remains.grants);
    }
    sqlite3_close(handle);
    return remains;
}

static void remove_copy(const char *path)
{
    char log[96];

    snprintf(log, sizeof(log), "%s-wal", path);
    unlink(path);
    unlink(log);
}

/* ---- The sale ---- */

/* Asks for the next handful and waits for the answers. */
static void handful_grant(struct store_fixture *fixture, struct str id, uint32_t handful)
{
    struct attempt *asked[HANDFUL];
    char text[16];

    for (uint32_t i = 0; i < HANDFUL; i++) {
        asked[i] = submit_grant(fixture, id, user_name(handful * HANDFUL + i, text));
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < HANDFUL; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
    }
}

/* ---- Cuts at any moment ---- */

struct cutter {
    struct power_disk *disk;
    char path[64]; /* of the copies */
    uint32_t random;
    bool is_armed;
    unsigned moments, cuts[POWER_LOSSES];
    uint32_t answered;  /* handfuls; written by the thread that asks */
    uint32_t recovered; /* handfuls that were found but not answered */
    unsigned lost;      /* cuts after which an answered grant is missing */
    char fault[256];    /* the first error; empty: none */
};

static void remains_judge(struct cutter *cutter, const struct remains *remains, uint32_t answered)
{
    uint32_t whole = remains->grants / HANDFUL;

    if (!remains->opens || !remains->is_valid || !remains->is_ordered ||
        remains->grants % HANDFUL != 0 || whole > answered + 1) {
        snprintf(cutter->fault, sizeof(cutter->fault),
                 "moment %u, %u handfuls answered: opens %d, sound %d, ordered %d, %u grants",
                 cutter->moments, answered, remains->opens, remains->is_valid, remains->is_ordered,
                 remains->grants);
    }
    cutter->lost += whole < answered;
    cutter->recovered += whole > answered;
}

static void cut(struct cutter *cutter)
{
    /* Read before the cut is written: answers go on meanwhile. */
    uint32_t answered = __atomic_load_n(&cutter->answered, __ATOMIC_ACQUIRE);
    enum power_loss loss = random_next(&cutter->random) % POWER_LOSSES;
    struct remains remains;

    cutter->cuts[loss]++;
    power_disk_leave(cutter->disk, cutter->path, loss, random_next(&cutter->random));
    remains = remains_of(cutter->path);
    remove_copy(cutter->path);
    remains_judge(cutter, &remains, answered);
}

/* On the store's thread. */
static void moment(void *context, enum power_moment moment)
{
    struct cutter *cutter = context;
    unsigned cuts = 0, rarity = moment == POWER_AT_SYNC ? SYNCS_PER_CUT : WRITES_PER_CUT;

    for (size_t i = 0; i < POWER_LOSSES; i++) {
        cuts += cutter->cuts[i];
    }
    cutter->moments++;
    if (cutter->is_armed && cutter->fault[0] == '\0' && cuts < MOST_CUTS &&
        random_next(&cutter->random) % rarity == 0) {
        cut(cutter);
    }
}

/* Sells while the power is cut now and then. Returns how often. */
static void sell(struct sqlite_fixture *sqlite, struct cutter *cutter, uint32_t handfuls)
{
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, STOCK);

    cutter->is_armed = true;
    for (uint32_t handful = 0; handful < handfuls && cutter->fault[0] == '\0'; handful++) {
        handful_grant(fixture, id, handful);
        __atomic_store_n(&cutter->answered, handful + 1, __ATOMIC_RELEASE);
    }
    sqlite_fixture_close(sqlite);
}

static void cutter_start(struct cutter *cutter, const struct sqlite_fixture *sqlite)
{
    *cutter = (struct cutter){.random = seed_choose("POWER_SEED")};
    snprintf(cutter->path, sizeof(cutter->path), "%s/copy.db", sqlite->directory.path);
    cutter->disk = power_disk_new(moment, cutter);
}

static void cutter_end(struct cutter *cutter)
{
    print_message("%u moments; power cuts that lost all, some, nothing of what was not "
                  "synced: %u, %u, %u; handfuls recovered: %u\n",
                  cutter->moments, cutter->cuts[POWER_LOSES_ALL], cutter->cuts[POWER_LOSES_SOME],
                  cutter->cuts[POWER_LOSES_NOTHING], cutter->recovered);
    power_disk_free(cutter->disk);
    if (cutter->fault[0] != '\0') {
        fail_msg("%s", cutter->fault);
    }
}

static void nothing_that_was_answered_is_lost_by_a_power_cut(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct cutter cutter;

    cutter_start(&cutter, sqlite);
    sell(sqlite, &cutter, HANDFULS);
    cutter_end(&cutter);
    assert_int_equal(cutter.lost, 0);
    assert_int_equal(cutter.answered, HANDFULS);
    findings_none(sqlite->url, 1, HANDFULS * HANDFUL);
}

/* The check must notice a loss. */
static void a_disk_that_lies_about_its_syncs_loses_answers(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct cutter cutter;

    cutter_start(&cutter, sqlite);
    power_disk_lie(cutter.disk);
    sell(sqlite, &cutter, HANDFULS / 4);
    cutter.fault[0] = '\0'; /* such a disk may do worse than lose grants */
    cutter_end(&cutter);
    assert_true(cutter.lost > 0);
}

/* ---- A log that is cut off ---- */

static void never(void *context, enum power_moment moment)
{
    (void)context; /* no cut while the log is written */
    (void)moment;
}

#define CUT_HANDFULS 25

/* Copies the first bytes of a file. */
static void prefix_copy(const char *from, const char *to, off_t size)
{
    char *bytes = malloc((size_t)size + 1);
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");

    assert_true(bytes != NULL && in != NULL && out != NULL);
    assert_int_equal(fread(bytes, 1, (size_t)size, in), size);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, out), size);
    fclose(in);
    assert_int_equal(fclose(out), 0);
    free(bytes);
}

static off_t file_size(const char *path)
{
    struct stat about;

    assert_int_equal(stat(path, &about), 0);
    return about.st_size;
}

/* Sells a little, and notes the length of the log after each handful. */
static void sell_and_measure(struct sqlite_fixture *sqlite, size_t ret_sizes[1 + CUT_HANDFULS])
{
    struct power_disk *disk = power_disk_new(never, NULL);
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, STOCK);

    ret_sizes[0] = power_disk_synced_size(disk, FAULT_LOG);
    for (uint32_t handful = 0; handful < CUT_HANDFULS; handful++) {
        handful_grant(fixture, id, handful);
        ret_sizes[handful + 1] = power_disk_synced_size(disk, FAULT_LOG);
    }
    fault_vfs_watch(NULL);
    power_disk_free(disk);
}

static void a_log_cut_off_anywhere_holds_what_was_synced_before(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    char log[80], copy[64], copied_log[80];
    size_t sizes[1 + CUT_HANDFULS];
    uint32_t handfuls = 0;
    bool is_created = false;

    snprintf(log, sizeof(log), "%s-wal", sqlite->path);
    snprintf(copy, sizeof(copy), "%s/copy.db", sqlite->directory.path);
    snprintf(copied_log, sizeof(copied_log), "%s-wal", copy);
    sell_and_measure(sqlite, sizes);
    assert_true(file_size(log) > CUT_HANDFULS * 4 * SECTOR);
    for (off_t size = 0; size <= file_size(log); size += SECTOR) {
        struct remains remains;

        prefix_copy(sqlite->path, copy, file_size(sqlite->path));
        prefix_copy(log, copied_log, size);
        is_created = (size_t)size >= sizes[0];
        while (handfuls < CUT_HANDFULS && (size_t)size >= sizes[handfuls + 1]) {
            handfuls++;
        }
        remains = remains_of(copy);
        assert_true(remains.opens && remains.is_valid && remains.is_ordered);
        assert_int_equal(remains.discounts, is_created);
        assert_int_equal(remains.grants, handfuls * HANDFUL);
        remove_copy(copy);
    }
    assert_true(handfuls >= CUT_HANDFULS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(nothing_that_was_answered_is_lost_by_a_power_cut),
        SQLITE_TEST(a_disk_that_lies_about_its_syncs_loses_answers),
        SQLITE_TEST(a_log_cut_off_anywhere_holds_what_was_synced_before),
    };

    return cmocka_run_group_tests_name("sqlite power", tests, NULL, NULL);
}
