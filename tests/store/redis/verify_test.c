/* SPDX-License-Identifier: MIT */
/* What a verify says of a Redis that is sound, and of one that somebody has spoiled. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/findings.h"
#include "store/redis/redis_fixture.h"

/* A Redis with one discount of five, which ann and bob were granted. */
static struct str fill(struct rig *rig)
{
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 5);

    CHECK_STATUS(scene, rig_grant(rig, id, STR("ann")), STATUS_OK);
    CHECK_STATUS(scene, rig_grant(rig, id, STR("bob")), STATUS_OK);
    return id;
}

/* Runs a command with the id in it past the store; it must not fail. */
static void spoil(struct rig *rig, const char *format, struct str id)
{
    const char *answer = redis_server_command(rig->server, format, id.p);

    if (strncmp(answer, "(error)", 7) == 0) {
        fail_msg("%s: %s", format, answer);
    }
}

static const char *url(const struct rig *rig)
{
    return redis_server_url(rig->server);
}

/* ---- Sound ---- */

static void an_empty_redis_has_no_fault(void **state)
{
    struct rig *rig = *state;

    rig_redis(rig, NULL, rig_patient());
    findings_none(url(rig), 0, 0);
}

static void what_a_store_has_written_has_no_fault(void **state)
{
    static const struct discount discount = {.brand_id = STR_INIT("another brand"),
                                             .discount_code = STR_INIT("A CODE"),
                                             .total_count = 1,
                                             .starts_at_us = 1,
                                             .expires_at_us = 4102444800000000};
    struct rig *rig = *state;
    struct attempt *created;

    fill(rig);
    created = submit_create(&rig->scene, &discount, STR("key"));
    assert_true(scene_settle(&rig->scene));
    rig_grant(rig, created->op.create.discount.id, STR("ann"));
    rig_grant(rig, created->op.create.discount.id, STR("}:discounts \xC3\xA9"));
    findings_none(url(rig), 2, 3);
}

/* More than one page of everything: of the index, of a brand's, of grants, of a wallet, of keys. */
static void many_are_all_looked_at(void **state)
{
    enum { DISCOUNTS = 600, USERS = 1200 };
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct attempt *created[DISCOUNTS];
    struct findings findings;
    char text[16];

    for (size_t i = 0; i < DISCOUNTS; i++) {
        created[i] = rig_submit(rig, STORE_CREATE, (struct str){0}, (struct str){0});
    }
    assert_true(scene_settle(scene));
    for (size_t i = 0; i < DISCOUNTS; i++) {
        submit_grant(scene, created[i]->op.create.discount.id, STR("ann"));
    }
    redis_server_command(rig->server, "HSET discount:{%s} total_count 100000",
                         created[7]->op.create.discount.id.p);
    for (size_t i = 0; i < USERS; i++) {
        submit_grant(scene, created[7]->op.create.discount.id, crowd_user(i, text));
    }
    assert_true(scene_settle(scene));
    findings_none(url(rig), DISCOUNTS, DISCOUNTS + USERS);
    findings_take(url(rig), &findings);
    assert_int_equal(findings.done, findings.total);
    findings_drop(&findings);
    /* The last of each. */
    redis_server_command(rig->server, "ZREMRANGEBYRANK %s -1 -1", "brand:{a brand}:discounts");
    redis_server_command(rig->server, "ZREM discount:{%s}:grants ann",
                         created[DISCOUNTS - 1]->op.create.discount.id.p);
    redis_server_command(rig->server, "DEL user:{%s}:discounts", crowd_user(USERS - 1, text).p);
    findings_hold(url(rig), created[DISCOUNTS - 1]->op.create.discount.id.p,
                  ": is not in the index of brand a brand");
    findings_hold(url(rig), created[DISCOUNTS - 1]->op.create.discount.id.p,
                  ": is in the wallet of user ann, who was not granted it");
    findings_hold(url(rig), created[7]->op.create.discount.id.p, ": is not in the wallet of user ");
}

struct rush {
    struct store_engine *engine;
    struct str id;
    struct crowd *crowd; /* when it is over */
};

static void *rush(void *argument)
{
    struct rush *rush = argument;

    rush->crowd = crowd_rush(rush->engine, rush->id, 4, CROWD_USERS, 50);
    return NULL;
}

