/* SPDX-License-Identifier: MIT */
/* What an operation stores in Redis: the keys of docs/design.md, "Data", read without the store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discount/limits.h"
#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/corrupt_ones.h"
#include "store/redis/redis_fixture.h"
#include "support/clock.h"

/* Runs a command with one id in it. Returns the reply as text. */
static const char *ask(struct redis_fixture *redis, const char *format, struct str id)
{
    return redis_server_command(redis->server, format, id.p);
}

static void a_discount_is_a_hash_and_an_entry_in_two_indexes(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 7);

    assert_string_equal(ask(redis, "HGET discount:{%s} discount_code", id), "A CODE");
    assert_string_equal(ask(redis, "HGET discount:{%s} total_count", id), "7");
    assert_string_equal(ask(redis, "HEXISTS discount:{%s} starts_at", id), "0");
    assert_string_equal(ask(redis, "ZRANGE discounts 0 -1", id), id.p);
    assert_string_equal(
        redis_server_command(redis->server, "ZRANGE %s 0 -1", "brand:{a brand}:discounts"), id.p);
    CHECK_INT(fixture, strtoll(ask(redis, "ZSCORE discounts %s", id), NULL, 10),
              strtoll(ask(redis, "HGET discount:{%s} created_at", id), NULL, 10));
}

/* This holds even if the clock went back before the last creation, or if two come in one
 * microsecond. Here it showed the last time at which it is not wrong. */
static void a_discount_is_created_after_the_last_one(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id;

    redis_server_command(redis->server, "ZADD discounts 8993721599999999 dsc-of-the-year-2254");
    for (int64_t i = 1; i <= 3; i++) {
        id = redis_fixture_discount(redis, 1);
        CHECK_INT(fixture, strtoll(ask(redis, "ZSCORE discounts %s", id), NULL, 10),
                  8993721599999999 + i);
        CHECK_INT(fixture, strtoll(ask(redis, "HGET discount:{%s} created_at", id), NULL, 10),
                  8993721599999999 + i);
    }
}

static void a_grant_is_a_field_and_an_entry_in_the_wallet(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 7);
    struct attempt *granted = redis_fixture_grant(redis, id, STR("ann"));
    int64_t granted_at_us = granted->op.grant.grant.granted_at_us;

    CHECK_STATUS(fixture, granted, STATUS_OK);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "1");
    CHECK_INT(fixture, strtoll(ask(redis, "ZSCORE discount:{%s}:grants ann", id), NULL, 10),
              granted_at_us);
    CHECK_INT(fixture, strtoll(ask(redis, "ZSCORE user:{ann}:discounts %s", id), NULL, 10),
              granted_at_us);
    assert_string_equal(ask(redis, "ZCARD user:{ann}:discounts", id), "1");
}

static void a_wallet_that_was_lost_is_written_again_by_a_repeat(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 7);
    struct attempt *granted = redis_fixture_grant(redis, id, STR("ann"));

    redis_server_command(redis->server, "DEL user:{ann}:discounts");
    redis_fixture_grant(redis, id, STR("ann"));
    CHECK_INT(fixture, strtoll(ask(redis, "ZSCORE user:{ann}:discounts %s", id), NULL, 10),
              granted->op.grant.grant.granted_at_us);
}

static void a_refused_grant_leaves_nothing(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 1);

    redis_fixture_grant(redis, id, STR("ann"));
    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("eve")), STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("eve")),
                 STATUS_DISCOUNT_NOT_FOUND);
    assert_string_equal(redis_server_command(redis->server, "EXISTS user:{eve}:discounts"), "0");
    assert_string_equal(redis_server_command(redis->server, "KEYS *AAAAAAAA*"), "");
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "1");
}

static void users_of_any_bytes_have_a_field_and_a_wallet_of_their_own(void **state)
{
    static const struct str users[] = {STR_INIT("User 1"),
                                       STR_INIT("{}"),
                                       STR_INIT("*"),
                                       STR_INIT("a}:{b"),
                                       STR_INIT("a\0b"),
                                       STR_INIT("\xFF\xFE"),
                                       STR_INIT("*1\r\n$4\r\nPING\r\n")};
    enum { COUNT = sizeof(users) / sizeof(users[0]) };
    struct redis_fixture *redis = *state;
    struct str id;
    char count[8];

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 100);
    for (size_t i = 0; i < COUNT; i++) {
        redis_fixture_grant(redis, id, users[i]);
        assert_string_not_equal(redis_server_command(redis->server,
                                                     "ZSCORE discount:{%s}:grants %b", id.p,
                                                     users[i].p, users[i].n),
                                "(nil)");
        assert_string_equal(redis_server_command(redis->server, "ZRANGE user:{%b}:discounts 0 -1",
                                                 users[i].p, users[i].n),
                            id.p);
    }
    snprintf(count, sizeof(count), "%d", COUNT);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), count);
}

