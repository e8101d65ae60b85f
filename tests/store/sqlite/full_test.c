/* SPDX-License-Identifier: MIT */
/* A full disk: writes are refused and leave nothing; everything else goes on. When there is room
 * again, writes work again. */
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "discount/limits.h"
#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/findings.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/fault_vfs.h"

static const struct discount plain = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 7};

static struct attempt *settled(struct store_fixture *fixture, struct attempt *attempt)
{
    CHECK(fixture, store_fixture_settle(fixture));
    return attempt;
}

static void on_a_full_disk_grants_and_creations_are_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 100);

    fault_vfs_fill();
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 1), STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, settled(fixture, submit_create(fixture, &plain, (struct str){0})),
                 STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, settled(fixture, submit_create(fixture, &plain, STR("a key"))),
                 STATUS_UNAVAILABLE);
}

static void on_a_full_disk_reads_go_on(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 100);
    struct attempt *listed;

    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 1), STATUS_OK);
    fault_vfs_fill();
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 2), STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, settled(fixture, submit_ping(fixture)), STATUS_OK);
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), 1);
    CHECK_INT(fixture, sqlite_fixture_grant_get(fixture, id, 1), STATUS_OK);
    CHECK_INT(fixture, sqlite_fixture_grant_get(fixture, id, 2), STATUS_GRANT_NOT_FOUND);
    listed = settled(fixture, submit_list(fixture, 0, 10));
    CHECK_STATUS(fixture, listed, STATUS_OK);
    CHECK_INT(fixture, listed->op.list.count, 1);
}

/* Operations that write nothing, such as a holder's grant, are answered. This holds even in one
 * turn with refused ones. */
static void on_a_full_disk_what_needs_no_room_is_answered(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 100),
               gone = sqlite_fixture_discount(fixture, 1);
    struct attempt *holder, *refused, *late, *created, *again;
    char text[16];

    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 1), STATUS_OK);
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, gone, 1), STATUS_OK);
    created = settled(fixture, submit_create(fixture, &plain, STR("a key")));
    fault_vfs_fill();
    refused = submit_grant(fixture, id, concurrent_clients_user(2, text));
    holder = submit_grant(fixture, id, concurrent_clients_user(1, text));
    late = submit_grant(fixture, gone, concurrent_clients_user(2, text));
    again = submit_create(fixture, &plain, STR("a key"));
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, refused, STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, holder, STATUS_OK);
    CHECK(fixture, holder->op.grant.replayed);
    CHECK_STATUS(fixture, late, STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.create.replayed);
    CHECK_STR(fixture, again->op.create.discount.id, created->op.create.discount.id);
}

/* Users, and two creations with a key, in one turn. */
enum { USERS = 30, WRITES = USERS + 2 };

static void write_together(struct store_fixture *fixture, struct str id,
                           struct attempt *ret_asked[WRITES])
{
    char text[16], keys[2][64];

    for (size_t i = 0; i < USERS; i++) {
        ret_asked[i] = submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    for (size_t i = 0; i < 2; i++) {
        int n = snprintf(keys[i], sizeof(keys[i]), "key %zu of %.*s", i, (int)id.n, id.p);

        ret_asked[USERS + i] = submit_create(fixture, &plain, (struct str){keys[i], (size_t)n});
    }
    CHECK(fixture, store_fixture_settle(fixture));
}

static size_t count_all(struct store_fixture *fixture)
{
    struct attempt *listed = settled(fixture, submit_list(fixture, 0, 1000));

    CHECK_STATUS(fixture, listed, STATUS_OK);
    return listed->op.list.count;
}

/* Returns how many were done, and checks that the others left nothing. */
static size_t count_done(struct store_fixture *fixture, struct str id,
                         struct attempt *const asked[WRITES])
{
    size_t granted = 0, created = 0;

    for (size_t i = 0; i < WRITES; i++) {
        bool is_done = asked[i]->op.status == STATUS_OK;

        CHECK(fixture, is_done || asked[i]->op.status == STATUS_UNAVAILABLE);
        if (i < USERS) {
            CHECK_INT(fixture, sqlite_fixture_grant_get(fixture, id, i),
                      is_done ? STATUS_OK : STATUS_GRANT_NOT_FOUND);
            granted += is_done;
        } else {
            struct str made = asked[i]->op.create.discount.id;

            CHECK_STATUS(fixture, settled(fixture, submit_get(fixture, made)),
                         is_done ? STATUS_OK : STATUS_DISCOUNT_NOT_FOUND);
            created += is_done;
        }
    }
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), granted);
    return granted + created;
}

/* The disk fills within a commit: before it, in a page's header, in a page, or between two. A
 * refused operation has no effect, not even in part. It works when there is room. */
static void a_disk_that_fills_within_a_commit_leaves_nothing_half_done(void **state)
{
    static const int rooms[] = {0, 1, 24, 1000, 2072, 2090, 4144, 6000, 10360, 12431};
    struct sqlite_fixture *sqlite = *state;

    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
        struct str id = sqlite_fixture_discount(fixture, USERS);
        size_t count = count_all(fixture);
        struct attempt *asked[WRITES];

        fault_vfs_fail(FAULT_LOG, FAULT_WRITE, 0, UINT_MAX, SQLITE_FULL);
        fault_vfs_tear(rooms[i]);
        write_together(fixture, id, asked);
        CHECK_INT(fixture, count_done(fixture, id, asked), 0);
        CHECK_INT(fixture, count_all(fixture), count);
        fault_vfs_mend();
        write_together(fixture, id, asked);
        CHECK_INT(fixture, count_done(fixture, id, asked), WRITES);
        sqlite_fixture_close(sqlite);
        fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
        CHECK_INT(fixture, count_all(fixture), count + 2);
        sqlite_fixture_close(sqlite);
    }
}

