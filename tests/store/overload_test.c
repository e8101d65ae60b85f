/* SPDX-License-Identifier: MIT */
/* When the store is slower than the demand: who is put off, and who is not. A Redis that is frozen
 * is as slow as a test wants it. */
#include "store/redis/redis_fixture.h"
#include "support/clock.h"

#define DEADLINE_MS 8000
/* Past the time from which on a wait proves something, which is a sixteenth of the deadline; and so
 * far from the deadline that a busy machine does not reach it. */
#define WAIT_MS 700
#define FEW 60
#define MANY 200

static const struct store_limits limits = {.deadline_ms = DEADLINE_MS, .in_flight = 65536};

static bool never(void *argument)
{
    (void)argument;
    return false;
}

static void wait_for(struct scene *scene, int64_t ms)
{
    assert_false(turn_until(&scene->turn, never, NULL, ms));
}

/* A frozen Redis for which this many operations have waited. */
static struct scene *given_a_frozen_store(struct rig *rig, size_t count, struct str *ret_id,
                                          struct attempt **ret_waiting)
{
    struct scene *scene = rig_redis(rig, NULL, limits);

    *ret_id = rig_discount(rig, 1000);
    redis_server_freeze(rig->server);
    for (size_t i = 0; i < count; i++) {
        ret_waiting[i] = submit_get(scene, *ret_id);
    }
    wait_for(scene, WAIT_MS);
    return scene;
}

static void assert_all_served(struct rig *rig, struct attempt *const *waiting, size_t count)
{
    redis_server_thaw(rig->server);
    assert_true(scene_settle(&rig->scene));
    for (size_t i = 0; i < count; i++) {
        CHECK_STATUS(&rig->scene, waiting[i], STATUS_OK);
    }
}

static void many_who_wait_long_keep_others_out(void **state)
{
    struct rig *rig = *state;
    struct attempt *waiting[MANY], *refused[3];
    struct str id;
    struct scene *scene = given_a_frozen_store(rig, MANY, &id, waiting);

    refused[0] = submit_grant(scene, id, STR("ann"));
    refused[1] = submit_list(scene, 0, 10);
    refused[2] = submit_get(scene, id);
    store_deliver(scene->turn.store);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(scene, refused[i], STATUS_OVERLOADED);
    }
    assert_all_served(rig, waiting, MANY);
    CHECK_INT(scene, rig_grant(rig, id, STR("ann"))->op.grant.replayed, false);
}

static void health_and_the_next_page_of_a_list_are_not_put_off(void **state)
{
    struct rig *rig = *state;
    const struct grant grant = {.user_id = STR("ann"), .granted_at_us = 1};
    const struct user_grant user_grant = {.discount.id = STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
                                          .granted_at_us = 1};
    struct attempt *waiting[MANY], *taken[4];
    struct str id;
    struct scene *scene = given_a_frozen_store(rig, MANY, &id, waiting);

    taken[0] = submit_ping(scene);
    taken[1] = submit_list(scene, 1, 10);
    taken[2] = submit_grants_of(scene, id, &grant, 10);
    taken[3] = submit_wallet_of(scene, STR("ann"), &user_grant, 10);
    store_deliver(scene->turn.store);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(scene, taken[i]->done, 0);
    }
    assert_all_served(rig, waiting, MANY);
    assert_all_served(rig, taken, 4);
}

static void few_who_wait_keep_nobody_out(void **state)
{
    struct rig *rig = *state;
    struct attempt *waiting[FEW + 1];
    struct str id;
    struct scene *scene = given_a_frozen_store(rig, FEW, &id, waiting);

    waiting[FEW] = submit_get(scene, id);
    assert_all_served(rig, waiting, FEW + 1);
}

static void an_outage_is_no_overload(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, limits);
    struct attempt *waiting[MANY + 1];

    redis_server_freeze(rig->server);
    submit_ping(scene);
    wait_for(scene, WAIT_MS); /* so that it looks slow */
    redis_server_kill(rig->server);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    for (size_t i = 0; i < MANY; i++) {
        waiting[i] = submit_wallet_of(scene, STR("ann"), NULL, 10);
    }
    wait_for(scene, WAIT_MS);
    waiting[MANY] = submit_wallet_of(scene, STR("ann"), NULL, 10);
    store_deliver(scene->turn.store);
    CHECK_INT(scene, waiting[MANY]->done, 0);
    redis_server_restart(rig->server);
    assert_true(scene_settle(scene));
    for (size_t i = 0; i <= MANY; i++) {
        CHECK_STATUS(scene, waiting[i], STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(many_who_wait_long_keep_others_out),
        RIG(health_and_the_next_page_of_a_list_are_not_put_off),
        RIG(few_who_wait_keep_nobody_out),
        RIG(an_outage_is_no_overload),
    };

    return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
