/* SPDX-License-Identifier: MIT */
/* A Redis whose settings, version, rights or clock would break a promise. Seconds pass at once
 * where a test says so (support/forward_clock.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/findings.h"
#include "store/redis/redis_fixture.h"
#include "support/clock.h"
#include "support/forward_clock.h"
#include "support/moved_clock.h"

#define FIT "cluster_enabled:0\r\naof_enabled:1\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"

/* After this much time, as the loop sees it. */
static void pass(struct redis_fixture *redis, uint64_t ms)
{
    forward_clock_move(ms);
    uv_update_time(&redis->fixture.turn.loop);
}

static struct store_fixture *open_on(struct redis_fixture *redis, const char *const *options)
{
    redis->server = redis_server_start(options);
    return redis_fixture_open(redis, redis_server_url(redis->server), redis_fixture_patient());
}

/* ---- Eviction ---- */

static void an_evicting_redis_is_not_used_until_it_stops_evicting(void **state)
{
    static const char *const options[] = {"--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru",
                                          NULL};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = open_on(redis, options);

    assert_false(turn_until_ready(&fixture->turn, 500));
    redis_server_command(redis->server, "CONFIG SET maxmemory-policy noeviction");
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_discount(redis, 1);
}

static void a_policy_that_is_set_while_it_serves_is_noticed(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    redis_server_command(redis->server, "CONFIG SET maxmemory 100mb");
    redis_server_command(redis->server, "CONFIG SET maxmemory-policy allkeys-random");
    pass(redis, 10000);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_server_command(redis->server, "CONFIG SET maxmemory 0");
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
}

static void a_full_redis_that_refuses_writes_is_used(void **state)
{
    static const char *const options[] = {"--maxmemory", "1mb", NULL};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = open_on(redis, options);

    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
}

static void verify_names_a_redis_that_evicts(void **state)
{
    static const char *const options[] = {"--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lfu",
                                          NULL};
    struct redis_fixture *redis = *state;

    redis->server = redis_server_start(options);
    findings_one(redis_server_url(redis->server), "Redis: it evicts grants when its memory is full",
                 "keys were evicted");
}

/* ---- Warnings ---- */

static void a_setting_that_weakens_a_promise_is_counted(void **state)
{
    static const struct {
        const char *options[9];
        unsigned warnings;
    } cases[] = {
        {{"--appendonly", "yes", "--appendfsync", "always", NULL}, 0},
        {{"--appendonly", "yes", "--appendfsync", "everysec", NULL}, 1},
        {{"--appendonly", "yes", "--appendfsync", "no", NULL}, 1},
        {{"--appendonly", "no", NULL}, 1},
        {{"--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "100mb",
          "--maxmemory-policy", "volatile-ttl", NULL},
         1},
        {{"--appendonly", "no", "--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru", NULL},
         2},
    };
    struct redis_fixture *redis = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_fixture *fixture =
            redis_fixture_redis(redis, cases[i].options, redis_fixture_patient());

        assert_int_equal(store_warnings(fixture->turn.store), cases[i].warnings);
        redis_fixture_close(redis);
        redis_server_stop(redis->server);
        redis->server = NULL;
    }
}

/* ---- Rights ---- */

/* A store for the user `shop`, who has all rights but those that `without` takes. */
static struct store_fixture *open_without(struct redis_fixture *redis, const char *without)
{
    char command[200], url[80];

    if (redis->server == NULL) {
        redis->server = redis_server_start(NULL);
    }
    snprintf(command, sizeof(command), "ACL SETUSER shop reset on >secret ~* +@all %s", without);
    assert_string_equal(redis_server_command(redis->server, command), "OK");
    snprintf(url, sizeof(url), "redis://shop:secret@127.0.0.1:%d",
             redis_server_port(redis->server));
    return redis_fixture_open(redis, url, redis_fixture_patient());
}

