/* SPDX-License-Identifier: MIT */
/* The findings of a verify on a valid Redis, and on one that was damaged. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/findings.h"
#include "store/redis/redis_fixture.h"
#include "support/clock.h"
#include "support/moved_clock.h"

/* Starts a Redis with one discount of five, granted to ann and bob. */
static struct str fill(struct redis_fixture *redis)
{
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 5);

    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("bob")), STATUS_OK);
    return id;
}

/* Runs a command with the id in it, without the store; it must not fail. */
static void spoil(struct redis_fixture *redis, const char *format, struct str id)
{
    const char *answer = redis_server_command(redis->server, format, id.p);

    if (strncmp(answer, "(error)", 7) == 0) {
        fail_msg("%s: %s", format, answer);
    }
}

static const char *url(const struct redis_fixture *redis)
{
    return redis_server_url(redis->server);
}

/* ---- Valid data ---- */

static void an_empty_redis_has_no_finding(void **state)
{
    struct redis_fixture *redis = *state;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    findings_none(url(redis), 0, 0);
}

static void what_a_store_has_written_has_no_finding(void **state)
{
    static const struct discount discount = {.brand_id = STR_INIT("another brand"),
                                             .discount_code = STR_INIT("A CODE"),
                                             .total_count = 1,
                                             .starts_at_us = 1,
                                             .expires_at_us = 4102444800000000};
    struct redis_fixture *redis = *state;
    struct attempt *created;

    fill(redis);
    created = submit_create(&redis->fixture, &discount, STR("key"));
    assert_true(store_fixture_settle(&redis->fixture));
    redis_fixture_grant(redis, created->op.create.discount.id, STR("ann"));
    redis_fixture_grant(redis, created->op.create.discount.id, STR("}:discounts \xC3\xA9"));
    findings_none(url(redis), 2, 3);
}

/* More than one page of everything: the index, a brand's index, grants, a wallet, keys. */
static void many_are_all_looked_at(void **state)
{
    enum { DISCOUNTS = 600, USERS = 1200 };
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct attempt *created[DISCOUNTS];
    struct findings findings;
    char text[16];

    for (size_t i = 0; i < DISCOUNTS; i++) {
        created[i] = redis_fixture_submit(redis, STORE_CREATE, (struct str){0}, (struct str){0});
    }
    assert_true(store_fixture_settle(fixture));
    for (size_t i = 0; i < DISCOUNTS; i++) {
        submit_grant(fixture, created[i]->op.create.discount.id, STR("ann"));
    }
    redis_server_command(redis->server, "HSET discount:{%s} total_count 100000",
                         created[7]->op.create.discount.id.p);
    for (size_t i = 0; i < USERS; i++) {
        submit_grant(fixture, created[7]->op.create.discount.id, concurrent_clients_user(i, text));
    }
    assert_true(store_fixture_settle(fixture));
    findings_none(url(redis), DISCOUNTS, DISCOUNTS + USERS);
    findings_take(url(redis), &findings);
    assert_int_equal(findings.done, findings.total);
    findings_drop(&findings);
    /* Removes the last of each. */
    redis_server_command(redis->server, "ZREMRANGEBYRANK %s -1 -1", "brand:{a brand}:discounts");
    redis_server_command(redis->server, "ZREM discount:{%s}:grants ann",
                         created[DISCOUNTS - 1]->op.create.discount.id.p);
    redis_server_command(redis->server, "DEL user:{%s}:discounts",
                         concurrent_clients_user(USERS - 1, text).p);
    findings_hold(url(redis), created[DISCOUNTS - 1]->op.create.discount.id.p,
                  ": is not in the index of brand a brand");
    findings_hold(url(redis), created[DISCOUNTS - 1]->op.create.discount.id.p,
                  ": is in the wallet of user ann, who was not granted it");
    findings_hold(url(redis), created[7]->op.create.discount.id.p,
                  ": is not in the wallet of user ");
}

struct rush {
    struct store_engine *engine;
    struct str id;
    struct concurrent_clients *clients; /* finished when it is over */
};

static void *rush(void *argument)
{
    struct rush *rush = argument;

    rush->clients = concurrent_clients_run(rush->engine, rush->id, 4, CONCURRENT_CLIENTS_USERS, 50);
    return NULL;
}