static void an_idempotency_key_is_kept_for_a_day(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    long ttl_s;

    submit_create(fixture, &discount, STR("key"));
    assert_true(store_fixture_settle(fixture));
    ttl_s = atol(redis_server_command(redis->server, "TTL idempotency:5:{brand}:key"));
    assert_in_range(ttl_s, 86000, 86400);
}

static void a_replayed_creation_writes_nothing(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    submit_create(fixture, &discount, STR("key"));
    submit_create(fixture, &discount, STR("key"));
    assert_true(store_fixture_settle(fixture));
    assert_string_equal(redis_server_command(redis->server, "ZCARD discounts"), "1");
    /* The discount, two indexes, the key. */
    assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "4");
}

static void the_database_of_the_url_holds_the_keys(void **state)
{
    struct redis_fixture *redis = *state;
    char url[128];

    redis->server = redis_server_start(NULL);
    snprintf(url, sizeof(url), "%s/5", redis_server_url(redis->server));
    redis_fixture_open(redis, url, redis_fixture_patient());
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    redis_fixture_discount(redis, 1);
    assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "0");
    redis_server_command(redis->server, "SELECT 5");
    assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "3");
}

static void a_rush_leaves_as_many_grants_as_there_was_stock(void **state)
{
    enum { STOCK = 300, USERS = 1000 };
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, STOCK);
    struct concurrent_clients *clients = concurrent_clients_run(redis->engine, id, 4, USERS, 50);

    assert_null(clients->broken);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "300");
    for (size_t user = 0; user < USERS; user++) {
        char text[16];
        struct str name = concurrent_clients_user(user, text);
        bool is_held = clients->answered[0][user].status == STATUS_OK;
        const char *held = redis_server_command(redis->server, "ZSCORE discount:{%s}:grants %b",
                                                id.p, name.p, name.n);

        CHECK_INT(fixture, strtoll(held, NULL, 10),
                  is_held ? clients->answered[0][user].granted_at_us : 0);
    }
    free(clients);
}

/* ---- How it is written ---- */

/* Returns how often a command was executed since the statistics were reset. */
static long calls(struct redis_fixture *redis, const char *command)
{
    const char *stats = redis_server_command(redis->server, "INFO commandstats");
    char prefix[64];
    const char *line;

    snprintf(prefix, sizeof(prefix), "cmdstat_%s:calls=", command);
    line = strstr(stats, prefix);
    return line == NULL ? 0 : atol(line + strlen(prefix));
}

static void grants_of_one_discount_in_one_turn_are_one_command(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str one = redis_fixture_discount(redis, 1000),
               other = redis_fixture_discount(redis, 1000);
    char text[16];

    redis_server_command(redis->server, "CONFIG RESETSTAT");
    for (size_t i = 0; i < 100; i++) {
        submit_grant(fixture, one, concurrent_clients_user(i, text));
        submit_grant(fixture, other, concurrent_clients_user(i, text));
    }
    assert_true(store_fixture_settle(fixture));
    assert_int_equal(calls(redis, "evalsha"), 2);
    /* One write for all grants of a batch, and one for each wallet. */
    assert_int_equal(calls(redis, "zadd"), 2 + 200);
}

static void grants_of_many_discounts_in_one_turn_are_one_command(void **state)
{
    enum { DISCOUNTS = 40, USERS = 3 };
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str ids[DISCOUNTS];
    char text[16];

    for (size_t i = 0; i < DISCOUNTS; i++) {
        ids[i] = redis_fixture_discount(redis, 1000);
    }
    redis_server_command(redis->server, "CONFIG RESETSTAT");
    for (size_t i = 0; i < DISCOUNTS * USERS; i++) {
        submit_grant(fixture, ids[i % DISCOUNTS], concurrent_clients_user(i, text));
    }
    assert_true(store_fixture_settle(fixture));
    assert_int_equal(calls(redis, "evalsha"), 1);
    assert_int_equal(calls(redis, "zadd"), DISCOUNTS + DISCOUNTS * USERS);
    for (size_t i = 0; i < DISCOUNTS; i++) {
        assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", ids[i]), "3");
    }
}

static void a_batch_takes_no_more_grants_than_its_limit(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 1000);
    char text[16];

    redis_server_command(redis->server, "CONFIG RESETSTAT");
    for (size_t i = 0; i < 2 * LIMIT_GRANTS_PER_BATCH + 1; i++) {
        submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    assert_true(store_fixture_settle(fixture));
    assert_int_equal(calls(redis, "evalsha"), 3);
}

