/* SPDX-License-Identifier: MIT */
/* Tests which operations are refused, and which are not, when the store is slower than the demand.
 * A frozen Redis can be as slow as a test needs. */
#include "store/redis/redis_fixture.h"
#include "support/clock.h"

#define DEADLINE_MS 8000
/* Longer than a sixteenth of the deadline, from which on a wait counts as evidence. Far enough from
 * the deadline that a busy machine does not reach it. */
#define WAIT_MS 700
#define FEW 60
#define MANY 200

static const struct store_limits limits = {.deadline_ms = DEADLINE_MS, .in_flight = 65536};

static bool never(void *argument)
{
    (void)argument;
    return false;
}

static void wait_for(struct store_fixture *fixture, int64_t ms)
{
    assert_false(turn_until(&fixture->turn, never, NULL, ms));
}

/* Returns a store on a frozen Redis for which this many operations have waited. */
static struct store_fixture *given_a_frozen_store(struct redis_fixture *redis, size_t count,
                                                  struct str *ret_id, struct attempt **ret_waiting)
{
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, limits);

    *ret_id = redis_fixture_discount(redis, 1000);
    redis_server_freeze(redis->server);
    for (size_t i = 0; i < count; i++) {
        ret_waiting[i] = submit_get(fixture, *ret_id);
    }
    wait_for(fixture, WAIT_MS);
    return fixture;
}

static void assert_all_served(struct redis_fixture *redis, struct attempt *const *waiting,
                              size_t count)
{
    redis_server_thaw(redis->server);
    assert_true(store_fixture_settle(&redis->fixture));
    for (size_t i = 0; i < count; i++) {
        CHECK_STATUS(&redis->fixture, waiting[i], STATUS_OK);
    }
}

static void many_who_wait_long_keep_others_out(void **state)
{
    struct redis_fixture *redis = *state;
    struct attempt *waiting[MANY], *refused[3];
    struct str id;
    struct store_fixture *fixture = given_a_frozen_store(redis, MANY, &id, waiting);

    refused[0] = submit_grant(fixture, id, STR("ann"));
    refused[1] = submit_list(fixture, 0, 10);
    refused[2] = submit_get(fixture, id);
    store_deliver(fixture->turn.store);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(fixture, refused[i], STATUS_OVERLOADED);
    }
    assert_all_served(redis, waiting, MANY);
    CHECK_INT(fixture, redis_fixture_grant(redis, id, STR("ann"))->op.grant.replayed, false);
}

static void health_and_the_next_page_of_a_list_are_not_put_off(void **state)
{
    struct redis_fixture *redis = *state;
    const struct grant grant = {.user_id = STR("ann"), .granted_at_us = 1};
    const struct user_grant user_grant = {.discount.id = STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
                                          .granted_at_us = 1};
    struct attempt *waiting[MANY], *taken[4];
    struct str id;
    struct store_fixture *fixture = given_a_frozen_store(redis, MANY, &id, waiting);

    taken[0] = submit_ping(fixture);
    taken[1] = submit_list(fixture, 1, 10);
    taken[2] = submit_grants_of(fixture, id, &grant, 10);
    taken[3] = submit_wallet_of(fixture, STR("ann"), &user_grant, 10);
    store_deliver(fixture->turn.store);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(fixture, taken[i]->done, 0);
    }
    assert_all_served(redis, waiting, MANY);
    assert_all_served(redis, taken, 4);
}

static void few_who_wait_keep_nobody_out(void **state)
{
    struct redis_fixture *redis = *state;
    struct attempt *waiting[FEW + 1];
    struct str id;
    struct store_fixture *fixture = given_a_frozen_store(redis, FEW, &id, waiting);

    waiting[FEW] = submit_get(fixture, id);
    assert_all_served(redis, waiting, FEW + 1);
}

static void an_outage_is_no_overload(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, limits);
    struct attempt *waiting[MANY + 1];

    redis_server_freeze(redis->server);
    submit_ping(fixture);
    wait_for(fixture, WAIT_MS); /* so that it looks slow */
    redis_server_kill(redis->server);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    for (size_t i = 0; i < MANY; i++) {
        waiting[i] = submit_wallet_of(fixture, STR("ann"), NULL, 10);
    }
    wait_for(fixture, WAIT_MS);
    waiting[MANY] = submit_wallet_of(fixture, STR("ann"), NULL, 10);
    store_deliver(fixture->turn.store);
    CHECK_INT(fixture, waiting[MANY]->done, 0);
    redis_server_restart(redis->server);
    assert_true(store_fixture_settle(fixture));
    for (size_t i = 0; i <= MANY; i++) {
        CHECK_STATUS(fixture, waiting[i], STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(many_who_wait_long_keep_others_out),
        REDIS_TEST(health_and_the_next_page_of_a_list_are_not_put_off),
        REDIS_TEST(few_who_wait_keep_nobody_out),
        REDIS_TEST(an_outage_is_no_overload),
    };

    return cmocka_run_group_tests_name("overload", tests, NULL, NULL);
}