/* A grant that is half read is not a finding. */
static void a_store_that_goes_on_granting_has_no_finding(void **state)
{
    struct redis_fixture *redis = *state;
    struct rush *it = calloc(1, sizeof(*it));
    struct str id = fill(redis);
    struct findings findings;
    pthread_t thread;

    assert_non_null(it);
    it->engine = redis->engine;
    it->id = id;
    spoil(redis, "HSET discount:{%s} total_count 100000", id);
    assert_int_equal(pthread_create(&thread, NULL, rush, it), 0);
    do {
        findings_take(url(redis), &findings);
        assert_true(findings.is_whole);
        assert_string_equal(findings.lines, "");
        findings_drop(&findings);
    } while (findings.audit.grants < CONCURRENT_CLIENTS_USERS + 2);
    pthread_join(thread, NULL);
    assert_null(it->clients->broken);
    free(it->clients);
    free(it);
}

static void other_keys_are_none_of_its_business(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "SET of-somebody-else %s", id);
    spoil(redis, "SADD user:ann %s", id);
    findings_none(url(redis), 1, 2);
}

static void the_database_of_the_url_is_looked_at(void **state)
{
    struct redis_fixture *redis = *state;
    char other[128];

    fill(redis);
    snprintf(other, sizeof(other), "%s/5", url(redis));
    findings_none(other, 0, 0);
}

static long changes(struct redis_fixture *redis)
{
    static const char name[] = "rdb_changes_since_last_save:";
    const char *at = strstr(redis_server_command(redis->server, "INFO persistence"), name);

    assert_non_null(at);
    return atol(at + sizeof(name) - 1);
}

static void a_verify_writes_nothing(void **state)
{
    struct redis_fixture *redis = *state;
    long before;

    fill(redis);
    before = changes(redis);
    findings_none(url(redis), 1, 2);
    assert_int_equal(changes(redis), before);
}

/* ---- Stock ---- */

static void one_grant_too_many_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "HSET discount:{%s} total_count 1", id);
    findings_one(url(redis), id.p, ": 2 grants of a total of 1");
}

static void a_total_that_is_no_number_is_found(void **state)
{
    static const char *const garbage[] = {"many", "-1", "0", "", "1e3", "0x10", "1.5"};
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        redis_server_command(redis->server, "HSET discount:{%s} total_count %s", id.p, garbage[i]);
        findings_one(url(redis), id.p, ": total_count is not a valid number: ");
    }
    spoil(redis, "HDEL discount:{%s} total_count", id);
    findings_one(url(redis), id.p, ": total_count is not a valid number: missing");
}

static void a_field_that_is_missing_or_garbage_is_found(void **state)
{
    static const struct {
        const char *command, *text;
    } plants[] = {
        {"HSET discount:{%s} starts_at soon", ": starts_at is not a valid time: soon"},
        {"HSET discount:{%s} starts_at 1 expires_at -5", ": expires_at is not a valid time: -5"},
        {"HDEL discount:{%s} discount_code",
         ": discount_code is empty, too long or not plain text"},
        {"HSET discount:{%s} created_at 0", ": created_at is not a valid time: 0"},
        {"HDEL discount:{%s} brand_id", ": brand_id is empty, too long or not plain text"},
    };
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        spoil(redis, plants[i].command, id);
        findings_hold(url(redis), id.p, plants[i].text);
    }
}

/* ---- Indexes ---- */

static void an_entry_of_the_index_without_its_discount_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZADD discounts 4102444800000000 dsc-nothing", id);
    findings_one(url(redis), "dsc-nothing", ": is in the index of all discounts, but there is no");
}

static void a_discount_that_the_index_does_not_have_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZREM discounts %s", id);
    findings_one(url(redis), id.p, ": is not in the index of all discounts");
}

static void a_discount_that_its_brands_index_does_not_have_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    redis_server_command(redis->server, "ZREM %s %s", "brand:{a brand}:discounts", id.p);
    findings_one(url(redis), id.p, ": is not in the index of brand a brand");
}

static void an_entry_of_another_brands_index_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZADD brand:{thief}:discounts 5 %s", id);
    findings_one(url(redis), id.p,
                 ": is in the index of brand thief, but is not one of its discounts");
}

