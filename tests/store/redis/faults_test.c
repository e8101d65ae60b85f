/* SPDX-License-Identifier: MIT */
/* What happens to operations when a real Redis loses its scripts, dies, hangs, is full, or is
 * replaced. Also when it holds keys that we did not write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/redis/redis_fixture.h"
#include "support/clock.h"
#include "support/loopback.h"

#define SHORT_DEADLINE_MS 200

static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

static const struct store_limits hasty = {.deadline_ms = SHORT_DEADLINE_MS, .in_flight = 65536};

static const char *ask(struct redis_fixture *redis, const char *format, struct str id)
{
    return redis_server_command(redis->server, format, id.p);
}

/* Returns the number after `name` in a section of INFO; 0 if it is not there. */
static long info(struct redis_fixture *redis, const char *section, const char *name)
{
    const char *text = redis_server_command(redis->server, "INFO %s", section);
    const char *at = strstr(text, name);

    return at == NULL ? 0 : atol(at + strlen(name));
}

static enum status grant_once(struct redis_fixture *redis, struct str id, struct str user)
{
    struct attempt *asked;

    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    asked = submit_grant(&redis->fixture, id, user);
    assert_true(store_fixture_settle(&redis->fixture));
    return asked->op.status;
}

/* ---- The cache of scripts ---- */

static void a_flushed_script_cache_is_not_noticed(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 1000);

    for (size_t round = 0; round < 20; round++) {
        struct attempt *asked[STORE_VERB_COUNT];

        redis_server_command(redis->server, "SCRIPT FLUSH");
        redis_fixture_submit_each(redis, id, STR("ann"), asked);
        assert_true(store_fixture_settle(fixture));
        for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
            CHECK_STATUS(fixture, asked[verb], STATUS_OK);
        }
    }
    assert_true(info(redis, "commandstats", "cmdstat_eval:calls=") >= 20);
}

/* Redis reads a long pipeline in pieces, and another client's flush comes between two of them. */
static void a_script_cache_flushed_in_mid_pipeline_is_not_noticed(void **state)
{
    enum { COUNT = 2000 };
    static const char flush[] = "SCRIPT FLUSH\r\n";
    static struct attempt *asked[COUNT];
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, COUNT);
    int other = loopback_connect(redis_server_port(redis->server));
    char text[16];

    assert_true(other >= 0);
    redis_server_freeze(redis->server);
    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = i % 2 == 0 ? submit_get(fixture, id)
                              : submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    store_flush(fixture->turn.store);
    assert_int_equal(send(other, flush, strlen(flush), MSG_NOSIGNAL), strlen(flush));
    redis_server_thaw(redis->server);
    assert_true(store_fixture_settle(fixture));
    close(other);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
    }
    assert_true(info(redis, "commandstats", "cmdstat_eval:calls=") > 0);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "1000");
}

/* ---- The end of the process ---- */

static void an_answered_grant_is_there_after_a_kill(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, durable, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 10);
    struct attempt *granted = redis_fixture_grant(redis, id, STR("ann")), *again;

    redis_server_kill(redis->server);
    redis_server_restart(redis->server);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    again = redis_fixture_grant(redis, id, STR("ann"));
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.grant.replayed);
    CHECK_INT(fixture, again->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
}

static void submit_and_kill(struct redis_fixture *redis, struct str id,
                            struct attempt *ret_asked[STORE_VERB_COUNT])
{
    redis_server_freeze(redis->server);
    redis_fixture_submit_each(redis, id, STR("ann"), ret_asked);
    store_flush(redis->fixture.turn.store);
    redis_server_kill(redis->server);
}

static void what_was_sent_before_a_kill_is_unknown(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, durable, hasty);
    struct attempt *asked[STORE_VERB_COUNT];

    submit_and_kill(redis, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), asked);
    assert_true(store_fixture_settle(fixture));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], redis_fixture_lost((enum store_verb)verb));
    }
}