/* No half of a grant is taken for a fault. */
static void a_store_that_goes_on_granting_has_no_fault(void **state)
{
    struct rig *rig = *state;
    struct rush *it = calloc(1, sizeof(*it));
    struct str id = fill(rig);
    struct findings findings;
    pthread_t thread;

    assert_non_null(it);
    it->engine = rig->engine;
    it->id = id;
    spoil(rig, "HSET discount:{%s} total_count 100000", id);
    assert_int_equal(pthread_create(&thread, NULL, rush, it), 0);
    do {
        findings_take(url(rig), &findings);
        assert_true(findings.is_whole);
        assert_string_equal(findings.lines, "");
        findings_drop(&findings);
    } while (findings.audit.grants < CROWD_USERS + 2);
    pthread_join(thread, NULL);
    assert_null(it->crowd->broken);
    free(it->crowd);
    free(it);
}

static void other_keys_are_none_of_its_business(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "SET of-somebody-else %s", id);
    spoil(rig, "SADD user:ann %s", id);
    findings_none(url(rig), 1, 2);
}

static void the_database_of_the_url_is_looked_at(void **state)
{
    struct rig *rig = *state;
    char other[128];

    fill(rig);
    snprintf(other, sizeof(other), "%s/5", url(rig));
    findings_none(other, 0, 0);
}

static long changes(struct rig *rig)
{
    static const char name[] = "rdb_changes_since_last_save:";
    const char *at = strstr(redis_server_command(rig->server, "INFO persistence"), name);

    assert_non_null(at);
    return atol(at + sizeof(name) - 1);
}

static void a_verify_writes_nothing(void **state)
{
    struct rig *rig = *state;
    long before;

    fill(rig);
    before = changes(rig);
    findings_none(url(rig), 1, 2);
    assert_int_equal(changes(rig), before);
}

/* ---- Stock ---- */

static void one_grant_too_many_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "HSET discount:{%s} total_count 1", id);
    findings_one(url(rig), id.p, ": 2 grants of a total of 1");
}

static void a_total_that_is_no_number_is_found(void **state)
{
    static const char *const garbage[] = {"many", "-1", "0", "", "1e3", "0x10", "1.5"};
    struct rig *rig = *state;
    struct str id = fill(rig);

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        redis_server_command(rig->server, "HSET discount:{%s} total_count %s", id.p, garbage[i]);
        findings_one(url(rig), id.p, ": total_count is no such number: ");
    }
    spoil(rig, "HDEL discount:{%s} total_count", id);
    findings_one(url(rig), id.p, ": total_count is no such number: missing");
}

static void a_field_that_is_missing_or_garbage_is_found(void **state)
{
    static const struct {
        const char *command, *text;
    } plants[] = {
        {"HSET discount:{%s} starts_at soon", ": starts_at is no time: soon"},
        {"HSET discount:{%s} starts_at 1 expires_at -5", ": expires_at is no time: -5"},
        {"HDEL discount:{%s} discount_code", ": discount_code is empty, too long or no plain text"},
        {"HSET discount:{%s} created_at 0", ": created_at is no time: 0"},
        {"HDEL discount:{%s} brand_id", ": brand_id is empty, too long or no plain text"},
    };
    struct rig *rig = *state;
    struct str id = fill(rig);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        spoil(rig, plants[i].command, id);
        findings_hold(url(rig), id.p, plants[i].text);
    }
}

/* ---- Indexes ---- */

static void an_entry_of_the_index_without_its_discount_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZADD discounts 4102444800000000 dsc-nothing", id);
    findings_one(url(rig), "dsc-nothing", ": is in the index of all discounts, and there is no");
}

static void a_discount_that_the_index_does_not_have_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZREM discounts %s", id);
    findings_one(url(rig), id.p, ": is not in the index of all discounts");
}

static void a_discount_that_its_brands_index_does_not_have_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    redis_server_command(rig->server, "ZREM %s %s", "brand:{a brand}:discounts", id.p);
    findings_one(url(rig), id.p, ": is not in the index of brand a brand");
}

static void an_entry_of_another_brands_index_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZADD brand:{thief}:discounts 5 %s", id);
    findings_one(url(rig), id.p, ": is in the index of brand thief, and is no discount of it");
}

