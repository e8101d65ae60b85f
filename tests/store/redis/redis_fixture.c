/* SPDX-License-Identifier: MIT */
#include "store/redis/redis_fixture.h"

#include <stdlib.h>

#include "discount/engine.h"
#include "support/clock.h"

#define IN_FLIGHT 65536

static const struct discount plain = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};

int redis_fixture_setup(void **state)
{
    *state = calloc(1, sizeof(struct redis_fixture));
    return *state == NULL ? -1 : 0;
}

int redis_fixture_teardown(void **state)
{
    struct redis_fixture *redis = *state;
    const char *broken = NULL;

    if (redis->engine != NULL) {
        broken = store_fixture_close(&redis->fixture);
        store_engine_close(redis->engine);
    }
    fake_redis_abandon(redis->fake);
    redis_server_stop(redis->server);
    free(redis);
    if (broken != NULL) {
        print_error("redis: %s\n", broken);
    }
    return broken == NULL ? 0 : -1;
}

struct store_limits redis_fixture_patient(void)
{
    return (struct store_limits){.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = IN_FLIGHT};
}

struct store_fixture *redis_fixture_open(struct redis_fixture *redis, const char *url,
                                         struct store_limits limits)
{
    const char *fault = "";

    assert_null(redis->engine);
    redis->engine = store_engine_open(url, &fault);
    if (redis->engine == NULL) {
        fail_msg("%s %s", url, fault);
    }
    assert_true(store_fixture_open(&redis->fixture, "redis", redis->engine, limits));
    return &redis->fixture;
}

struct fake_redis *redis_fixture_fake(struct redis_fixture *redis)
{
    assert_null(redis->fake);
    redis->fake = fake_redis_new();
    return redis->fake;
}

struct store_fixture *redis_fixture_play(struct redis_fixture *redis, struct store_limits limits)
{
    fake_redis_start(redis->fake);
    return redis_fixture_open(redis, fake_redis_url(redis->fake), limits);
}

struct store_fixture *redis_fixture_play_ready(struct redis_fixture *redis,
                                               struct store_limits limits)
{
    struct store_fixture *fixture = redis_fixture_play(redis, limits);

    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    return fixture;
}

void redis_fixture_played(struct redis_fixture *redis)
{
    struct fake_redis *fake = redis->fake;

    redis->fake = NULL;
    fake_redis_stop(fake);
}

struct store_fixture *redis_fixture_redis(struct redis_fixture *redis, const char *const *options,
                                          struct store_limits limits)
{
    struct store_fixture *fixture;

    redis->server = redis_server_start(options);
    fixture = redis_fixture_open(redis, redis_server_url(redis->server), limits);
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    return fixture;
}

void redis_fixture_close(struct redis_fixture *redis)
{
    const char *broken = store_fixture_close(&redis->fixture);

    store_engine_close(redis->engine);
    redis->engine = NULL;
    if (broken != NULL) {
        fail_msg("redis: %s", broken);
    }
}

struct str redis_fixture_discount(struct redis_fixture *redis, int64_t total_count)
{
    struct discount discount = plain;
    struct attempt *created;

    discount.total_count = total_count;
    created = submit_create(&redis->fixture, &discount, (struct str){0});
    assert_true(store_fixture_settle(&redis->fixture));
    CHECK_STATUS(&redis->fixture, created, STATUS_OK);
    return created->op.create.discount.id;
}

struct attempt *redis_fixture_grant(struct redis_fixture *redis, struct str id, struct str user)
{
    int64_t end_ms = clock_ms() + CLOCK_PATIENCE_MS;

    for (;;) {
        struct attempt *asked;

        assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
        asked = submit_grant(&redis->fixture, id, user);
        assert_true(store_fixture_settle(&redis->fixture));
        if (status_code(asked->op.status) != 503 || clock_ms() > end_ms) {
            return asked;
        }
    }
}

struct attempt *redis_fixture_submit(struct redis_fixture *redis, enum store_verb verb,
                                     struct str id, struct str user)
{
    struct store_fixture *fixture = &redis->fixture;

    switch (verb) {
    case STORE_PING:
        return submit_ping(fixture);
    case STORE_CREATE:
        return submit_create(fixture, &plain, (struct str){0});
    case STORE_GET:
        return submit_get(fixture, id);
    case STORE_LIST:
        return submit_list(fixture, 0, 10);
    case STORE_GRANT:
        return submit_grant(fixture, id, user);
    case STORE_GRANT_GET:
        return submit_grant_get(fixture, id, user);
    case STORE_GRANTS:
        return submit_grants_of(fixture, id, NULL, 10);
    case STORE_WALLET:
        return submit_wallet_of(fixture, user, NULL, 10);
    case STORE_VERB_COUNT:
        break;
    }
    fail_msg("no verb");
    return NULL;
}

void redis_fixture_submit_each(struct redis_fixture *redis, struct str id, struct str user,
                               struct attempt *ret_asked[STORE_VERB_COUNT])
{
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        ret_asked[verb] = redis_fixture_submit(redis, (enum store_verb)verb, id, user);
    }
}

enum status redis_fixture_lost(enum store_verb verb)
{
    return verb == STORE_CREATE || verb == STORE_GRANT ? STATUS_UNKNOWN : STATUS_UNAVAILABLE;
}