/* If only some writes fail, the batch is rolled back and each operation is done by itself. */
static void a_moment_without_room_costs_few(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());

    for (unsigned times = 1; times < 6; times++) {
        struct str id = sqlite_fixture_discount(fixture, USERS);
        struct attempt *asked[WRITES];

        fault_vfs_fail(FAULT_LOG, FAULT_WRITE, 0, times, SQLITE_FULL);
        write_together(fixture, id, asked);
        CHECK_INT(fixture, count_done(fixture, id, asked), WRITES - (times - 1));
    }
}

/* In the batch, the second was a repeat of the first. By itself it is the first. */
static void what_a_batch_told_that_was_undone_is_forgotten(void **state)
{
    struct store_fixture *fixture = sqlite_fixture_open(*state, sqlite_fixture_patient());
    struct attempt *one = submit_create(fixture, &plain, STR("a key"));
    struct attempt *other = submit_create(fixture, &plain, STR("a key"));
    struct str one_id = one->op.create.discount.id, other_id = other->op.create.discount.id;

    fault_vfs_fail(FAULT_LOG, FAULT_WRITE, 0, 2, SQLITE_FULL);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, one, STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, other, STATUS_OK);
    CHECK(fixture, !other->op.create.replayed);
    CHECK_STR(fixture, other->op.create.discount.id, other_id);
    CHECK_STATUS(fixture, settled(fixture, submit_get(fixture, one_id)), STATUS_DISCOUNT_NOT_FOUND);
    CHECK_STATUS(fixture, settled(fixture, submit_get(fixture, other_id)), STATUS_OK);
}

/* The log cannot be written into the file, so it only grows. */
static void without_room_for_a_checkpoint_the_service_goes_on(void **state)
{
    enum { HANDFUL = 60 };
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 1000000);
    unsigned before = fault_vfs_count(FAULT_DATABASE, FAULT_WRITE);
    size_t users = 0;
    char text[16];

    fault_vfs_fail(FAULT_DATABASE, FAULT_WRITE, 0, UINT_MAX, SQLITE_FULL);
    while (fault_vfs_count(FAULT_DATABASE, FAULT_WRITE) == before) {
        struct attempt *asked[HANDFUL];

        for (size_t i = 0; i < HANDFUL; i++) {
            /* The users are far apart, so each writes a page of its own. */
            asked[i] = submit_grant(fixture, id,
                                    concurrent_clients_user((users++ * 7919) % 1000003, text));
        }
        CHECK(fixture, store_fixture_settle(fixture));
        for (size_t i = 0; i < HANDFUL; i++) {
            CHECK_STATUS(fixture, asked[i], STATUS_OK);
        }
    }
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 2000000), STATUS_OK);
    fault_vfs_mend();
    sqlite_fixture_close(sqlite);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    CHECK_INT(fixture, count_all(fixture), 1);
    CHECK_INT(fixture,
              sqlite_fixture_grant_get(
                  fixture, settled(fixture, submit_list(fixture, 0, 1))->op.list.discounts[0].id,
                  2000000),
              STATUS_OK);
}

/* The log stays, as after a kill, because there is no room to write it into the file. */
static void a_start_on_a_full_disk_serves_what_is_there(void **state)
{
    enum { HELD = 300 };
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    char kept[DISCOUNT_ID_LENGTH];
    struct str id = sqlite_fixture_discount(fixture, 1000);

    memcpy(kept, id.p, sizeof(kept));
    id.p = kept;
    for (size_t i = 0; i < HELD; i++) {
        CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, i), STATUS_OK);
    }
    fault_vfs_fill();
    for (int start = 0; start < 3; start++) {
        unsigned writes;

        sqlite_fixture_close(sqlite);
        writes = fault_vfs_count(FAULT_LOG, FAULT_WRITE);
        fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
        /* The log was written again: otherwise it could not be known to be on the disk. */
        CHECK(fixture, fault_vfs_count(FAULT_LOG, FAULT_WRITE) > writes);
        CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), HELD);
        CHECK_INT(fixture, sqlite_fixture_grant_get(fixture, id, HELD - 1), STATUS_OK);
        CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, HELD - 1), STATUS_OK);
        CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, HELD), STATUS_UNAVAILABLE);
    }
    fault_vfs_mend();
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, HELD), STATUS_OK);
    sqlite_fixture_close(sqlite);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    CHECK_INT(fixture, sqlite_fixture_granted_count(fixture, id), HELD + 1);
    sqlite_fixture_close(sqlite);
    findings_none(sqlite->url, 1, HELD + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(on_a_full_disk_grants_and_creations_are_refused),
        SQLITE_TEST(on_a_full_disk_reads_go_on),
        SQLITE_TEST(on_a_full_disk_what_needs_no_room_is_answered),
        SQLITE_TEST(a_disk_that_fills_within_a_commit_leaves_nothing_half_done),
        SQLITE_TEST(a_moment_without_room_costs_few),
        SQLITE_TEST(what_a_batch_told_that_was_undone_is_forgotten),
        SQLITE_TEST(without_room_for_a_checkpoint_the_service_goes_on),
        SQLITE_TEST(a_start_on_a_full_disk_serves_what_is_there),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("sqlite full", tests, NULL, NULL);
}