static void an_index_with_another_time_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZINCRBY discounts 1 %s", id);
    findings_one(url(rig), id.p, ", and the index of all discounts says ");
    spoil(rig, "ZINCRBY discounts -1 %s", id);
    redis_server_command(rig->server, "ZINCRBY %s 1 %s", "brand:{a brand}:discounts", id.p);
    findings_one(url(rig), id.p, ", and the index of brand a brand says ");
}

static void two_discounts_of_one_time_are_found(void **state)
{
    struct rig *rig = *state;
    struct str one = fill(rig), other = rig_discount(rig, 1);
    char created_at[32];

    snprintf(created_at, sizeof(created_at), "%s",
             redis_server_command(rig->server, "ZSCORE discounts %s", one.p));
    redis_server_command(rig->server, "HSET discount:{%s} created_at %s", other.p, created_at);
    redis_server_command(rig->server, "ZADD discounts %s %s", created_at, other.p);
    redis_server_command(rig->server, "ZADD %s %s %s", "brand:{a brand}:discounts", created_at,
                         other.p);
    findings_one(url(rig), "dsc-", ": was created at the same time as the one before it");
}

/* ---- Grants and wallets ---- */

static void grants_without_their_discount_are_found(void **state)
{
    struct rig *rig = *state;

    fill(rig);
    redis_server_command(rig->server, "ZADD discount:{dsc-nothing}:grants 1 ann 1 bob");
    findings_one(url(rig), "dsc-nothing: ", "2 grants, and there is no such discount");
}

static void a_grant_that_the_wallet_does_not_have_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZREM user:{ann}:discounts %s", id);
    findings_one(url(rig), id.p,
                 ": is not in the wallet of user ann, who was granted it; the next");
    rig_grant(rig, id, STR("ann"));
    findings_none(url(rig), 1, 2);
}

static void a_wallets_entry_without_a_grant_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZADD user:{eve}:discounts 5 %s", id);
    findings_one(url(rig), id.p, ": is in the wallet of user eve, who was not granted it");
}

static void a_wallet_with_another_time_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZINCRBY user:{bob}:discounts 1 %s", id);
    findings_one(url(rig), id.p, ": user bob was granted it at ");
}

static void a_grant_without_a_time_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZADD discount:{%s}:grants -5 ann", id);
    findings_one(url(rig), id.p, ": user ann was granted it at no time: -5");
}

/* ---- Idempotency keys ---- */

#define FINGERPRINT "0123456789012345678901234567890123456789"

static void set_key(struct rig *rig, const char *key, const char *use, const char *seconds)
{
    redis_server_command(rig->server, "SET %s %s EX %s", key, use, seconds);
}

static void an_idempotency_key_without_its_discount_is_found(void **state)
{
    struct rig *rig = *state;

    fill(rig);
    set_key(rig, "idempotency:1:{b}:k", FINGERPRINT " dsc-nothing 5", "100");
    findings_one(url(rig), "idempotency:1:{b}:k: ", "names dsc-nothing, and there is no such");
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
    struct rig *rig = *state;

    fill(rig);
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        set_key(rig, plants[i].key, plants[i].use, "100");
        findings_one(url(rig), plants[i].key, " of an idempotency key");
        redis_server_command(rig->server, "DEL %s", plants[i].key);
    }
}

static void an_idempotency_key_of_another_discount_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);
    char created_at[32], use[128];

    snprintf(created_at, sizeof(created_at), "%s",
             redis_server_command(rig->server, "HGET discount:{%s} created_at", id.p));
    snprintf(use, sizeof(use), FINGERPRINT " %s %s", id.p, created_at);
    set_key(rig, "idempotency:5:{thief}:k", use, "100");
    findings_one(url(rig), "idempotency:5:{thief}:k: ", ", which is a discount of another brand");
    redis_server_command(rig->server, "DEL idempotency:5:{thief}:k");
    set_key(rig, "idempotency:7:{a brand}:k", use, "100");
    findings_none(url(rig), 1, 2);
    snprintf(use, sizeof(use), FINGERPRINT " %s 5", id.p);
    set_key(rig, "idempotency:7:{a brand}:k", use, "100");
    findings_one(url(rig), "idempotency:7:{a brand}:k: ", " was created at 5, which was created");
}