static void what_was_sent_before_a_kill_is_done_after_the_restart(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, durable, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 10);
    struct attempt *asked[STORE_VERB_COUNT];

    submit_and_kill(redis, id, asked);
    redis_server_restart(redis->server);
    assert_true(store_fixture_settle(fixture));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], verb == STORE_PING ? STATUS_UNAVAILABLE : STATUS_OK);
    }
    assert_string_equal(redis_server_command(redis->server, "ZCARD discounts"), "2");
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "1");
}

/* Without Redis each turn has its own batch, and all batches go out in one command. */
static void a_repeat_that_waited_beside_its_first_request_is_a_repeat(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, durable, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 2);
    struct attempt *asked[3], *last, *late;
    size_t replayed = 0;

    redis_server_freeze(redis->server);
    for (size_t i = 0; i < 3; i++) {
        asked[i] = submit_grant(fixture, id, STR("ann"));
        store_flush(fixture->turn.store);
    }
    last = submit_grant(fixture, id, STR("bob"));
    store_flush(fixture->turn.store);
    late = submit_grant(fixture, id, STR("eve"));
    store_flush(fixture->turn.store);
    redis_server_kill(redis->server);
    redis_server_restart(redis->server);
    assert_true(store_fixture_settle(fixture));
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
        CHECK_INT(fixture, asked[i]->op.grant.grant.granted_at_us,
                  asked[0]->op.grant.grant.granted_at_us);
        replayed += asked[i]->op.grant.replayed;
    }
    CHECK_INT(fixture, replayed, 2);
    CHECK_STATUS(fixture, last, STATUS_OK);
    CHECK(fixture, !last->op.grant.replayed);
    CHECK_STATUS(fixture, late, STATUS_DISCOUNT_EXHAUSTED);
}

/* ---- The same creation twice ---- */

/* Submits the same operation once more, as the store repeats it. */
static void create_again(struct attempt *created)
{
    created->submitted++;
    created->fixture->open++;
    store_create(created->fixture->turn.store, &created->op, created->op.done);
}

static void check_created_twice(struct redis_fixture *redis, struct str key)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct attempt *created = submit_create(fixture, &discount, key);
    int64_t created_at_us;

    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, created, STATUS_OK);
    created_at_us = created->op.create.discount.created_at_us;
    create_again(created);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, created, STATUS_OK);
    CHECK(fixture, !created->op.create.replayed);
    CHECK_INT(fixture, created->op.create.discount.created_at_us, created_at_us);
    assert_string_equal(redis_server_command(redis->server, "ZCARD discounts"), "1");
    assert_int_equal(atoll(redis_server_command(redis->server, "ZRANGE discounts 0 0 WITHSCORES") +
                           DISCOUNT_ID_LENGTH + 1),
                     created_at_us);
}

static void a_creation_with_the_same_id_is_the_same_creation(void **state)
{
    check_created_twice(*state, (struct str){0});
}

static void so_it_is_with_an_idempotency_key(void **state)
{
    check_created_twice(*state, STR("key"));
}

/* ---- Without a connection ---- */

static void without_a_connection_operations_wait_for_their_deadline(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, hasty);
    struct attempt *asked[STORE_VERB_COUNT];

    redis_server_kill(redis->server);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_submit_each(redis, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"), asked);
    store_deliver(fixture->turn.store);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_INT(fixture, asked[verb]->done, verb == STORE_PING ? 1 : 0);
    }
    assert_true(store_fixture_settle(fixture));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], STATUS_UNAVAILABLE);
    }
}

#define LOAD_DISCOUNTS 40
#define LOAD_USERS 10

/* Submits a grant of each discount for many new users, so that Redis is busy for a while. */
static void load_submit(struct redis_fixture *redis, const struct str ids[LOAD_DISCOUNTS],
                        size_t round, struct attempt *ret_asked[LOAD_DISCOUNTS][LOAD_USERS])
{
    char text[16];

    for (size_t u = 0; u < LOAD_USERS; u++) {
        for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
            ret_asked[d][u] = submit_grant(&redis->fixture, ids[d],
                                           concurrent_clients_user(round * LOAD_USERS + u, text));
        }
    }
}