static void an_index_with_another_time_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZINCRBY discounts 1 %s", id);
    findings_one(url(redis), id.p, ", and the index of all discounts says 20");
    spoil(redis, "ZINCRBY discounts -1 %s", id);
    redis_server_command(redis->server, "ZINCRBY %s 1 %s", "brand:{a brand}:discounts", id.p);
    findings_one(url(redis), id.p, ", and the index of brand a brand says ");
}

static void two_discounts_of_one_time_are_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str one = fill(redis), other = redis_fixture_discount(redis, 1);
    char created_at[32];

    snprintf(created_at, sizeof(created_at), "%s",
             redis_server_command(redis->server, "ZSCORE discounts %s", one.p));
    redis_server_command(redis->server, "HSET discount:{%s} created_at %s", other.p, created_at);
    redis_server_command(redis->server, "ZADD discounts %s %s", created_at, other.p);
    redis_server_command(redis->server, "ZADD %s %s %s", "brand:{a brand}:discounts", created_at,
                         other.p);
    findings_one(url(redis), "dsc-", ": was created at the same time as the one before it, 20");
}

/* ---- Grants and wallets ---- */

static void grants_without_their_discount_are_found(void **state)
{
    struct redis_fixture *redis = *state;

    fill(redis);
    redis_server_command(redis->server, "ZADD discount:{dsc-nothing}:grants 1 ann 1 bob");
    findings_one(url(redis), "dsc-nothing: ", "2 grants, but there is no such discount");
}

static void a_grant_that_the_wallet_does_not_have_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZREM user:{ann}:discounts %s", id);
    findings_one(url(redis), id.p,
                 ": is not in the wallet of user ann, who was granted it; the next");
    redis_fixture_grant(redis, id, STR("ann"));
    findings_none(url(redis), 1, 2);
}

static void a_wallets_entry_without_a_grant_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZADD user:{eve}:discounts 5 %s", id);
    findings_one(url(redis), id.p, ": is in the wallet of user eve, who was not granted it");
}

static void a_wallet_with_another_time_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZINCRBY user:{bob}:discounts 1 %s", id);
    findings_one(url(redis), id.p, ": user bob was granted it at 20");
}

static void a_grant_without_a_time_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZADD discount:{%s}:grants -5 ann", id);
    findings_one(url(redis), id.p,
                 ": user ann was granted it at an invalid time: 1969-12-31T23:59:59.999995Z");
}

/* ---- Idempotency keys ---- */

#define FINGERPRINT "0123456789012345678901234567890123456789"

static void set_key(struct redis_fixture *redis, const char *key, const char *use,
                    const char *seconds)
{
    redis_server_command(redis->server, "SET %s %s EX %s", key, use, seconds);
}

static void an_idempotency_key_without_its_discount_is_found(void **state)
{
    struct redis_fixture *redis = *state;

    fill(redis);
    set_key(redis, "idempotency:1:{b}:k", FINGERPRINT " dsc-nothing 5", "100");
    findings_one(url(redis), "idempotency:1:{b}:k: ", "names dsc-nothing, but there is no such");
}

static void what_is_no_idempotency_key_is_found(void **state)
{
    static const struct {
        const char *key, *use;
    } plants[] = {
        {"idempotency:1:{b}:k", "garbage"},
        {"idempotency:1:{b}:k", "0123 dsc-nothing 5"},
        {"idempotency:1:{b}:", FINGERPRINT " dsc-nothing 5"},
        {"idempotency:2:{b}:k", FINGERPRINT " dsc-nothing 5"},
        {"idempotency:9:{b}:k", FINGERPRINT " dsc-nothing 5"},
    };
    struct redis_fixture *redis = *state;

    fill(redis);
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        set_key(redis, plants[i].key, plants[i].use, "100");
        findings_one(url(redis), plants[i].key, " of an idempotency key");
        redis_server_command(redis->server, "DEL %s", plants[i].key);
    }
}