static void an_idempotency_key_of_no_day_is_found(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("b"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct rig *rig = *state;

    rig_redis(rig, NULL, rig_patient());
    submit_create(&rig->scene, &discount, STR("k"));
    assert_true(scene_settle(&rig->scene));
    findings_none(url(rig), 1, 0);
    redis_server_command(rig->server, "PERSIST idempotency:1:{b}:k");
    findings_one(url(rig), "idempotency:1:{b}:k: ", "will never be forgotten");
    redis_server_command(rig->server, "EXPIRE idempotency:1:{b}:k 86500");
    findings_one(url(rig), "idempotency:1:{b}:k: ", "which is more than a day");
}

/* ---- What will not stay ---- */

static void a_key_that_will_vanish_is_found(void **state)
{
    static const char *const keys[] = {"discount:{%s}", "discount:{%s}:grants", "discounts",
                                       "user:{ann}:discounts", "brand:{a brand}:discounts"};
    struct rig *rig = *state;
    struct str id = fill(rig);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char key[64];

        snprintf(key, sizeof(key), keys[i], id.p);
        redis_server_command(rig->server, "EXPIRE %s 1000", key);
        findings_one(url(rig), key, ": will vanish in ");
        redis_server_command(rig->server, "PERSIST %s", key);
    }
    findings_none(url(rig), 1, 2);
}

/* ---- Values that no store of ours writes ---- */

static void a_discount_that_no_store_writes_is_found(void **state)
{
    static const struct {
        const char *field, *value, *text;
    } plants[] = {
        {"discount_code", "", ": discount_code is empty"},
        {"discount_code", "\xff", ": discount_code is empty, too long or no plain"},
        {"discount_code", "a\nb", ": discount_code is empty, too long or no plain"},
        {"total_count", "1000000001", ": total_count is not a number of units"},
        {"starts_at", "0", ": starts_at is no time: 0"},
        {"starts_at", "253402300800000000", ": starts_at is no time from 1970 to 9999"},
        {"expires_at", "0", ": expires_at is no time: 0"},
        {"expires_at", "253402300800000000", ": expires_at is no time from 1970 to 9999"},
    };
    struct rig *rig = *state;
    struct str id = fill(rig);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        char before[64];

        snprintf(before, sizeof(before), "%s",
                 redis_server_command(rig->server, "HGET discount:{%s} %s", id.p, plants[i].field));
        redis_server_command(rig->server, "HSET discount:{%s} %s %b", id.p, plants[i].field,
                             plants[i].value, strlen(plants[i].value));
        findings_one(url(rig), id.p, plants[i].text);
        if (strcmp(before, "(nil)") == 0) {
            redis_server_command(rig->server, "HDEL discount:{%s} %s", id.p, plants[i].field);
        } else {
            redis_server_command(rig->server, "HSET discount:{%s} %s %s", id.p, plants[i].field,
                                 before);
        }
    }
    spoil(rig, "HSET discount:{%s} starts_at 5 expires_at 5", id);
    findings_one(url(rig), id.p, ": expires_at is not later than starts_at");
    spoil(rig, "HDEL discount:{%s} starts_at expires_at", id);
    spoil(rig, "RENAME discount:{%s} discount:{garbage}", id);
    findings_hold(url(rig), "garbage: ", "its id is not of the form that ids have");
}

static void a_brand_or_a_code_that_is_too_long_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);
    char text[300];

    memset(text, 'x', sizeof(text));
    redis_server_command(rig->server, "HSET discount:{%s} discount_code %b", id.p, text,
                         (size_t)256);
    findings_none(url(rig), 1, 2);
    redis_server_command(rig->server, "HSET discount:{%s} discount_code %b", id.p, text,
                         (size_t)257);
    findings_one(url(rig), id.p, ": discount_code is empty, too long");
    redis_server_command(rig->server, "HSET discount:{%s} brand_id %b", id.p, text, (size_t)129);
    findings_hold(url(rig), id.p, ": brand_id is empty, too long");
}