static bool some_are_done(void *argument)
{
    const struct store_fixture *fixture = argument;

    return fixture->open < LOAD_DISCOUNTS * LOAD_USERS;
}

/* Checks after the restart that the answer to one grant is true, and that a repeat gives it again.
 * */
static void load_check(struct redis_fixture *redis, struct str id, const struct attempt *asked)
{
    struct store_fixture *fixture = &redis->fixture;
    struct str user = asked->op.grant.grant.user_id;
    struct attempt *held, *again;

    held = submit_grant_get(fixture, id, user);
    assert_true(store_fixture_settle(fixture));
    if (asked->op.status == STATUS_OK) {
        CHECK_STATUS(fixture, held, STATUS_OK);
        CHECK_INT(fixture, held->op.grant.grant.granted_at_us, asked->op.grant.grant.granted_at_us);
    } else if (asked->op.status == STATUS_UNAVAILABLE) {
        CHECK_STATUS(fixture, held, STATUS_GRANT_NOT_FOUND);
    } else {
        CHECK_STATUS(fixture, asked, STATUS_UNKNOWN);
    }
    again = redis_fixture_grant(redis, id, user);
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.grant.replayed == (held->op.status == STATUS_OK));
}

static void a_kill_under_load_makes_no_answer_untrue(void **state)
{
    enum { ROUNDS = 3 };
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, durable, redis_fixture_patient());
    struct str ids[LOAD_DISCOUNTS];

    for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
        ids[d] = redis_fixture_discount(redis, ROUNDS * LOAD_USERS);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        struct attempt *asked[LOAD_DISCOUNTS][LOAD_USERS];

        load_submit(redis, ids, round, asked);
        assert_true(turn_until(&fixture->turn, some_are_done, fixture, CLOCK_PATIENCE_MS));
        redis_server_kill(redis->server);
        redis_server_restart(redis->server);
        assert_true(store_fixture_settle(fixture));
        for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
            for (size_t u = 0; u < LOAD_USERS; u++) {
                load_check(redis, ids[d], asked[d][u]);
            }
        }
    }
    for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
        assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", ids[d]), "30");
    }
}

static void a_connection_that_redis_ends_is_made_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 10);

    redis_server_command(redis->server, "CLIENT KILL TYPE normal SKIPME yes");
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
}

/* ---- A process that hangs ---- */

static void operations_of_a_frozen_redis_end_at_their_deadline(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, hasty);
    struct attempt *asked[STORE_VERB_COUNT];
    int64_t start_ms;

    redis_server_freeze(redis->server);
    uv_update_time(&fixture->turn.loop);
    start_ms = clock_ms();
    redis_fixture_submit_each(redis, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"), asked);
    assert_true(store_fixture_settle(fixture));
    /* The loop's clock and this clock may differ by a millisecond. */
    CHECK(fixture, clock_ms() - start_ms >= SHORT_DEADLINE_MS - 1);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], redis_fixture_lost((enum store_verb)verb));
    }
}

static void a_thawed_redis_is_used_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, hasty);
    struct attempt *asked[STORE_VERB_COUNT];

    redis_server_freeze(redis->server);
    redis_fixture_submit_each(redis, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"), asked);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_server_thaw(redis->server);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann")),
                 STATUS_DISCOUNT_NOT_FOUND);
}

static void what_a_frozen_redis_does_late_is_one_grant_with_its_repeat(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 10};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct attempt *created = submit_create(fixture, &discount, (struct str){0}), *asked;
    char id[DISCOUNT_ID_LENGTH + 1] = "";

    assert_true(store_fixture_settle(fixture));
    memcpy(id, created->op.create.discount.id.p, DISCOUNT_ID_LENGTH);
    redis_fixture_close(redis);
    fixture = redis_fixture_open(redis, redis_server_url(redis->server), hasty);
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_server_freeze(redis->server);
    asked = submit_grant(fixture, str_of(id), STR("ann"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked, STATUS_UNKNOWN);
    redis_server_thaw(redis->server);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, str_of(id), STR("ann")), STATUS_OK);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", str_of(id)), "1");
}