static void without_a_right_that_it_needs_a_redis_is_not_used(void **state)
{
    static const char *const needed[] = {"-time",
                                         "-hget",
                                         "-hmget",
                                         "-hset",
                                         "-zadd",
                                         "-zrem",
                                         "-zcard",
                                         "-zscore",
                                         "-zmscore",
                                         "-zcount",
                                         "-zrank",
                                         "-zrange",
                                         "-get",
                                         "-set",
                                         "-zrevrank",
                                         "-zrevrange",
                                         "-evalsha -eval",
                                         "resetkeys ~discounts ~discount:* ~brand:* ~user:*",
                                         "resetkeys ~discounts ~discount:* ~brand:* ~idempotency:*",
                                         "resetkeys ~discounts ~discount:* ~user:* ~idempotency:*",
                                         "resetkeys ~discounts ~brand:* ~user:* ~idempotency:*",
                                         "resetkeys ~discount:* ~brand:* ~user:* ~idempotency:*"};
    struct redis_fixture *redis = *state;

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        struct store_fixture *fixture = open_without(redis, needed[i]);

        if (turn_until_ready(&fixture->turn, 150)) {
            fail_msg("%s: it is used all the same", needed[i]);
        }
        redis_fixture_close(redis);
    }
}

static void without_the_rights_to_read_settings_it_is_used_and_warns(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = open_without(redis, "-info -config|get");

    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    assert_int_equal(store_warnings(fixture->turn.store), 1);
}

static void a_probe_leaves_nothing(void **state)
{
    struct redis_fixture *redis = *state;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "0");
}

/* What one command of an operation writes may be refused from now on. Whatever it is, no half of
 * the operation stays, nothing is called damaged, and once the right is back a repeat completes it.
 */
static void a_right_that_is_lost_while_it_serves_leaves_nothing_half_done(void **state)
{
    static const char *const lost[] = {"-zadd",   "-hset", "-set",  "-time",
                                       "-zrange", "-get",  "-hmget"};
    const struct discount plain = {
        .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 5};
    struct redis_fixture *redis = *state;

    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        struct store_fixture *fixture = open_without(redis, "");
        struct attempt *created, *granted;
        char command[64], keys_before[32];
        struct str id;

        assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
        id = redis_fixture_discount(redis, 5);
        snprintf(keys_before, sizeof(keys_before), "%s",
                 redis_server_command(redis->server, "DBSIZE"));
        snprintf(command, sizeof(command), "ACL SETUSER shop %s", lost[i]);
        redis_server_command(redis->server, command);
        created = submit_create(fixture, &plain, STR("a key"));
        granted = submit_grant(fixture, id, STR("ann"));
        assert_true(store_fixture_settle(fixture));
        if (created->op.status != STATUS_OK) {
            CHECK_STATUS(fixture, created, STATUS_UNAVAILABLE);
        }
        if (granted->op.status != STATUS_OK) {
            CHECK_STATUS(fixture, granted, STATUS_UNAVAILABLE);
        }
        if (created->op.status != STATUS_OK && granted->op.status != STATUS_OK) {
            assert_string_equal(redis_server_command(redis->server, "DBSIZE"), keys_before);
        }
        redis_server_command(redis->server, "ACL SETUSER shop +@all");
        created = submit_create(fixture, &plain, STR("a key"));
        granted = submit_grant(fixture, id, STR("ann"));
        assert_true(store_fixture_settle(fixture));
        CHECK_STATUS(fixture, created, STATUS_OK);
        CHECK_STATUS(fixture, granted, STATUS_OK);
        redis_fixture_close(redis);
        redis_server_command(redis->server, "FLUSHALL");
    }
}

