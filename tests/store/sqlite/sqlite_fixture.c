/* SPDX-License-Identifier: MIT */
#include "store/sqlite/sqlite_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "discount/engine.h"
#include "store/concurrent_clients.h"
#include "support/clock.h"
#include "support/fault_vfs.h"

#define IN_FLIGHT 4096

int sqlite_fixture_setup(void **state)
{
    struct sqlite_fixture *sqlite = calloc(1, sizeof(*sqlite));

    *state = sqlite;
    if (sqlite == NULL) {
        return -1;
    }
    fault_vfs_install();
    directory_make(&sqlite->directory);
    snprintf(sqlite->path, sizeof(sqlite->path), "%s/discount.db", sqlite->directory.path);
    snprintf(sqlite->url, sizeof(sqlite->url), "sqlite:%s", sqlite->path);
    return 0;
}

int sqlite_fixture_teardown(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    const char *broken = NULL;

    fault_vfs_mend();
    if (sqlite->engine != NULL) {
        broken = store_fixture_close(&sqlite->fixture);
        store_engine_close(sqlite->engine);
    }
    directory_remove(&sqlite->directory);
    free(sqlite);
    if (broken != NULL) {
        print_error("sqlite: %s\n", broken);
    }
    return broken == NULL ? 0 : -1;
}

struct store_limits sqlite_fixture_patient(void)
{
    return (struct store_limits){.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = IN_FLIGHT};
}

struct store_fixture *sqlite_fixture_open(struct sqlite_fixture *sqlite, struct store_limits limits)
{
    struct store_engine *engine;
    const char *fault = "";

    assert_null(sqlite->engine);
    engine = store_engine_open(sqlite->url, &fault);
    if (engine == NULL) {
        fail_msg("%s %s", sqlite->url, fault);
    }
    assert_true(store_engine_start(engine));
    assert_true(store_fixture_open_ready(&sqlite->fixture, "sqlite", engine, limits));
    sqlite->engine = engine;
    return &sqlite->fixture;
}

void sqlite_fixture_close(struct sqlite_fixture *sqlite)
{
    const char *broken = store_fixture_close(&sqlite->fixture);

    store_engine_close(sqlite->engine);
    sqlite->engine = NULL;
    if (broken != NULL) {
        fail_msg("sqlite: %s", broken);
    }
}

static struct attempt *settled(struct store_fixture *fixture, struct attempt *attempt)
{
    CHECK(fixture, store_fixture_settle(fixture));
    return attempt;
}

struct str sqlite_fixture_discount(struct store_fixture *fixture, int64_t total_count)
{
    const struct discount discount = {
        .brand_id = STR("a brand"), .discount_code = STR("A CODE"), .total_count = total_count};
    struct attempt *created = settled(fixture, submit_create(fixture, &discount, (struct str){0}));

    CHECK_STATUS(fixture, created, STATUS_OK);
    return created->op.create.discount.id;
}

enum status sqlite_fixture_grant(struct store_fixture *fixture, struct str id, size_t user)
{
    char text[16];

    return settled(fixture, submit_grant(fixture, id, concurrent_clients_user(user, text)))
        ->op.status;
}

enum status sqlite_fixture_grant_get(struct store_fixture *fixture, struct str id, size_t user)
{
    char text[16];

    return settled(fixture, submit_grant_get(fixture, id, concurrent_clients_user(user, text)))
        ->op.status;
}

int64_t sqlite_fixture_granted_count(struct store_fixture *fixture, struct str id)
{
    struct attempt *read = settled(fixture, submit_get(fixture, id));

    CHECK_STATUS(fixture, read, STATUS_OK);
    return read->op.get.discount.granted_count;
}