static void an_idempotency_key_of_another_discount_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);
    char created_at[32], use[128];

    snprintf(created_at, sizeof(created_at), "%s",
             redis_server_command(redis->server, "HGET discount:{%s} created_at", id.p));
    snprintf(use, sizeof(use), FINGERPRINT " %s %s", id.p, created_at);
    set_key(redis, "idempotency:5:{thief}:k", use, "100");
    findings_one(url(redis), "idempotency:5:{thief}:k: ", ", which is a discount of another brand");
    redis_server_command(redis->server, "DEL idempotency:5:{thief}:k");
    set_key(redis, "idempotency:7:{a brand}:k", use, "100");
    findings_none(url(redis), 1, 2);
    snprintf(use, sizeof(use), FINGERPRINT " %s 5", id.p);
    set_key(redis, "idempotency:7:{a brand}:k", use, "100");
    findings_one(url(redis), "idempotency:7:{a brand}:k: ",
                 " was created at 1970-01-01T00:00:00.000005Z, which was created at 20");
}

static void an_idempotency_key_of_no_day_is_found(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("b"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct redis_fixture *redis = *state;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    submit_create(&redis->fixture, &discount, STR("k"));
    assert_true(store_fixture_settle(&redis->fixture));
    findings_none(url(redis), 1, 0);
    redis_server_command(redis->server, "PERSIST idempotency:1:{b}:k");
    findings_one(url(redis), "idempotency:1:{b}:k: ", "will never expire");
    redis_server_command(redis->server, "EXPIRE idempotency:1:{b}:k 180000");
    findings_one(url(redis), "idempotency:1:{b}:k: ", ", which is more than a day after its first");
    findings_one(url(redis), "idempotency:1:{b}:k: will expire at 20", "");
}

/* Redis counts the rest of a key's day with its clock, which may have been set since. */
static void a_key_from_before_a_clock_was_set_has_no_finding(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("b"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    static const int64_t back_s[] = {1, 50 * 60, 86400, 365 * 86400};
    struct redis_fixture *redis = *state;
    struct moved_clock clock;

    moved_clock_open(&clock);
    redis->server = redis_server_start(NULL);
    moved_clock_end_giving();
    redis_fixture_open(redis, url(redis), redis_fixture_patient());
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    submit_create(&redis->fixture, &discount, STR("k"));
    assert_true(store_fixture_settle(&redis->fixture));
    for (size_t i = 0; i < sizeof(back_s) / sizeof(back_s[0]); i++) {
        moved_clock_shift(&clock, -back_s[i] * 1000000);
        submit_create(&redis->fixture, &discount, (struct str){&"k0123"[i], 1});
        assert_true(store_fixture_settle(&redis->fixture));
        findings_none(url(redis), i + 1, 0);
    }
    moved_clock_close(&clock);
}

static void a_time_that_no_store_writes_is_readable(void **state)
{
    static const struct {
        const char *time, *text;
    } plants[] = {
        {"0", ": 1970-01-01T00:00:00.000000Z"},
        {"-86400000000", ": 1969-12-31T00:00:00.000000Z"},
        {"253402300800000000", "+010000-01-01T00:00:00.000000Z"},
        {"253928736000000000", "+010016-09-06T00:00:00.000000Z"},
        {"1.5", ": 1.5"},
        {"inf", ": inf"},
    };
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        redis_server_command(redis->server, "ZADD discount:{%s}:grants %s ann", id.p,
                             plants[i].time);
        findings_one(url(redis), id.p, plants[i].text);
    }
}

/* ---- Keys that will not last ---- */

static void a_key_that_will_vanish_is_found(void **state)
{
    static const char *const keys[] = {"discount:{%s}", "discount:{%s}:grants", "discounts",
                                       "user:{ann}:discounts", "brand:{a brand}:discounts"};
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char key[64];

        snprintf(key, sizeof(key), keys[i], id.p);
        redis_server_command(redis->server, "EXPIRE %s 1000", key);
        findings_one(url(redis), key, ": will expire at 20");
        redis_server_command(redis->server, "PERSIST %s", key);
    }
    findings_none(url(redis), 1, 2);
}

/* ---- Values that our stores never write ---- */

