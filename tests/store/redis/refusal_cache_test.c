/* SPDX-License-Identifier: MIT */
/* The refusal cache, when data in Redis change without the store: by hand, or later through another
 * replica. Minutes pass at once (support/forward_clock.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/memory.h"
#include "store/redis/redis_fixture.h"
#include "store/refusal_cache.h"
#include "support/clock.h"
#include "support/forward_clock.h"

static const char *ask(struct redis_fixture *redis, const char *format, struct str id)
{
    return redis_server_command(redis->server, format, id.p);
}

static bool refuses_at_once(struct redis_fixture *redis, struct str id, const char *user)
{
    return memory_refuses(&redis->fixture, id, str_of(user), STATUS_DISCOUNT_EXHAUSTED);
}

/* Asks twice, because the first request may be let through to the store. */
static bool refuses(struct redis_fixture *redis, struct str id, const char *user)
{
    return refuses_at_once(redis, id, user) || refuses_at_once(redis, id, user);
}

/* Lets this much time pass, as the loop sees it. */
static void pass(struct redis_fixture *redis, uint64_t ms)
{
    forward_clock_move(ms);
    uv_update_time(&redis->fixture.turn.loop);
}

/* A user who is refused the discount below. */
static char eve[16];

/* Creates one unit, which ann holds, and a store that has cached it. */
static struct str given_a_cached_discount(struct redis_fixture *redis)
{
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 1);
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    snprintf(eve, sizeof(eve), "%s", memory_fill(&redis->fixture, id, STATUS_DISCOUNT_EXHAUSTED).p);
    assert_true(refuses(redis, id, eve));
    return id;
}

static long scripts_run(struct redis_fixture *redis)
{
    const char *stats = redis_server_command(redis->server, "INFO commandstats");
    const char *line = strstr(stats, "cmdstat_evalsha:calls=");

    return line == NULL ? 0 : atol(line + strlen("cmdstat_evalsha:calls="));
}

static void a_refusal_from_memory_asks_redis_nothing(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    redis_server_command(redis->server, "CONFIG RESETSTAT");
    for (size_t i = 0; i < 1000; i++) {
        assert_true(refuses(redis, id, eve));
    }
    submit_ping(&redis->fixture);
    assert_true(store_fixture_settle(&redis->fixture));
    assert_int_equal(scripts_run(redis), 0);
}

/* ---- Changes without the store ---- */

static void a_stock_that_was_raised_is_granted_within_a_second(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    ask(redis, "HSET discount:{%s} total_count 2", id);
    pass(redis, REFUSAL_CACHE_FRESH_MS + 1);
    assert_false(refuses(redis, id, "bob"));
    CHECK_INT(&redis->fixture, redis_fixture_grant(redis, id, STR("bob"))->op.grant.replayed,
              false);
    assert_false(refuses(redis, id, eve));
}

static void the_one_who_is_let_through_sees_it_sooner(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    ask(redis, "HSET discount:{%s} total_count 3", id);
    pass(redis, REFUSAL_CACHE_ASK_MS + 1);
    assert_false(refuses_at_once(redis, id, "bob"));
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, STR("bob")), STATUS_OK);
    assert_false(refuses(redis, id, eve));
}

static void a_holder_more_is_seen_by_their_number(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    ask(redis, "HSET discount:{%s} total_count 2", id);
    ask(redis, "ZADD discount:{%s}:grants 1606386477202420 bob", id);
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve)),
                 STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(redis, id, "bob"));
    CHECK_INT(&redis->fixture, redis_fixture_grant(redis, id, STR("bob"))->op.grant.replayed, true);
    memory_fill(&redis->fixture, id, STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(redis, id, "bob"));
}

static void a_discount_that_is_gone_is_not_found_within_a_second(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    redis_server_command(redis->server, "FLUSHALL");
    pass(redis, REFUSAL_CACHE_FRESH_MS + 1);
    assert_false(refuses(redis, id, eve));
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve)),
                 STATUS_DISCOUNT_NOT_FOUND);
    assert_false(refuses(redis, id, eve));
}