/* ---- Logging in ---- */

static void open_with_login(struct redis_fixture *redis, const char *login)
{
    char url[128];

    snprintf(url, sizeof(url), "redis://%s@127.0.0.1:%d", login, redis_server_port(redis->server));
    redis_fixture_open(redis, url, redis_fixture_patient());
}

static void a_password_logs_in(void **state)
{
    static const char *const options[] = {"--requirepass", "s3cret", NULL};
    struct redis_fixture *redis = *state;

    redis_fixture_redis(redis, options, redis_fixture_patient());
    CHECK_STATUS(&redis->fixture,
                 redis_fixture_grant(redis, redis_fixture_discount(redis, 1), STR("ann")),
                 STATUS_OK);
}

static void a_user_of_the_access_list_logs_in(void **state)
{
    struct redis_fixture *redis = *state;

    redis->server = redis_server_start(NULL);
    assert_string_equal(
        redis_server_command(redis->server, "ACL SETUSER app:1 on >%s ~* +@all", "p@ss/w:rd"),
        "OK");
    assert_string_equal(redis_server_command(redis->server, "ACL SETUSER default nopass -@all"),
                        "OK");
    open_with_login(redis, "app%3A1:p%40ss%2Fw:rd");
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    CHECK_STATUS(&redis->fixture,
                 redis_fixture_grant(redis, redis_fixture_discount(redis, 1), STR("ann")),
                 STATUS_OK);
}

static bool refused_twice(void *argument)
{
    return info(argument, "errorstats", "errorstat_WRONGPASS:count=") >= 2;
}

static void a_wrong_password_is_tried_until_it_is_right(void **state)
{
    struct redis_fixture *redis = *state;

    redis->server = redis_server_start(NULL);
    redis_server_command(redis->server, "CONFIG SET requirepass right");
    open_with_login(redis, ":wrong");
    assert_true(turn_until(&redis->fixture.turn, refused_twice, redis, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(redis->fixture.turn.store));
    redis_server_command(redis->server, "CONFIG SET requirepass wrong");
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
}

/* ---- Names of hosts ---- */

static void a_host_is_found_by_its_name(void **state)
{
    struct redis_fixture *redis = *state;
    char url[64];

    redis->server = redis_server_start(NULL);
    snprintf(url, sizeof(url), "redis://localhost:%d", redis_server_port(redis->server));
    redis_fixture_open(redis, url, redis_fixture_patient());
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
}

/* Returns whether the name lookup is over, as far as the loop shows it. */
static bool has_no_requests(void *argument)
{
    const struct redis_fixture *redis = argument;

    return redis->fixture.turn.loop.active_reqs.count == 0;
}

/* A label of more than 63 characters is invalid, so this needs no name server. */
static void without_an_address_the_store_is_not_ready(void **state)
{
    struct redis_fixture *redis = *state;
    char url[128] = "redis://";
    struct attempt *asked;

    memset(url + strlen(url), 'x', 64);
    redis_fixture_open(redis, url, redis_fixture_patient());
    assert_true(turn_until(&redis->fixture.turn, has_no_requests, redis, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(redis->fixture.turn.store));
    asked = submit_ping(&redis->fixture);
    assert_true(store_fixture_settle(&redis->fixture));
    CHECK_STATUS(&redis->fixture, asked, STATUS_UNAVAILABLE);
}

/* ---- A Redis that refuses to write ---- */

/* Two discounts: one has a single unit, which ann holds; the other has stock left, and ann holds
 * one. */
struct stock {
    struct str sold_out, left;
};

static struct stock given_stock(struct redis_fixture *redis)
{
    struct stock stock = {redis_fixture_discount(redis, 1), redis_fixture_discount(redis, 10)};

    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, stock.sold_out, STR("ann")),
                 STATUS_OK);
    CHECK_STATUS(&redis->fixture, redis_fixture_grant(redis, stock.left, STR("ann")), STATUS_OK);
    return stock;
}

static struct attempt *create_now(struct redis_fixture *redis)
{
    struct attempt *created;

    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    created = redis_fixture_submit(redis, STORE_CREATE, STR(""), STR(""));
    assert_true(store_fixture_settle(&redis->fixture));
    return created;
}