static void a_discount_that_no_store_writes_is_found(void **state)
{
    static const struct {
        const char *field, *value, *text;
    } plants[] = {
        {"discount_code", "", ": discount_code is empty"},
        {"discount_code", "\xff", ": discount_code is empty, too long or not plain"},
        {"discount_code", "a\nb", ": discount_code is empty, too long or not plain"},
        {"total_count", "1000000001", ": total_count is not a valid number of units"},
        {"starts_at", "0", ": starts_at is not a valid time: 0"},
        {"starts_at", "253402300800000000", ": starts_at is not a time from 1970 to 9999"},
        {"expires_at", "0", ": expires_at is not a valid time: 0"},
        {"expires_at", "253402300800000000", ": expires_at is not a time from 1970 to 9999"},
    };
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        char before[64];

        snprintf(
            before, sizeof(before), "%s",
            redis_server_command(redis->server, "HGET discount:{%s} %s", id.p, plants[i].field));
        redis_server_command(redis->server, "HSET discount:{%s} %s %b", id.p, plants[i].field,
                             plants[i].value, strlen(plants[i].value));
        findings_one(url(redis), id.p, plants[i].text);
        if (strcmp(before, "(nil)") == 0) {
            redis_server_command(redis->server, "HDEL discount:{%s} %s", id.p, plants[i].field);
        } else {
            redis_server_command(redis->server, "HSET discount:{%s} %s %s", id.p, plants[i].field,
                                 before);
        }
    }
    spoil(redis, "HSET discount:{%s} starts_at 5 expires_at 5", id);
    findings_one(url(redis), id.p, ": expires_at is not later than starts_at");
    spoil(redis, "HDEL discount:{%s} starts_at expires_at", id);
    spoil(redis, "RENAME discount:{%s} discount:{garbage}", id);
    findings_hold(url(redis), "garbage: ", "its id does not have the form of an id");
}

static void a_brand_or_a_code_that_is_too_long_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);
    char text[300];

    memset(text, 'x', sizeof(text));
    redis_server_command(redis->server, "HSET discount:{%s} discount_code %b", id.p, text,
                         (size_t)256);
    findings_none(url(redis), 1, 2);
    redis_server_command(redis->server, "HSET discount:{%s} discount_code %b", id.p, text,
                         (size_t)257);
    findings_one(url(redis), id.p, ": discount_code is empty, too long");
    redis_server_command(redis->server, "HSET discount:{%s} brand_id %b", id.p, text, (size_t)129);
    findings_hold(url(redis), id.p, ": brand_id is empty, too long");
}

static void a_user_that_no_store_writes_is_found(void **state)
{
    static const struct str users[] = {STR_INIT(""), STR_INIT("\x80"), STR_INIT("a\0b")};
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        redis_server_command(redis->server, "ZADD discount:{%s}:grants 5 %b", id.p, users[i].p,
                             users[i].n);
        redis_server_command(redis->server, "ZADD user:{%b}:discounts 5 %s", users[i].p, users[i].n,
                             id.p);
        findings_one(url(redis), id.p, ": was granted to a user whose id is empty");
        redis_server_command(redis->server, "ZREM discount:{%s}:grants %b", id.p, users[i].p,
                             users[i].n);
        redis_server_command(redis->server, "DEL user:{%b}:discounts", users[i].p, users[i].n);
    }
}

static void a_time_of_creation_that_is_the_last_is_found(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    spoil(redis, "ZADD discounts 9007199254740991 %s", id);
    findings_hold(url(redis), id.p,
                  ": was created at 2255-06-05T23:47:34.740991Z, and nothing can be created after");
}

/* ---- Types, bytes ---- */

static void keys_of_a_wrong_type_are_found(void **state)
{
    static const struct {
        const char *command, *begin, *text;
    } plants[] = {
        {"SET discounts %s", "discounts: ", "is a string and not a zset"},
        {"SET discount:{%s}:grants text", "discount:{", "}:grants: is a string and not a zset"},
        {"SET user:{ann}:discounts %s", "user:{ann}:discounts: ", "is a string and not a zset"},
        {"SET brand:{b}:discounts %s", "brand:{b}:discounts: ", "is a string and not a zset"},
        {"SET discount:{%s} text", "discount:{", "}: is a string and not a hash"},
        {"LPUSH idempotency:1:{b}:k %s", "idempotency:1:{b}:k: ", "is a list and not a string"},
    };
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        spoil(redis, plants[i].command, id);
        findings_hold(url(redis), plants[i].begin, plants[i].text);
    }
}