static void scripts_are_sent_by_their_hash(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct attempt *asked[STORE_VERB_COUNT];
    struct str id = redis_fixture_discount(redis, 1000);

    redis_server_command(redis->server,
                         "CONFIG RESETSTAT"); /* the probe of the handshake is whole */
    redis_fixture_submit_each(redis, id, STR("ann"), asked);
    assert_true(store_fixture_settle(fixture));
    assert_int_equal(calls(redis, "eval"), 0);
    /* Each verb has a script but the ping. */
    assert_int_equal(calls(redis, "evalsha"), STORE_VERB_COUNT - 1);
}

/* ---- Values that our stores never write ---- */

static void what_no_store_writes_is_corrupt_and_nothing_else(void **state)
{
    static const struct {
        const char *field;
        struct str value;
        int corrupt;
    } plants[] = {
        {"discount_code", STR_INIT(""), ALL},
        {"discount_code", STR_INIT("\xff"), ALL},
        {"discount_code", STR_INIT("a\0b"), ALL},
        {"brand_id", STR_INIT(""), SHOWN},
        {"brand_id", STR_INIT("\xc3"), SHOWN},
        {"total_count", STR_INIT("1000000001"), SHOWN},
        {"total_count", STR_INIT("0"), SHOWN | GRANT | REPEAT},
        {"starts_at", STR_INIT("0"), SHOWN | GRANT | REPEAT},
        {"starts_at", STR_INIT("-1"), SHOWN | GRANT | REPEAT},
        {"starts_at", STR_INIT("1e3"), SHOWN | GRANT | REPEAT},
        {"expires_at", STR_INIT("0"), SHOWN | GRANT | REPEAT},
        {"expires_at", STR_INIT("253402300800000000"), SHOWN},
        {"expires_at", STR_INIT("9000000000000000000"), SHOWN | GRANT | REPEAT},
        {"created_at", STR_INIT("0"), SHOWN},
        {"created_at", STR_INIT("253402300800000000"), SHOWN},
    };
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        struct str id;
        int found;

        redis_server_command(redis->server, "FLUSHDB");
        id = redis_fixture_discount(redis, 7);
        CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
        redis_server_command(redis->server, "HSET discount:{%s} %s %b", id.p, plants[i].field,
                             plants[i].value.p, plants[i].value.n);
        found = corrupt_ones(fixture, id, STR("ann"));
        CHECK_INT(fixture, atoll(ask(redis, "ZCARD discount:{%s}:grants", id)),
                  (plants[i].corrupt & GRANT) != 0 ? 1 : 2);
        if (found != plants[i].corrupt) {
            fail_msg("%s %s: corrupt are 0x%x, not 0x%x", plants[i].field, plants[i].value.p,
                     (unsigned)found, (unsigned)plants[i].corrupt);
        }
    }
}

/* The scripts judge each code as discount_text_is_valid does, and before they write anything. */
static void nothing_is_granted_of_a_code_that_is_none(void **state)
{
    static const unsigned char bytes[] = {
        0,    0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2,
        0xc3, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    enum { BYTES = sizeof(bytes), CODES = BYTES * BYTES * 3 };
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, CODES);
    int64_t granted = 0;

    for (size_t i = 0; i < CODES; i++) {
        const size_t length = 2 + i / (BYTES * BYTES);
        const char code[] = {(char)bytes[i % BYTES], (char)bytes[i / BYTES % BYTES], (char)0x8f,
                             (char)0x80};
        char text[16];
        struct attempt *asked;

        redis_server_command(redis->server, "HSET discount:{%s} discount_code %b", id.p, code,
                             length);
        asked = submit_grant(fixture, id, concurrent_clients_user(i, text));
        CHECK(fixture, store_fixture_settle(fixture));
        CHECK_STATUS(fixture, asked,
                     discount_code_is_valid((struct str){code, length}) ? STATUS_OK
                                                                        : STATUS_CORRUPT);
        granted += asked->op.status == STATUS_OK;
    }
    CHECK(fixture, granted > 0);
    CHECK_INT(fixture, atoll(ask(redis, "ZCARD discount:{%s}:grants", id)), granted);
}

static void a_code_that_is_too_long_is_corrupt_and_no_lack_of_memory(void **state)
{
    static const size_t lengths[] = {257, 3000000};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 7);
    char *text = malloc(3000000);

    assert_non_null(text);
    memset(text, 'x', 3000000);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        redis_server_command(redis->server, "HSET discount:{%s} discount_code %b", id.p, text,
                             lengths[i]);
        CHECK_INT(fixture, corrupt_ones(fixture, id, STR("ann")), ALL);
        assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "1");
    }
    free(text);
}

