/* SPDX-License-Identifier: MIT */
#include "store/redis/redis_fixture.h"

#include <stdlib.h>

#include "discount/engine.h"
#include "support/clock.h"

#define IN_FLIGHT 65536

static const struct discount plain = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};

int rig_setup(void **state)
{
    *state = calloc(1, sizeof(struct rig));
    return *state == NULL ? -1 : 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    const char *broken = NULL;

    if (rig->engine != NULL) {
        broken = scene_close(&rig->scene);
        store_engine_close(rig->engine);
    }
    fake_redis_abandon(rig->fake);
    redis_server_stop(rig->server);
    free(rig);
    if (broken != NULL) {
        print_error("redis: %s\n", broken);
    }
    return broken == NULL ? 0 : -1;
}

struct store_limits rig_patient(void)
{
    return (struct store_limits){.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = IN_FLIGHT};
}

struct scene *rig_open(struct rig *rig, const char *url, struct store_limits limits)
{
    const char *fault = "";

    assert_null(rig->engine);
    rig->engine = store_engine_open(url, &fault);
    if (rig->engine == NULL) {
        fail_msg("%s %s", url, fault);
    }
    assert_true(scene_open(&rig->scene, "redis", rig->engine, limits));
    return &rig->scene;
}

struct fake_redis *rig_fake(struct rig *rig)
{
    assert_null(rig->fake);
    rig->fake = fake_redis_new();
    return rig->fake;
}

struct scene *rig_play(struct rig *rig, struct store_limits limits)
{
    fake_redis_start(rig->fake);
    return rig_open(rig, fake_redis_url(rig->fake), limits);
}

struct scene *rig_play_ready(struct rig *rig, struct store_limits limits)
{
    struct scene *scene = rig_play(rig, limits);

    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    return scene;
}

void rig_played(struct rig *rig)
{
    struct fake_redis *fake = rig->fake;

    rig->fake = NULL;
    fake_redis_stop(fake);
}

struct scene *rig_redis(struct rig *rig, const char *const *options, struct store_limits limits)
{
    struct scene *scene;

    rig->server = redis_server_start(options);
    scene = rig_open(rig, redis_server_url(rig->server), limits);
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    return scene;
}

void rig_close(struct rig *rig)
{
    const char *broken = scene_close(&rig->scene);

    store_engine_close(rig->engine);
    rig->engine = NULL;
    if (broken != NULL) {
        fail_msg("redis: %s", broken);
    }
}

struct str rig_discount(struct rig *rig, int64_t total_count)
{
    struct discount discount = plain;
    struct attempt *created;

    discount.total_count = total_count;
    created = submit_create(&rig->scene, &discount, (struct str){0});
    assert_true(scene_settle(&rig->scene));
    CHECK_STATUS(&rig->scene, created, STATUS_OK);
    return created->op.create.discount.id;
}

struct attempt *rig_grant(struct rig *rig, struct str id, struct str user)
{
    int64_t end_ms = clock_ms() + CLOCK_PATIENCE_MS;

    for (;;) {
        struct attempt *asked;

        assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
        asked = submit_grant(&rig->scene, id, user);
        assert_true(scene_settle(&rig->scene));
        if (status_code(asked->op.status) != 503 || clock_ms() > end_ms) {
            return asked;
        }
    }
}

struct attempt *rig_submit(struct rig *rig, enum store_verb verb, struct str id, struct str user)
{
    struct scene *scene = &rig->scene;

    switch (verb) {
    case STORE_PING:
        return submit_ping(scene);
    case STORE_CREATE:
        return submit_create(scene, &plain, (struct str){0});
    case STORE_GET:
        return submit_get(scene, id);
    case STORE_LIST:
        return submit_list(scene, 0, 10);
    case STORE_GRANT:
        return submit_grant(scene, id, user);
    case STORE_GRANT_GET:
        return submit_grant_get(scene, id, user);
    case STORE_GRANTS:
        return submit_grants_of(scene, id, NULL, 10);
    case STORE_WALLET:
        return submit_wallet_of(scene, user, NULL, 10);
    case STORE_VERB_COUNT:
        break;
    }
    fail_msg("no verb");
    return NULL;
}

void rig_submit_each(struct rig *rig, struct str id, struct str user,
                     struct attempt *ret_asked[STORE_VERB_COUNT])
{
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        ret_asked[verb] = rig_submit(rig, (enum store_verb)verb, id, user);
    }
}

enum status rig_lost(enum store_verb verb)
{
    return verb == STORE_CREATE || verb == STORE_GRANT ? STATUS_UNKNOWN : STATUS_UNAVAILABLE;
}