static void without_a_right_to_wallets_no_grant_is_stored(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = open_without(redis, "");
    struct attempt *granted;
    struct str id;

    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    id = redis_fixture_discount(redis, 5);
    redis_server_command(redis->server,
                         "ACL SETUSER shop resetkeys ~discount* ~brand:* ~idempotency:*");
    granted = submit_grant(fixture, id, STR("ann"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, granted, STATUS_UNAVAILABLE);
    findings_none(redis_server_url(redis->server), 1, 0);
    redis_server_command(redis->server, "ACL SETUSER shop allkeys");
    granted = submit_grant(fixture, id, STR("ann"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, granted, STATUS_OK);
    findings_none(redis_server_url(redis->server), 1, 1);
}

/* ---- Version and mode ---- */

static void an_old_redis_is_not_used(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_login(fake, NULL, "0");
    fake_settings(fake, "redis_version:6.2.14\r\n" FIT);
    fake_expect(fake, "EVAL ");
    fake_send_text(fake, "*0\r\n");
    fake_wait_for_client_close(fake);
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_false(turn_until_ready(&fixture->turn, 300));
    redis_fixture_played(redis);
}

static void a_newer_redis_is_used(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_login(fake, NULL, "0");
    fake_settings(fake, "redis_version:10.1.2\r\n" FIT);
    fake_expect(fake, "EVAL ");
    fake_send_text(fake, "*0\r\n");
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void a_node_of_a_cluster_is_not_used(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_login(fake, NULL, "0");
    fake_settings(fake, "redis_version:7.0.15\r\ncluster_enabled:1\r\n");
    fake_expect(fake, "EVAL ");
    fake_send_text(fake, "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
    fake_wait_for_client_close(fake);
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_false(turn_until_ready(&fixture->turn, 300));
    redis_fixture_played(redis);
}

/* ---- The clock ---- */

static void with_a_wrong_clock_nothing_is_stored(void **state)
{
    static const int64_t ahead_s[] = {INT64_C(-1790000000), INT64_C(-250000000),
                                      INT64_C(7300000000), INT64_C(253000000000)};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture;
    struct attempt *granted, *created;
    const struct discount plain = {
        .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 5};
    struct moved_clock clock;
    struct str id;

    moved_clock_open(&clock);
    redis->server = redis_server_start(NULL);
    moved_clock_end_giving();
    fixture = redis_fixture_open(redis, redis_server_url(redis->server), redis_fixture_patient());
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    id = redis_fixture_discount(redis, 5);
    for (size_t i = 0; i < sizeof(ahead_s) / sizeof(ahead_s[0]); i++) {
        moved_clock_shift(&clock, ahead_s[i] * 1000000);
        granted = submit_grant(fixture, id, STR("ann"));
        created = submit_create(fixture, &plain, (struct str){0});
        assert_true(store_fixture_settle(fixture));
        CHECK_STATUS(fixture, granted, STATUS_UNAVAILABLE);
        CHECK_STATUS(fixture, created, STATUS_UNAVAILABLE);
    }
    moved_clock_shift(&clock, 0);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    redis_fixture_discount(redis, 1);
    findings_none(redis_server_url(redis->server), 2, 1);
    moved_clock_close(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(an_evicting_redis_is_not_used_until_it_stops_evicting),
        REDIS_TEST(a_policy_that_is_set_while_it_serves_is_noticed),
        REDIS_TEST(a_full_redis_that_refuses_writes_is_used),
        REDIS_TEST(verify_names_a_redis_that_evicts),
        REDIS_TEST(a_setting_that_weakens_a_promise_is_counted),
        REDIS_TEST(without_a_right_that_it_needs_a_redis_is_not_used),
        REDIS_TEST(without_the_rights_to_read_settings_it_is_used_and_warns),
        REDIS_TEST(a_probe_leaves_nothing),
        REDIS_TEST(a_right_that_is_lost_while_it_serves_leaves_nothing_half_done),
        REDIS_TEST(without_a_right_to_wallets_no_grant_is_stored),
        REDIS_TEST(an_old_redis_is_not_used),
        REDIS_TEST(a_newer_redis_is_used),
        REDIS_TEST(a_node_of_a_cluster_is_not_used),
        REDIS_TEST(with_a_wrong_clock_nothing_is_stored),
    };

    return cmocka_run_group_tests_name("redis settings", tests, NULL, NULL);
}