/* Without writes, a holder still gets the grant again, and "sold out" is still answered. Every new
 * grant is refused as certainly not applied. */
static void check_refusing(struct redis_fixture *redis, struct stock stock)
{
    struct store_fixture *fixture = &redis->fixture;

    CHECK_INT(fixture, grant_once(redis, stock.left, STR("bob")), STATUS_UNAVAILABLE);
    CHECK_INT(fixture, grant_once(redis, stock.left, STR("ann")), STATUS_OK);
    CHECK_INT(fixture, grant_once(redis, stock.sold_out, STR("ann")), STATUS_OK);
    CHECK_INT(fixture, grant_once(redis, stock.sold_out, STR("bob")), STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(fixture, create_now(redis), STATUS_UNAVAILABLE);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", stock.left), "1");
    assert_string_equal(redis_server_command(redis->server, "ZCARD discounts"), "2");
}

static void a_full_redis_keeps_what_it_has_promised(void **state)
{
    struct redis_fixture *redis = *state;
    struct stock stock;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    stock = given_stock(redis);
    redis_server_command(redis->server, "CONFIG SET maxmemory 1");
    check_refusing(redis, stock);
    redis_server_command(redis->server, "CONFIG SET maxmemory 0");
    CHECK_INT(&redis->fixture, grant_once(redis, stock.left, STR("bob")), STATUS_OK);
}

/* One batch has a holder and a new user, twice over. */
static void check_each_by_itself(struct redis_fixture *redis, const char *fault)
{
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 2);
    struct attempt *held, *new, *same;

    redis_fixture_grant(redis, id, STR("ann"));
    redis_server_command(redis->server, fault);
    new = submit_grant(fixture, id, STR("bob"));
    held = submit_grant(fixture, id, STR("ann"));
    same = submit_grant(fixture, id, STR("bob"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, new, STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, held, STATUS_OK);
    CHECK_STATUS(fixture, same, STATUS_UNAVAILABLE);
}

static void a_full_redis_answers_each_grant_of_a_batch_by_itself(void **state)
{
    check_each_by_itself(*state, "CONFIG SET maxmemory 1");
}

/* A holder's answer does not depend on the others in the batch. The connection is given up all the
 * same. */
static void a_replica_answers_each_grant_of_a_batch_by_itself(void **state)
{
    struct redis_fixture *redis = *state;

    check_each_by_itself(redis, "REPLICAOF 127.0.0.1 1");
    assert_true(turn_until_not_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
}

/* "Sold out" is never answered while a unit is left: the users before got none. */
static void a_full_redis_sells_nothing_out(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 1);
    struct attempt *first, *second;

    redis_server_command(redis->server, "CONFIG SET maxmemory 1");
    first = submit_grant(fixture, id, STR("ann"));
    second = submit_grant(fixture, id, STR("bob"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, first, STATUS_UNAVAILABLE);
    CHECK_STATUS(fixture, second, STATUS_UNAVAILABLE);
}

static void too_few_replicas_are_a_refusal(void **state)
{
    struct redis_fixture *redis = *state;
    struct stock stock;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    stock = given_stock(redis);
    redis_server_command(redis->server, "CONFIG SET min-replicas-to-write 1");
    check_refusing(redis, stock);
}

static void a_read_only_replica_is_a_refusal(void **state)
{
    struct redis_fixture *redis = *state;
    struct stock stock;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    stock = given_stock(redis);
    redis_server_command(redis->server, "REPLICAOF 127.0.0.1 1");
    check_refusing(redis, stock);
}

/* This server will never write again; its address may lead to its successor by now. */
static void a_creation_refused_by_a_replica_gives_the_connection_up(void **state)
{
    struct redis_fixture *redis = *state;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    redis_server_command(redis->server, "REPLICAOF 127.0.0.1 1");
    CHECK_STATUS(&redis->fixture, create_now(redis), STATUS_UNAVAILABLE);
    assert_true(turn_until_not_ready(&redis->fixture.turn, 5000));
}

static void a_grant_refused_by_a_replica_gives_the_connection_up(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    redis_server_command(redis->server, "REPLICAOF 127.0.0.1 1");
    CHECK_INT(&redis->fixture, grant_once(redis, id, STR("ann")), STATUS_UNAVAILABLE);
    assert_true(turn_until_not_ready(&redis->fixture.turn, 5000));
}

static bool is_busy(void *argument)
{
    struct redis_fixture *redis = argument;

    return strncmp(redis_server_command(redis->server, "PING"), "(error) BUSY", 12) == 0;
}

static void a_busy_script_is_a_refusal(void **state)
{
    static const char *const options[] = {"--busy-reply-threshold", "10", NULL};
    static const char busy[] = "EVAL \"while true do end\" 0\r\n";
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, options, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 10);
    int other = loopback_connect(redis_server_port(redis->server));
    struct attempt *asked[STORE_VERB_COUNT];

    assert_int_equal(send(other, busy, strlen(busy), MSG_NOSIGNAL), strlen(busy));
    assert_true(clock_wait(is_busy, redis, CLOCK_PATIENCE_MS));
    redis_fixture_submit_each(redis, id, STR("ann"), asked);
    assert_true(store_fixture_settle(fixture));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], STATUS_UNAVAILABLE);
    }
    redis_server_command(redis->server, "SCRIPT KILL");
    close(other);
    CHECK_STATUS(fixture, redis_fixture_grant(redis, id, STR("ann")), STATUS_OK);
}

