/* SPDX-License-Identifier: MIT */
#include "store/sqlite/sqlite_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "discount/engine.h"
#include "store/concurrent_clients.h"
#include "support/clock.h"
#include "support/fault_vfs.h"

#define IN_FLIGHT 4096

int sqlite_rig_setup(void **state)
{
    struct sqlite_rig *rig = calloc(1, sizeof(*rig));

    *state = rig;
    if (rig == NULL) {
        return -1;
    }
    fault_vfs_install();
    directory_make(&rig->directory);
    snprintf(rig->path, sizeof(rig->path), "%s/discount.db", rig->directory.path);
    snprintf(rig->url, sizeof(rig->url), "sqlite:%s", rig->path);
    return 0;
}

int sqlite_rig_teardown(void **state)
{
    struct sqlite_rig *rig = *state;
    const char *broken = NULL;

    fault_vfs_mend();
    if (rig->engine != NULL) {
        broken = scene_close(&rig->scene);
        store_engine_close(rig->engine);
    }
    directory_remove(&rig->directory);
    free(rig);
    if (broken != NULL) {
        print_error("sqlite: %s\n", broken);
    }
    return broken == NULL ? 0 : -1;
}

struct store_limits sqlite_rig_patient(void)
{
    return (struct store_limits){.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = IN_FLIGHT};
}

struct scene *sqlite_rig_open(struct sqlite_rig *rig, struct store_limits limits)
{
    struct store_engine *engine;
    const char *fault = "";

    assert_null(rig->engine);
    engine = store_engine_open(rig->url, &fault);
    if (engine == NULL) {
        fail_msg("%s %s", rig->url, fault);
    }
    assert_true(store_engine_start(engine));
    assert_true(scene_open_ready(&rig->scene, "sqlite", engine, limits));
    rig->engine = engine;
    return &rig->scene;
}

void sqlite_rig_close(struct sqlite_rig *rig)
{
    const char *broken = scene_close(&rig->scene);

    store_engine_close(rig->engine);
    rig->engine = NULL;
    if (broken != NULL) {
        fail_msg("sqlite: %s", broken);
    }
}

static struct attempt *settled(struct scene *scene, struct attempt *attempt)
{
    CHECK(scene, scene_settle(scene));
    return attempt;
}

struct str sqlite_rig_discount(struct scene *scene, int64_t total_count)
{
    const struct discount discount = {
        .brand_id = STR("a brand"), .discount_code = STR("A CODE"), .total_count = total_count};
    struct attempt *created = settled(scene, submit_create(scene, &discount, (struct str){0}));

    CHECK_STATUS(scene, created, STATUS_OK);
    return created->op.create.discount.id;
}

enum status sqlite_rig_grant(struct scene *scene, struct str id, size_t user)
{
    char text[16];

    return settled(scene, submit_grant(scene, id, crowd_user(user, text)))->op.status;
}

enum status sqlite_rig_grant_get(struct scene *scene, struct str id, size_t user)
{
    char text[16];

    return settled(scene, submit_grant_get(scene, id, crowd_user(user, text)))->op.status;
}

int64_t sqlite_rig_granted_count(struct scene *scene, struct str id)
{
    struct attempt *read = settled(scene, submit_get(scene, id));

    CHECK_STATUS(scene, read, STATUS_OK);
    return read->op.get.discount.granted_count;
}