static void a_user_that_no_store_writes_is_found(void **state)
{
    static const struct str users[] = {STR_INIT(""), STR_INIT("\x80"), STR_INIT("a\0b")};
    struct rig *rig = *state;
    struct str id = fill(rig);

    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        redis_server_command(rig->server, "ZADD discount:{%s}:grants 5 %b", id.p, users[i].p,
                             users[i].n);
        redis_server_command(rig->server, "ZADD user:{%b}:discounts 5 %s", users[i].p, users[i].n,
                             id.p);
        findings_one(url(rig), id.p, ": was granted to a user whose id is empty");
        redis_server_command(rig->server, "ZREM discount:{%s}:grants %b", id.p, users[i].p,
                             users[i].n);
        redis_server_command(rig->server, "DEL user:{%b}:discounts", users[i].p, users[i].n);
    }
}

static void a_time_of_creation_that_is_the_last_is_found(void **state)
{
    struct rig *rig = *state;
    struct str id = fill(rig);

    spoil(rig, "ZADD discounts 9007199254740991 %s", id);
    findings_hold(url(rig), id.p, ", and nothing can be created behind that");
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
    struct rig *rig = *state;
    struct str id = fill(rig);

    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        spoil(rig, plants[i].command, id);
        findings_hold(url(rig), plants[i].begin, plants[i].text);
    }
}

static void a_fault_does_a_terminal_no_harm(void **state)
{
    static const struct str user = STR_INIT("\x1b[2J\n\xC2\x9B\0\\");
    struct rig *rig = *state;
    struct str id = fill(rig);

    redis_server_command(rig->server, "ZADD user:{%b}:discounts 5 %s", user.p, user.n, id.p);
    findings_one(url(rig), id.p, "of user \\x1b[2J\\x0a\\xc2\\x9b\\x00\\x5c, who");
}

/* ---- What cannot be looked at ---- */

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
    struct rig *rig = *state;

    fill(rig);
    redis_server_kill(rig->server);
    assert_refused(url(rig), "redis: Connection refused");
}

static void a_redis_with_a_password_wants_it(void **state)
{
    struct rig *rig = *state;
    char without[64];

    rig_redis(rig, (const char *[]){"--requirepass", "secret", NULL}, rig_patient());
    findings_none(url(rig), 0, 0);
    snprintf(without, sizeof(without), "redis://127.0.0.1:%d", redis_server_port(rig->server));
    assert_refused(without, "redis: NOAUTH");
    snprintf(without, sizeof(without), "redis://:wrong@127.0.0.1:%d",
             redis_server_port(rig->server));
    assert_refused(without, "redis: WRONGPASS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(an_empty_redis_has_no_fault),
        RIG(what_a_store_has_written_has_no_fault),
        RIG(many_are_all_looked_at),
        RIG(a_store_that_goes_on_granting_has_no_fault),
        RIG(other_keys_are_none_of_its_business),
        RIG(the_database_of_the_url_is_looked_at),
        RIG(a_verify_writes_nothing),
        RIG(one_grant_too_many_is_found),
        RIG(a_total_that_is_no_number_is_found),
        RIG(a_field_that_is_missing_or_garbage_is_found),
        RIG(an_entry_of_the_index_without_its_discount_is_found),
        RIG(a_discount_that_the_index_does_not_have_is_found),
        RIG(a_discount_that_its_brands_index_does_not_have_is_found),
        RIG(an_entry_of_another_brands_index_is_found),
        RIG(an_index_with_another_time_is_found),
        RIG(two_discounts_of_one_time_are_found),
        RIG(grants_without_their_discount_are_found),
        RIG(a_grant_that_the_wallet_does_not_have_is_found),
        RIG(a_wallets_entry_without_a_grant_is_found),
        RIG(a_wallet_with_another_time_is_found),
        RIG(a_grant_without_a_time_is_found),
        RIG(an_idempotency_key_without_its_discount_is_found),
        RIG(what_is_no_idempotency_key_is_found),
        RIG(an_idempotency_key_of_another_discount_is_found),
        RIG(an_idempotency_key_of_no_day_is_found),
        RIG(a_key_that_will_vanish_is_found),
        RIG(a_discount_that_no_store_writes_is_found),
        RIG(a_brand_or_a_code_that_is_too_long_is_found),
        RIG(a_user_that_no_store_writes_is_found),
        RIG(a_time_of_creation_that_is_the_last_is_found),
        RIG(keys_of_a_wrong_type_are_found),
        RIG(a_fault_does_a_terminal_no_harm),
        RIG(a_redis_that_is_not_there_is_refused),
        RIG(a_redis_with_a_password_wants_it),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis verify", tests, NULL, NULL);
}