/* ---- Keys that we did not write ---- */

static void check_corrupt(struct redis_fixture *redis, struct str id, enum store_verb verb)
{
    struct attempt *asked = redis_fixture_submit(redis, verb, id, STR("ann"));

    assert_true(store_fixture_settle(&redis->fixture));
    CHECK_STATUS(&redis->fixture, asked, STATUS_CORRUPT);
}

static void a_discount_of_the_wrong_type_is_corrupt(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    ask(redis, "SET discount:{%s} x", id);
    check_corrupt(redis, id, STORE_GET);
    check_corrupt(redis, id, STORE_LIST);
    check_corrupt(redis, id, STORE_GRANT);
    check_corrupt(redis, id, STORE_GRANT_GET);
}

/* Grants of many discounts go to Redis in one command. */
static void a_broken_discount_is_no_other_ones_affair(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str before = redis_fixture_discount(redis, 9), broken = redis_fixture_discount(redis, 9),
               sold_out = redis_fixture_discount(redis, 1),
               behind = redis_fixture_discount(redis, 9);
    struct attempt *asked[7];

    redis_fixture_grant(redis, sold_out, STR("ann"));
    redis_server_command(redis->server, "SET discount:{%s}:grants text", broken.p);
    asked[0] = submit_grant(fixture, before, STR("ann"));
    asked[1] = submit_grant(fixture, broken, STR("ann"));
    asked[2] = submit_grant(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"));
    asked[3] = submit_grant(fixture, sold_out, STR("bob"));
    asked[4] = submit_grant(fixture, broken, STR("bob"));
    asked[5] = submit_grant(fixture, sold_out, STR("ann"));
    asked[6] = submit_grant(fixture, behind, STR("ann"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked[0], STATUS_OK);
    CHECK_STATUS(fixture, asked[1], STATUS_CORRUPT);
    CHECK_STATUS(fixture, asked[2], STATUS_DISCOUNT_NOT_FOUND);
    CHECK_STATUS(fixture, asked[3], STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(fixture, asked[4], STATUS_CORRUPT);
    CHECK_STATUS(fixture, asked[5], STATUS_OK);
    CHECK(fixture, asked[5]->op.grant.replayed);
    CHECK_STATUS(fixture, asked[6], STATUS_OK);
    CHECK(fixture, !asked[6]->op.grant.replayed);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", before), "1");
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", behind), "1");
}

/* A score in Redis may be any floating-point number. */
static void a_grant_that_is_none_of_ours_is_its_holders_affair(void **state)
{
    static const char *const scores[] = {"inf", "-inf", "1e300", "1.5", "-1"};

    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        struct redis_fixture *redis = *state;
        struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
        struct str id = redis_fixture_discount(redis, 3);
        struct attempt *corrupt, *bob, *eve, *zoe;

        redis_server_command(redis->server, "ZADD discount:{%s}:grants %s ann", id.p, scores[i]);
        corrupt = submit_grant(fixture, id, STR("ann"));
        bob = submit_grant(fixture, id, STR("bob"));
        eve = submit_grant(fixture, id, STR("eve"));
        zoe = submit_grant(fixture, id, STR("zoe"));
        assert_true(store_fixture_settle(fixture));
        CHECK_STATUS(fixture, corrupt, STATUS_CORRUPT);
        CHECK_STATUS(fixture, bob, STATUS_OK);
        CHECK_STATUS(fixture, eve, STATUS_OK);
        CHECK_STATUS(fixture, zoe, STATUS_DISCOUNT_EXHAUSTED);
        assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "3");
        redis_fixture_close(redis);
    }
}

/* It cannot be seen any more which of the users had been granted it before. */
static void what_is_written_and_cannot_be_looked_up_is_unknown(void **state)
{
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());
    struct str id = redis_fixture_discount(redis, 10);
    struct attempt *held, *new;

    redis_fixture_grant(redis, id, STR("ann"));
    redis_server_command(redis->server, "ACL SETUSER default -zmscore");
    held = submit_grant(fixture, id, STR("ann"));
    new = submit_grant(fixture, id, STR("bob"));
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, held, STATUS_UNKNOWN);
    CHECK_STATUS(fixture, new, STATUS_UNKNOWN);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "2");
}