static void a_fault_does_a_terminal_no_harm(void **state)
{
    static const struct str user = STR_INIT("\x1b[2J\n\xC2\x9B\0\\");
    struct redis_fixture *redis = *state;
    struct str id = fill(redis);

    redis_server_command(redis->server, "ZADD user:{%b}:discounts 5 %s", user.p, user.n, id.p);
    findings_one(url(redis), id.p, "of user \\x1b[2J\\x0a\\xc2\\x9b\\x00\\x5c, who");
}

/* ---- Data that cannot be read ---- */

static void assert_refused(const char *at, const char *text)
{
    struct findings findings;

    findings_take(at, &findings);
    assert_false(findings.is_whole);
    if (strstr(findings.fault, text) == NULL) {
        fail_msg("not \"%s\": %s", text, findings.fault);
    }
    findings_drop(&findings);
}

static void a_redis_that_is_not_there_is_refused(void **state)
{
    struct redis_fixture *redis = *state;

    fill(redis);
    redis_server_kill(redis->server);
    assert_refused(url(redis), "redis: Connection refused");
}

static void a_redis_with_a_password_wants_it(void **state)
{
    struct redis_fixture *redis = *state;
    char without[64];

    redis_fixture_redis(redis, (const char *[]){"--requirepass", "secret", NULL},
                        redis_fixture_patient());
    findings_none(url(redis), 0, 0);
    snprintf(without, sizeof(without), "redis://127.0.0.1:%d", redis_server_port(redis->server));
    assert_refused(without, "redis: NOAUTH");
    snprintf(without, sizeof(without), "redis://:wrong@127.0.0.1:%d",
             redis_server_port(redis->server));
    assert_refused(without, "redis: WRONGPASS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(an_empty_redis_has_no_finding),
        REDIS_TEST(what_a_store_has_written_has_no_finding),
        REDIS_TEST(many_are_all_looked_at),
        REDIS_TEST(a_store_that_goes_on_granting_has_no_finding),
        REDIS_TEST(other_keys_are_none_of_its_business),
        REDIS_TEST(the_database_of_the_url_is_looked_at),
        REDIS_TEST(a_verify_writes_nothing),
        REDIS_TEST(one_grant_too_many_is_found),
        REDIS_TEST(a_total_that_is_no_number_is_found),
        REDIS_TEST(a_field_that_is_missing_or_garbage_is_found),
        REDIS_TEST(an_entry_of_the_index_without_its_discount_is_found),
        REDIS_TEST(a_discount_that_the_index_does_not_have_is_found),
        REDIS_TEST(a_discount_that_its_brands_index_does_not_have_is_found),
        REDIS_TEST(an_entry_of_another_brands_index_is_found),
        REDIS_TEST(an_index_with_another_time_is_found),
        REDIS_TEST(two_discounts_of_one_time_are_found),
        REDIS_TEST(grants_without_their_discount_are_found),
        REDIS_TEST(a_grant_that_the_wallet_does_not_have_is_found),
        REDIS_TEST(a_wallets_entry_without_a_grant_is_found),
        REDIS_TEST(a_wallet_with_another_time_is_found),
        REDIS_TEST(a_grant_without_a_time_is_found),
        REDIS_TEST(an_idempotency_key_without_its_discount_is_found),
        REDIS_TEST(what_is_no_idempotency_key_is_found),
        REDIS_TEST(an_idempotency_key_of_another_discount_is_found),
        REDIS_TEST(an_idempotency_key_of_no_day_is_found),
        REDIS_TEST(a_key_from_before_a_clock_was_set_has_no_finding),
        REDIS_TEST(a_time_that_no_store_writes_is_readable),
        REDIS_TEST(a_key_that_will_vanish_is_found),
        REDIS_TEST(a_discount_that_no_store_writes_is_found),
        REDIS_TEST(a_brand_or_a_code_that_is_too_long_is_found),
        REDIS_TEST(a_user_that_no_store_writes_is_found),
        REDIS_TEST(a_time_of_creation_that_is_the_last_is_found),
        REDIS_TEST(keys_of_a_wrong_type_are_found),
        REDIS_TEST(a_fault_does_a_terminal_no_harm),
        REDIS_TEST(a_redis_that_is_not_there_is_refused),
        REDIS_TEST(a_redis_with_a_password_wants_it),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis verify", tests, NULL, NULL);
}