/* Neither the count nor the status changes, so only the expiry of the filter shows it. */
static void a_holder_who_was_exchanged_is_seen_within_a_minute(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    ask(redis, "ZREM discount:{%s}:grants ann", id);
    ask(redis, "ZADD discount:{%s}:grants 1606386477202420 bob", id);
    for (int64_t ms = 0; ms <= REFUSAL_CACHE_FILTER_MS; ms += 1000) {
        CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve)),
                     STATUS_DISCOUNT_EXHAUSTED);
        pass(redis, 1000);
    }
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve)),
                 STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(redis, id, "bob"));
    memory_fill(&redis->fixture, id, STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(redis, id, "bob"));
}

static void or_when_the_new_one_is_let_through(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    ask(redis, "ZREM discount:{%s}:grants ann", id);
    redis_server_command(redis->server, "ZADD discount:{%s}:grants 1606386477202420 %s", id.p, eve);
    CHECK_INT(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve))->op.grant.replayed,
              true);
    assert_false(refuses(redis, id, eve));
}

static void an_end_that_was_moved_closes_and_opens_a_discount(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 5);
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    ask(redis, "HSET discount:{%s} expires_at 1606386477202420", id);
    memory_fill(&redis->fixture, id, STATUS_DISCOUNT_EXPIRED);
    assert_false(memory_refuses(&redis->fixture, id, STR("ann"), STATUS_DISCOUNT_EXPIRED));
    CHECK_INT(&redis->fixture, redis_fixture_grant(redis, id, STR("ann"))->op.grant.replayed, true);
    ask(redis, "HDEL discount:{%s} expires_at", id);
    pass(redis, REFUSAL_CACHE_FRESH_MS + 1);
    assert_false(memory_refuses(&redis->fixture, id, STR("bob"), STATUS_DISCOUNT_EXPIRED));
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, STR("bob")), STATUS_OK);
}

/* ---- The connection ---- */

static void a_lost_connection_empties_the_cache(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    redis_server_command(redis->server, "FLUSHALL");
    redis_server_command(redis->server, "CLIENT KILL TYPE normal SKIPME yes");
    assert_true(turn_until_not_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    assert_false(refuses(redis, id, eve));
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve)),
                 STATUS_DISCOUNT_NOT_FOUND);
}

static void a_redis_that_was_restarted_is_asked(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = given_a_cached_discount(redis);

    redis_server_kill(redis->server);
    assert_true(turn_until_not_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    assert_false(refuses(redis, id, eve));
    redis_server_restart(redis->server);
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, id, str_of(eve)),
                 STATUS_DISCOUNT_NOT_FOUND);
}

static void a_page_that_is_late_is_given_up(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 1);

    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    memory_ask(fixture, id, STATUS_DISCOUNT_EXHAUSTED, REFUSAL_CACHE_REFUSALS - 1, 1);
    redis_server_freeze(redis->server);
    submit_grant(fixture, id, STR("eve"));
    pass(redis, redis_fixture_patient().deadline_ms + 1);
    assert_true(store_fixture_settle(fixture));
    redis_server_thaw(redis->server);
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    memory_fill(fixture, id, STATUS_DISCOUNT_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(a_refusal_from_memory_asks_redis_nothing),
        REDIS_TEST(a_stock_that_was_raised_is_granted_within_a_second),
        REDIS_TEST(the_one_who_is_let_through_sees_it_sooner),
        REDIS_TEST(a_holder_more_is_seen_by_their_number),
        REDIS_TEST(a_discount_that_is_gone_is_not_found_within_a_second),
        REDIS_TEST(a_holder_who_was_exchanged_is_seen_within_a_minute),
        REDIS_TEST(or_when_the_new_one_is_let_through),
        REDIS_TEST(an_end_that_was_moved_closes_and_opens_a_discount),
        REDIS_TEST(a_lost_connection_empties_the_cache),
        REDIS_TEST(a_redis_that_was_restarted_is_asked),
        REDIS_TEST(a_page_that_is_late_is_given_up),
    };

    return cmocka_run_group_tests_name("redis_sold_out", tests, NULL, NULL);
}