static void grants_of_the_wrong_type_are_corrupt(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    ask(redis, "SET discount:{%s}:grants x", id);
    check_corrupt(redis, id, STORE_GET);
    check_corrupt(redis, id, STORE_LIST);
    check_corrupt(redis, id, STORE_GRANT);
    check_corrupt(redis, id, STORE_GRANT_GET);
}

static void values_that_are_no_numbers_are_corrupt(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    ask(redis, "ZADD discount:{%s}:grants -5 ann", id);
    check_corrupt(redis, id, STORE_GRANT);
    check_corrupt(redis, id, STORE_GRANT_GET);
    ask(redis, "DEL discount:{%s}:grants", id);
    ask(redis, "HSET discount:{%s} total_count many", id);
    check_corrupt(redis, id, STORE_GET);
    check_corrupt(redis, id, STORE_GRANT);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "0");
}

static void a_discount_without_its_code_is_corrupt_and_not_granted(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    ask(redis, "HDEL discount:{%s} discount_code", id);
    check_corrupt(redis, id, STORE_GET);
    check_corrupt(redis, id, STORE_GRANT);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "0");
}

static void an_index_entry_without_its_discount_is_corrupt(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    ask(redis, "DEL discount:{%s}", id);
    check_corrupt(redis, id, STORE_LIST);
}

static void a_creation_that_meets_a_wrong_type_writes_nothing(void **state)
{
    static const char *const keys[] = {"discounts", "brand:{a brand}:discounts"};
    struct redis_fixture *redis = *state;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    for (size_t i = 0; i < 2; i++) {
        redis_server_command(redis->server, "FLUSHALL");
        redis_server_command(redis->server, "SET %s x", keys[i]);
        CHECK_STATUS(&redis->fixture, create_now(redis), STATUS_CORRUPT);
        assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "1");
    }
}

static void an_idempotency_key_of_the_wrong_form_is_corrupt(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    static const char *const commands[] = {"HSET idempotency:5:{brand}:key f x",
                                           "SET idempotency:5:{brand}:key x"};
    struct redis_fixture *redis = *state;
    struct store_fixture *fixture = redis_fixture_redis(redis, NULL, redis_fixture_patient());

    for (size_t i = 0; i < 2; i++) {
        struct attempt *created;

        redis_server_command(redis->server, "FLUSHALL");
        redis_server_command(redis->server, commands[i]);
        created = submit_create(fixture, &discount, STR("key"));
        assert_true(store_fixture_settle(fixture));
        CHECK_STATUS(fixture, created, STATUS_CORRUPT);
        assert_string_equal(redis_server_command(redis->server, "DBSIZE"), "1");
    }
}