static void a_grant_that_no_store_writes_is_corrupt_in_the_list(void **state)
{
    static const struct {
        const char *score;
        struct str user;
    } plants[] = {{"5", STR_INIT("")},
                  {"5", STR_INIT("\x80")},
                  {"0", STR_INIT("eve")},
                  {"-5", STR_INIT("eve")},
                  {"999999999999999999", STR_INIT("eve")}};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        struct str id;

        redis_server_command(redis->server, "FLUSHDB");
        id = redis_fixture_discount(redis, 7);
        CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
        redis_server_command(redis->server, "ZADD discount:{%s}:grants %s %b", id.p,
                             plants[i].score, plants[i].user.p, plants[i].user.n);
        CHECK_INT(fixture, corrupt_ones(fixture, id, STR("ann")), GRANTS);
    }
}

static void an_entry_of_the_index_that_is_no_discount_is_corrupt_in_the_list(void **state)
{
    static const char *const scores[] = {"0", "-5", "-inf", "5", "+inf"};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 7);

    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        redis_server_command(redis->server, "ZADD discounts %s garbage", scores[i]);
        CHECK_INT(fixture, corrupt_ones(fixture, id, STR("ann")), LIST);
    }
}

static struct attempt *created(struct store_fixture *fixture, struct str key)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct attempt *attempt = submit_create(fixture, &discount, key);

    CHECK(fixture, store_fixture_settle(fixture));
    return attempt;
}

static void nothing_is_created_behind_the_last_time(void **state)
{
    static const char *const last[] = {"9007199254740991", "99999999999999999", "+inf"};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    redis_server_command(redis->server, "ZADD discounts 9007199254740990 late");
    CHECK_STATUS(fixture, created(fixture, (struct str){0}), STATUS_OK);
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        redis_server_command(redis->server, "FLUSHDB");
        redis_server_command(redis->server, "ZADD discounts %s late", last[i]);
        CHECK_STATUS(fixture, created(fixture, (struct str){0}), STATUS_CORRUPT);
        CHECK_STATUS(fixture, created(fixture, STR("key")), STATUS_CORRUPT);
        assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "1");
    }
}

static void a_key_of_another_brands_discount_hands_out_nothing(void **state)
{
    static const char *const plants[] = {"HSET discount:{%s} brand_id another",
                                         "HSET discount:{%s} created_at 5",
                                         "HDEL discount:{%s} created_at", "DEL discount:{%s}"};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        struct attempt *first;

        redis_server_command(redis->server, "FLUSHDB");
        first = created(fixture, STR("key"));
        CHECK_STATUS(fixture, first, STATUS_OK);
        CHECK_STATUS(fixture, created(fixture, STR("key")), STATUS_OK);
        ask(redis, plants[i], first->op.create.discount.id);
        CHECK_STATUS(fixture, created(fixture, STR("key")), STATUS_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(a_discount_is_a_hash_and_an_entry_in_two_indexes),
        REDIS_TEST(a_discount_is_created_after_the_last_one),
        REDIS_TEST(a_grant_is_a_field_and_an_entry_in_the_wallet),
        REDIS_TEST(a_wallet_that_was_lost_is_written_again_by_a_repeat),
        REDIS_TEST(a_refused_grant_leaves_nothing),
        REDIS_TEST(users_of_any_bytes_have_a_field_and_a_wallet_of_their_own),
        REDIS_TEST(an_idempotency_key_is_kept_for_a_day),
        REDIS_TEST(a_replayed_creation_writes_nothing),
        REDIS_TEST(the_database_of_the_url_holds_the_keys),
        REDIS_TEST(a_rush_leaves_as_many_grants_as_there_was_stock),
        REDIS_TEST(grants_of_one_discount_in_one_turn_are_one_command),
        REDIS_TEST(grants_of_many_discounts_in_one_turn_are_one_command),
        REDIS_TEST(a_batch_takes_no_more_grants_than_its_limit),
        REDIS_TEST(scripts_are_sent_by_their_hash),
        REDIS_TEST(what_no_store_writes_is_corrupt_and_nothing_else),
        REDIS_TEST(nothing_is_granted_of_a_code_that_is_none),
        REDIS_TEST(a_code_that_is_too_long_is_corrupt_and_no_lack_of_memory),
        REDIS_TEST(a_grant_that_no_store_writes_is_corrupt_in_the_list),
        REDIS_TEST(an_entry_of_the_index_that_is_no_discount_is_corrupt_in_the_list),
        REDIS_TEST(nothing_is_created_behind_the_last_time),
        REDIS_TEST(a_key_of_another_brands_discount_hands_out_nothing),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis data", tests, NULL, NULL);
}