static void a_wallet_of_the_wrong_type_does_not_hinder_the_grant(void **state)
{
    struct redis_fixture *redis = *state;
    struct str id;

    redis_fixture_redis(redis, NULL, redis_fixture_patient());
    id = redis_fixture_discount(redis, 10);
    redis_server_command(redis->server, "SET user:{ann}:discounts x");
    CHECK_INT(&redis->fixture, grant_once(redis, id, STR("ann")), STATUS_OK);
    assert_string_equal(ask(redis, "ZCARD discount:{%s}:grants", id), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(a_flushed_script_cache_is_not_noticed),
        REDIS_TEST(a_script_cache_flushed_in_mid_pipeline_is_not_noticed),
        REDIS_TEST(an_answered_grant_is_there_after_a_kill),
        REDIS_TEST(what_was_sent_before_a_kill_is_unknown),
        REDIS_TEST(what_was_sent_before_a_kill_is_done_after_the_restart),
        REDIS_TEST(a_repeat_that_waited_beside_its_first_request_is_a_repeat),
        REDIS_TEST(a_creation_with_the_same_id_is_the_same_creation),
        REDIS_TEST(so_it_is_with_an_idempotency_key),
        REDIS_TEST(without_a_connection_operations_wait_for_their_deadline),
        REDIS_TEST(a_kill_under_load_makes_no_answer_untrue),
        REDIS_TEST(a_connection_that_redis_ends_is_made_again),
        REDIS_TEST(operations_of_a_frozen_redis_end_at_their_deadline),
        REDIS_TEST(a_thawed_redis_is_used_again),
        REDIS_TEST(what_a_frozen_redis_does_late_is_one_grant_with_its_repeat),
        REDIS_TEST(a_password_logs_in),
        REDIS_TEST(a_user_of_the_access_list_logs_in),
        REDIS_TEST(a_wrong_password_is_tried_until_it_is_right),
        REDIS_TEST(a_host_is_found_by_its_name),
        REDIS_TEST(without_an_address_the_store_is_not_ready),
        REDIS_TEST(a_full_redis_keeps_what_it_has_promised),
        REDIS_TEST(a_full_redis_answers_each_grant_of_a_batch_by_itself),
        REDIS_TEST(a_replica_answers_each_grant_of_a_batch_by_itself),
        REDIS_TEST(a_full_redis_sells_nothing_out),
        REDIS_TEST(too_few_replicas_are_a_refusal),
        REDIS_TEST(a_read_only_replica_is_a_refusal),
        REDIS_TEST(a_creation_refused_by_a_replica_gives_the_connection_up),
        REDIS_TEST(a_grant_refused_by_a_replica_gives_the_connection_up),
        REDIS_TEST(a_busy_script_is_a_refusal),
        REDIS_TEST(a_discount_of_the_wrong_type_is_corrupt),
        REDIS_TEST(a_broken_discount_is_no_other_ones_affair),
        REDIS_TEST(a_grant_that_is_none_of_ours_is_its_holders_affair),
        REDIS_TEST(what_is_written_and_cannot_be_looked_up_is_unknown),
        REDIS_TEST(grants_of_the_wrong_type_are_corrupt),
        REDIS_TEST(values_that_are_no_numbers_are_corrupt),
        REDIS_TEST(a_discount_without_its_code_is_corrupt_and_not_granted),
        REDIS_TEST(an_index_entry_without_its_discount_is_corrupt),
        REDIS_TEST(a_creation_that_meets_a_wrong_type_writes_nothing),
        REDIS_TEST(an_idempotency_key_of_the_wrong_form_is_corrupt),
        REDIS_TEST(a_wallet_of_the_wrong_type_does_not_hinder_the_grant),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis faults", tests, NULL, NULL);
}
