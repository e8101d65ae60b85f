/* SPDX-License-Identifier: MIT */
/* What becomes of operations when a real Redis forgets its scripts, dies, hangs, is full, is not
 * the one it was, or holds what we did not write. */
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

static const char *ask(struct rig *rig, const char *format, struct str id)
{
    return redis_server_command(rig->server, format, id.p);
}

/* A number that stands behind `name` in INFO of a section; 0 when it is not there. */
static long info(struct rig *rig, const char *section, const char *name)
{
    const char *text = redis_server_command(rig->server, "INFO %s", section);
    const char *at = strstr(text, name);

    return at == NULL ? 0 : atol(at + strlen(name));
}

static enum status grant_once(struct rig *rig, struct str id, struct str user)
{
    struct attempt *asked;

    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    asked = submit_grant(&rig->scene, id, user);
    assert_true(scene_settle(&rig->scene));
    return asked->op.status;
}

/* ---- The cache of scripts ---- */

static void a_flushed_script_cache_is_not_noticed(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 1000);

    for (size_t round = 0; round < 20; round++) {
        struct attempt *asked[STORE_VERB_COUNT];

        redis_server_command(rig->server, "SCRIPT FLUSH");
        rig_submit_each(rig, id, STR("ann"), asked);
        assert_true(scene_settle(scene));
        for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
            CHECK_STATUS(scene, asked[verb], STATUS_OK);
        }
    }
    assert_true(info(rig, "commandstats", "cmdstat_eval:calls=") >= 20);
}

/* Redis takes a long pipeline in pieces, and the flush of another client comes between two. */
static void a_script_cache_flushed_in_mid_pipeline_is_not_noticed(void **state)
{
    enum { COUNT = 2000 };
    static const char flush[] = "SCRIPT FLUSH\r\n";
    static struct attempt *asked[COUNT];
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, COUNT);
    int other = loopback_connect(redis_server_port(rig->server));
    char text[16];

    assert_true(other >= 0);
    redis_server_freeze(rig->server);
    for (size_t i = 0; i < COUNT; i++) {
        asked[i] =
            i % 2 == 0 ? submit_get(scene, id) : submit_grant(scene, id, crowd_user(i, text));
    }
    store_flush(scene->turn.store);
    assert_int_equal(send(other, flush, strlen(flush), MSG_NOSIGNAL), strlen(flush));
    redis_server_thaw(rig->server);
    assert_true(scene_settle(scene));
    close(other);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_STATUS(scene, asked[i], STATUS_OK);
    }
    assert_true(info(rig, "commandstats", "cmdstat_eval:calls=") > 0);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "1000");
}

/* ---- The end of the process ---- */

static void an_answered_grant_is_there_after_a_kill(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, durable, rig_patient());
    struct str id = rig_discount(rig, 10);
    struct attempt *granted = rig_grant(rig, id, STR("ann")), *again;

    redis_server_kill(rig->server);
    redis_server_restart(rig->server);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    again = rig_grant(rig, id, STR("ann"));
    CHECK_STATUS(scene, again, STATUS_OK);
    CHECK(scene, again->op.grant.replayed);
    CHECK_INT(scene, again->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
}

static void submit_and_kill(struct rig *rig, struct str id,
                            struct attempt *ret_asked[STORE_VERB_COUNT])
{
    redis_server_freeze(rig->server);
    rig_submit_each(rig, id, STR("ann"), ret_asked);
    store_flush(rig->scene.turn.store);
    redis_server_kill(rig->server);
}

static void what_was_sent_before_a_kill_is_unknown(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, durable, hasty);
    struct attempt *asked[STORE_VERB_COUNT];

    submit_and_kill(rig, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), asked);
    assert_true(scene_settle(scene));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], rig_lost((enum store_verb)verb));
    }
}

static void what_was_sent_before_a_kill_is_done_after_the_restart(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, durable, rig_patient());
    struct str id = rig_discount(rig, 10);
    struct attempt *asked[STORE_VERB_COUNT];

    submit_and_kill(rig, id, asked);
    redis_server_restart(rig->server);
    assert_true(scene_settle(scene));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], verb == STORE_PING ? STATUS_UNAVAILABLE : STATUS_OK);
    }
    assert_string_equal(redis_server_command(rig->server, "ZCARD discounts"), "2");
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "1");
}

/* While there is no Redis each turn has a call of its own, and all of them go in one command. */
static void a_repeat_that_waited_beside_its_first_request_is_a_repeat(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, durable, rig_patient());
    struct str id = rig_discount(rig, 2);
    struct attempt *asked[3], *last, *late;
    size_t replayed = 0;

    redis_server_freeze(rig->server);
    for (size_t i = 0; i < 3; i++) {
        asked[i] = submit_grant(scene, id, STR("ann"));
        store_flush(scene->turn.store);
    }
    last = submit_grant(scene, id, STR("bob"));
    store_flush(scene->turn.store);
    late = submit_grant(scene, id, STR("eve"));
    store_flush(scene->turn.store);
    redis_server_kill(rig->server);
    redis_server_restart(rig->server);
    assert_true(scene_settle(scene));
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(scene, asked[i], STATUS_OK);
        CHECK_INT(scene, asked[i]->op.grant.grant.granted_at_us,
                  asked[0]->op.grant.grant.granted_at_us);
        replayed += asked[i]->op.grant.replayed;
    }
    CHECK_INT(scene, replayed, 2);
    CHECK_STATUS(scene, last, STATUS_OK);
    CHECK(scene, !last->op.grant.replayed);
    CHECK_STATUS(scene, late, STATUS_DISCOUNT_EXHAUSTED);
}

/* ---- The same creation twice ---- */

/* The same operation once more, as the store itself repeats it. */
static void create_again(struct attempt *created)
{
    created->submitted++;
    created->scene->open++;
    store_create(created->scene->turn.store, &created->op, created->op.done);
}

static void check_created_twice(struct rig *rig, struct str key)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct attempt *created = submit_create(scene, &discount, key);
    int64_t created_at_us;

    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, created, STATUS_OK);
    created_at_us = created->op.create.discount.created_at_us;
    create_again(created);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, created, STATUS_OK);
    CHECK(scene, !created->op.create.replayed);
    CHECK_INT(scene, created->op.create.discount.created_at_us, created_at_us);
    assert_string_equal(redis_server_command(rig->server, "ZCARD discounts"), "1");
    assert_int_equal(atoll(redis_server_command(rig->server, "ZRANGE discounts 0 0 WITHSCORES") +
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
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, hasty);
    struct attempt *asked[STORE_VERB_COUNT];

    redis_server_kill(rig->server);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_submit_each(rig, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"), asked);
    store_deliver(scene->turn.store);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_INT(scene, asked[verb]->done, verb == STORE_PING ? 1 : 0);
    }
    assert_true(scene_settle(scene));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], STATUS_UNAVAILABLE);
    }
}

#define LOAD_DISCOUNTS 40
#define LOAD_USERS 10

/* Submits a new user's grant of each discount many times over, so that it takes Redis a while. */
static void load_submit(struct rig *rig, const struct str ids[LOAD_DISCOUNTS], size_t round,
                        struct attempt *ret_asked[LOAD_DISCOUNTS][LOAD_USERS])
{
    char text[16];

    for (size_t u = 0; u < LOAD_USERS; u++) {
        for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
            ret_asked[d][u] =
                submit_grant(&rig->scene, ids[d], crowd_user(round * LOAD_USERS + u, text));
        }
    }
}

static bool some_are_done(void *argument)
{
    const struct scene *scene = argument;

    return scene->open < LOAD_DISCOUNTS * LOAD_USERS;
}

/* After the restart: what one grant's answer said must be so, and a repeat must give it. */
static void load_check(struct rig *rig, struct str id, const struct attempt *asked)
{
    struct scene *scene = &rig->scene;
    struct str user = asked->op.grant.grant.user_id;
    struct attempt *held, *again;

    held = submit_grant_get(scene, id, user);
    assert_true(scene_settle(scene));
    if (asked->op.status == STATUS_OK) {
        CHECK_STATUS(scene, held, STATUS_OK);
        CHECK_INT(scene, held->op.grant.grant.granted_at_us, asked->op.grant.grant.granted_at_us);
    } else if (asked->op.status == STATUS_UNAVAILABLE) {
        CHECK_STATUS(scene, held, STATUS_GRANT_NOT_FOUND);
    } else {
        CHECK_STATUS(scene, asked, STATUS_UNKNOWN);
    }
    again = rig_grant(rig, id, user);
    CHECK_STATUS(scene, again, STATUS_OK);
    CHECK(scene, again->op.grant.replayed == (held->op.status == STATUS_OK));
}

static void a_kill_under_load_makes_no_answer_untrue(void **state)
{
    enum { ROUNDS = 3 };
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, durable, rig_patient());
    struct str ids[LOAD_DISCOUNTS];

    for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
        ids[d] = rig_discount(rig, ROUNDS * LOAD_USERS);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        struct attempt *asked[LOAD_DISCOUNTS][LOAD_USERS];

        load_submit(rig, ids, round, asked);
        assert_true(turn_until(&scene->turn, some_are_done, scene, CLOCK_PATIENCE_MS));
        redis_server_kill(rig->server);
        redis_server_restart(rig->server);
        assert_true(scene_settle(scene));
        for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
            for (size_t u = 0; u < LOAD_USERS; u++) {
                load_check(rig, ids[d], asked[d][u]);
            }
        }
    }
    for (size_t d = 0; d < LOAD_DISCOUNTS; d++) {
        assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", ids[d]), "30");
    }
}

static void a_connection_that_redis_ends_is_made_again(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 10);

    redis_server_command(rig->server, "CLIENT KILL TYPE normal SKIPME yes");
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    CHECK_STATUS(scene, rig_grant(rig, id, STR("ann")), STATUS_OK);
}

/* ---- A process that hangs ---- */

static void operations_of_a_frozen_redis_end_at_their_deadline(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, hasty);
    struct attempt *asked[STORE_VERB_COUNT];
    int64_t start_ms;

    redis_server_freeze(rig->server);
    uv_update_time(&scene->turn.loop);
    start_ms = clock_ms();
    rig_submit_each(rig, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"), asked);
    assert_true(scene_settle(scene));
    /* The loop's clock and this one may differ by a millisecond. */
    CHECK(scene, clock_ms() - start_ms >= SHORT_DEADLINE_MS - 1);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], rig_lost((enum store_verb)verb));
    }
}

static void a_thawed_redis_is_used_again(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, hasty);
    struct attempt *asked[STORE_VERB_COUNT];

    redis_server_freeze(rig->server);
    rig_submit_each(rig, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"), asked);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    redis_server_thaw(rig->server);
    CHECK_STATUS(scene, rig_grant(rig, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann")),
                 STATUS_DISCOUNT_NOT_FOUND);
}

static void what_a_frozen_redis_does_late_is_one_grant_with_its_repeat(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 10};
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct attempt *created = submit_create(scene, &discount, (struct str){0}), *asked;
    char id[DISCOUNT_ID_LENGTH + 1] = "";

    assert_true(scene_settle(scene));
    memcpy(id, created->op.create.discount.id.p, DISCOUNT_ID_LENGTH);
    rig_close(rig);
    scene = rig_open(rig, redis_server_url(rig->server), hasty);
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    redis_server_freeze(rig->server);
    asked = submit_grant(scene, str_of(id), STR("ann"));
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked, STATUS_UNKNOWN);
    redis_server_thaw(rig->server);
    CHECK_STATUS(scene, rig_grant(rig, str_of(id), STR("ann")), STATUS_OK);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", str_of(id)), "1");
}

/* ---- Logging in ---- */

static void open_with_login(struct rig *rig, const char *login)
{
    char url[128];

    snprintf(url, sizeof(url), "redis://%s@127.0.0.1:%d", login, redis_server_port(rig->server));
    rig_open(rig, url, rig_patient());
}

static void a_password_logs_in(void **state)
{
    static const char *const options[] = {"--requirepass", "s3cret", NULL};
    struct rig *rig = *state;

    rig_redis(rig, options, rig_patient());
    CHECK_STATUS(&rig->scene, rig_grant(rig, rig_discount(rig, 1), STR("ann")), STATUS_OK);
}

static void a_user_of_the_access_list_logs_in(void **state)
{
    struct rig *rig = *state;

    rig->server = redis_server_start(NULL);
    assert_string_equal(
        redis_server_command(rig->server, "ACL SETUSER app:1 on >%s ~* +@all", "p@ss/w:rd"), "OK");
    assert_string_equal(redis_server_command(rig->server, "ACL SETUSER default nopass -@all"),
                        "OK");
    open_with_login(rig, "app%3A1:p%40ss%2Fw:rd");
    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    CHECK_STATUS(&rig->scene, rig_grant(rig, rig_discount(rig, 1), STR("ann")), STATUS_OK);
}

static bool refused_twice(void *argument)
{
    return info(argument, "errorstats", "errorstat_WRONGPASS:count=") >= 2;
}

static void a_wrong_password_is_tried_until_it_is_right(void **state)
{
    struct rig *rig = *state;

    rig->server = redis_server_start(NULL);
    redis_server_command(rig->server, "CONFIG SET requirepass right");
    open_with_login(rig, ":wrong");
    assert_true(turn_until(&rig->scene.turn, refused_twice, rig, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(rig->scene.turn.store));
    redis_server_command(rig->server, "CONFIG SET requirepass wrong");
    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
}

/* ---- Names of hosts ---- */

static void a_host_is_found_by_its_name(void **state)
{
    struct rig *rig = *state;
    char url[64];

    rig->server = redis_server_start(NULL);
    snprintf(url, sizeof(url), "redis://localhost:%d", redis_server_port(rig->server));
    rig_open(rig, url, rig_patient());
    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
}

/* Whether the name has been looked for, as far as the loop shows it. */
static bool has_no_requests(void *argument)
{
    const struct rig *rig = argument;

    return rig->scene.turn.loop.active_reqs.count == 0;
}

/* A label of more than 63 characters is no name, which needs no name server to be seen. */
static void without_an_address_the_store_is_not_ready(void **state)
{
    struct rig *rig = *state;
    char url[128] = "redis://";
    struct attempt *asked;

    memset(url + strlen(url), 'x', 64);
    rig_open(rig, url, rig_patient());
    assert_true(turn_until(&rig->scene.turn, has_no_requests, rig, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(rig->scene.turn.store));
    asked = submit_ping(&rig->scene);
    assert_true(scene_settle(&rig->scene));
    CHECK_STATUS(&rig->scene, asked, STATUS_UNAVAILABLE);
}

/* ---- A Redis that refuses to write ---- */

/* A discount with one unit, which ann holds, and one with stock left, which ann holds too. */
struct stock {
    struct str sold_out, left;
};

static struct stock given_stock(struct rig *rig)
{
    struct stock stock = {rig_discount(rig, 1), rig_discount(rig, 10)};

    CHECK_STATUS(&rig->scene, rig_grant(rig, stock.sold_out, STR("ann")), STATUS_OK);
    CHECK_STATUS(&rig->scene, rig_grant(rig, stock.left, STR("ann")), STATUS_OK);
    return stock;
}

static struct attempt *create_now(struct rig *rig)
{
    struct attempt *created;

    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    created = rig_submit(rig, STORE_CREATE, STR(""), STR(""));
    assert_true(scene_settle(&rig->scene));
    return created;
}

/* What is left when nothing can be written: who holds a grant gets it again, sold out is still
 * said, and whatever is new is surely not applied. */
static void check_refusing(struct rig *rig, struct stock stock)
{
    struct scene *scene = &rig->scene;

    CHECK_INT(scene, grant_once(rig, stock.left, STR("bob")), STATUS_UNAVAILABLE);
    CHECK_INT(scene, grant_once(rig, stock.left, STR("ann")), STATUS_OK);
    CHECK_INT(scene, grant_once(rig, stock.sold_out, STR("ann")), STATUS_OK);
    CHECK_INT(scene, grant_once(rig, stock.sold_out, STR("bob")), STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(scene, create_now(rig), STATUS_UNAVAILABLE);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", stock.left), "1");
    assert_string_equal(redis_server_command(rig->server, "ZCARD discounts"), "2");
}

static void a_full_redis_keeps_what_it_has_promised(void **state)
{
    struct rig *rig = *state;
    struct stock stock;

    rig_redis(rig, NULL, rig_patient());
    stock = given_stock(rig);
    redis_server_command(rig->server, "CONFIG SET maxmemory 1");
    check_refusing(rig, stock);
    redis_server_command(rig->server, "CONFIG SET maxmemory 0");
    CHECK_INT(&rig->scene, grant_once(rig, stock.left, STR("bob")), STATUS_OK);
}

/* In one call one holds and one is new, twice over. */
static void check_each_by_itself(struct rig *rig, const char *fault)
{
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 2);
    struct attempt *held, *new, *same;

    rig_grant(rig, id, STR("ann"));
    redis_server_command(rig->server, fault);
    new = submit_grant(scene, id, STR("bob"));
    held = submit_grant(scene, id, STR("ann"));
    same = submit_grant(scene, id, STR("bob"));
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, new, STATUS_UNAVAILABLE);
    CHECK_STATUS(scene, held, STATUS_OK);
    CHECK_STATUS(scene, same, STATUS_UNAVAILABLE);
}

static void a_full_redis_answers_each_grant_of_a_call_by_itself(void **state)
{
    check_each_by_itself(*state, "CONFIG SET maxmemory 1");
}

/* Who holds a grant does so whoever asks beside him, and the connection is given up all the same.
 */
static void a_replica_answers_each_grant_of_a_call_by_itself(void **state)
{
    struct rig *rig = *state;

    check_each_by_itself(rig, "REPLICAOF 127.0.0.1 1");
    assert_true(turn_until_not_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
}

/* Nobody is told "sold out" while a unit is left: those in front got none. */
static void a_full_redis_sells_nothing_out(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 1);
    struct attempt *first, *second;

    redis_server_command(rig->server, "CONFIG SET maxmemory 1");
    first = submit_grant(scene, id, STR("ann"));
    second = submit_grant(scene, id, STR("bob"));
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, first, STATUS_UNAVAILABLE);
    CHECK_STATUS(scene, second, STATUS_UNAVAILABLE);
}

static void too_few_replicas_are_a_refusal(void **state)
{
    struct rig *rig = *state;
    struct stock stock;

    rig_redis(rig, NULL, rig_patient());
    stock = given_stock(rig);
    redis_server_command(rig->server, "CONFIG SET min-replicas-to-write 1");
    check_refusing(rig, stock);
}

static void a_read_only_replica_is_a_refusal(void **state)
{
    struct rig *rig = *state;
    struct stock stock;

    rig_redis(rig, NULL, rig_patient());
    stock = given_stock(rig);
    redis_server_command(rig->server, "REPLICAOF 127.0.0.1 1");
    check_refusing(rig, stock);
}

/* It will not write tomorrow either; the address may lead to its successor by now. */
static void a_creation_refused_by_a_replica_gives_the_connection_up(void **state)
{
    struct rig *rig = *state;

    rig_redis(rig, NULL, rig_patient());
    redis_server_command(rig->server, "REPLICAOF 127.0.0.1 1");
    CHECK_STATUS(&rig->scene, create_now(rig), STATUS_UNAVAILABLE);
    assert_true(turn_until_not_ready(&rig->scene.turn, 5000));
}

static void a_grant_refused_by_a_replica_gives_the_connection_up(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    redis_server_command(rig->server, "REPLICAOF 127.0.0.1 1");
    CHECK_INT(&rig->scene, grant_once(rig, id, STR("ann")), STATUS_UNAVAILABLE);
    assert_true(turn_until_not_ready(&rig->scene.turn, 5000));
}

static bool is_busy(void *argument)
{
    struct rig *rig = argument;

    return strncmp(redis_server_command(rig->server, "PING"), "(error) BUSY", 12) == 0;
}

static void a_busy_script_is_a_refusal(void **state)
{
    static const char *const options[] = {"--busy-reply-threshold", "10", NULL};
    static const char busy[] = "EVAL \"while true do end\" 0\r\n";
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, options, rig_patient());
    struct str id = rig_discount(rig, 10);
    int other = loopback_connect(redis_server_port(rig->server));
    struct attempt *asked[STORE_VERB_COUNT];

    assert_int_equal(send(other, busy, strlen(busy), MSG_NOSIGNAL), strlen(busy));
    assert_true(clock_wait(is_busy, rig, CLOCK_PATIENCE_MS));
    rig_submit_each(rig, id, STR("ann"), asked);
    assert_true(scene_settle(scene));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], STATUS_UNAVAILABLE);
    }
    redis_server_command(rig->server, "SCRIPT KILL");
    close(other);
    CHECK_STATUS(scene, rig_grant(rig, id, STR("ann")), STATUS_OK);
}

/* ---- Keys that we did not write ---- */

static void check_corrupt(struct rig *rig, struct str id, enum store_verb verb)
{
    struct attempt *asked = rig_submit(rig, verb, id, STR("ann"));

    assert_true(scene_settle(&rig->scene));
    CHECK_STATUS(&rig->scene, asked, STATUS_CORRUPT);
}

static void a_discount_of_the_wrong_type_is_corrupt(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    ask(rig, "SET discount:{%s} x", id);
    check_corrupt(rig, id, STORE_GET);
    check_corrupt(rig, id, STORE_LIST);
    check_corrupt(rig, id, STORE_GRANT);
    check_corrupt(rig, id, STORE_GRANT_GET);
}

/* Grants of many discounts go to Redis in one command. */
static void a_broken_discount_is_no_other_ones_affair(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str before = rig_discount(rig, 9), broken = rig_discount(rig, 9),
               sold_out = rig_discount(rig, 1), behind = rig_discount(rig, 9);
    struct attempt *asked[7];

    rig_grant(rig, sold_out, STR("ann"));
    redis_server_command(rig->server, "SET discount:{%s}:grants text", broken.p);
    asked[0] = submit_grant(scene, before, STR("ann"));
    asked[1] = submit_grant(scene, broken, STR("ann"));
    asked[2] = submit_grant(scene, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"));
    asked[3] = submit_grant(scene, sold_out, STR("bob"));
    asked[4] = submit_grant(scene, broken, STR("bob"));
    asked[5] = submit_grant(scene, sold_out, STR("ann"));
    asked[6] = submit_grant(scene, behind, STR("ann"));
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked[0], STATUS_OK);
    CHECK_STATUS(scene, asked[1], STATUS_CORRUPT);
    CHECK_STATUS(scene, asked[2], STATUS_DISCOUNT_NOT_FOUND);
    CHECK_STATUS(scene, asked[3], STATUS_DISCOUNT_EXHAUSTED);
    CHECK_STATUS(scene, asked[4], STATUS_CORRUPT);
    CHECK_STATUS(scene, asked[5], STATUS_OK);
    CHECK(scene, asked[5]->op.grant.replayed);
    CHECK_STATUS(scene, asked[6], STATUS_OK);
    CHECK(scene, !asked[6]->op.grant.replayed);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", before), "1");
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", behind), "1");
}

/* A score may be anything that a number can be written as. */
static void a_grant_that_is_none_of_ours_is_its_holders_affair(void **state)
{
    static const char *const scores[] = {"inf", "-inf", "1e300", "1.5", "-1"};

    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        struct rig *rig = *state;
        struct scene *scene = rig_redis(rig, NULL, rig_patient());
        struct str id = rig_discount(rig, 3);
        struct attempt *corrupt, *bob, *eve, *zoe;

        redis_server_command(rig->server, "ZADD discount:{%s}:grants %s ann", id.p, scores[i]);
        corrupt = submit_grant(scene, id, STR("ann"));
        bob = submit_grant(scene, id, STR("bob"));
        eve = submit_grant(scene, id, STR("eve"));
        zoe = submit_grant(scene, id, STR("zoe"));
        assert_true(scene_settle(scene));
        CHECK_STATUS(scene, corrupt, STATUS_CORRUPT);
        CHECK_STATUS(scene, bob, STATUS_OK);
        CHECK_STATUS(scene, eve, STATUS_OK);
        CHECK_STATUS(scene, zoe, STATUS_DISCOUNT_EXHAUSTED);
        assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "3");
        rig_close(rig);
    }
}

/* Who of them was granted it before cannot be seen any more. */
static void what_is_written_and_cannot_be_looked_up_is_unknown(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 10);
    struct attempt *held, *new;

    rig_grant(rig, id, STR("ann"));
    redis_server_command(rig->server, "ACL SETUSER default -zmscore");
    held = submit_grant(scene, id, STR("ann"));
    new = submit_grant(scene, id, STR("bob"));
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, held, STATUS_UNKNOWN);
    CHECK_STATUS(scene, new, STATUS_UNKNOWN);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "2");
}

static void grants_of_the_wrong_type_are_corrupt(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    ask(rig, "SET discount:{%s}:grants x", id);
    check_corrupt(rig, id, STORE_GET);
    check_corrupt(rig, id, STORE_LIST);
    check_corrupt(rig, id, STORE_GRANT);
    check_corrupt(rig, id, STORE_GRANT_GET);
}

static void values_that_are_no_numbers_are_corrupt(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    ask(rig, "ZADD discount:{%s}:grants -5 ann", id);
    check_corrupt(rig, id, STORE_GRANT);
    check_corrupt(rig, id, STORE_GRANT_GET);
    ask(rig, "DEL discount:{%s}:grants", id);
    ask(rig, "HSET discount:{%s} total_count many", id);
    check_corrupt(rig, id, STORE_GET);
    check_corrupt(rig, id, STORE_GRANT);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "0");
}

static void a_discount_without_its_code_is_corrupt_and_not_granted(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    ask(rig, "HDEL discount:{%s} discount_code", id);
    check_corrupt(rig, id, STORE_GET);
    check_corrupt(rig, id, STORE_GRANT);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "0");
}

static void an_index_entry_without_its_discount_is_corrupt(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    ask(rig, "DEL discount:{%s}", id);
    check_corrupt(rig, id, STORE_LIST);
}

static void a_creation_that_meets_a_wrong_type_writes_nothing(void **state)
{
    static const char *const keys[] = {"discounts", "brand:{a brand}:discounts"};
    struct rig *rig = *state;

    rig_redis(rig, NULL, rig_patient());
    for (size_t i = 0; i < 2; i++) {
        redis_server_command(rig->server, "FLUSHALL");
        redis_server_command(rig->server, "SET %s x", keys[i]);
        CHECK_STATUS(&rig->scene, create_now(rig), STATUS_CORRUPT);
        assert_string_equal(redis_server_command(rig->server, "DBSIZE"), "1");
    }
}

static void an_idempotency_key_of_the_wrong_form_is_corrupt(void **state)
{
    static const struct discount discount = {
        .brand_id = STR_INIT("brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};
    static const char *const commands[] = {"HSET idempotency:5:{brand}:key f x",
                                           "SET idempotency:5:{brand}:key x"};
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());

    for (size_t i = 0; i < 2; i++) {
        struct attempt *created;

        redis_server_command(rig->server, "FLUSHALL");
        redis_server_command(rig->server, commands[i]);
        created = submit_create(scene, &discount, STR("key"));
        assert_true(scene_settle(scene));
        CHECK_STATUS(scene, created, STATUS_CORRUPT);
        assert_string_equal(redis_server_command(rig->server, "DBSIZE"), "1");
    }
}

static void a_wallet_of_the_wrong_type_does_not_hinder_the_grant(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 10);
    redis_server_command(rig->server, "SET user:{ann}:discounts x");
    CHECK_INT(&rig->scene, grant_once(rig, id, STR("ann")), STATUS_OK);
    assert_string_equal(ask(rig, "ZCARD discount:{%s}:grants", id), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(a_flushed_script_cache_is_not_noticed),
        RIG(a_script_cache_flushed_in_mid_pipeline_is_not_noticed),
        RIG(an_answered_grant_is_there_after_a_kill),
        RIG(what_was_sent_before_a_kill_is_unknown),
        RIG(what_was_sent_before_a_kill_is_done_after_the_restart),
        RIG(a_repeat_that_waited_beside_its_first_request_is_a_repeat),
        RIG(a_creation_with_the_same_id_is_the_same_creation),
        RIG(so_it_is_with_an_idempotency_key),
        RIG(without_a_connection_operations_wait_for_their_deadline),
        RIG(a_kill_under_load_makes_no_answer_untrue),
        RIG(a_connection_that_redis_ends_is_made_again),
        RIG(operations_of_a_frozen_redis_end_at_their_deadline),
        RIG(a_thawed_redis_is_used_again),
        RIG(what_a_frozen_redis_does_late_is_one_grant_with_its_repeat),
        RIG(a_password_logs_in),
        RIG(a_user_of_the_access_list_logs_in),
        RIG(a_wrong_password_is_tried_until_it_is_right),
        RIG(a_host_is_found_by_its_name),
        RIG(without_an_address_the_store_is_not_ready),
        RIG(a_full_redis_keeps_what_it_has_promised),
        RIG(a_full_redis_answers_each_grant_of_a_call_by_itself),
        RIG(a_replica_answers_each_grant_of_a_call_by_itself),
        RIG(a_full_redis_sells_nothing_out),
        RIG(too_few_replicas_are_a_refusal),
        RIG(a_read_only_replica_is_a_refusal),
        RIG(a_creation_refused_by_a_replica_gives_the_connection_up),
        RIG(a_grant_refused_by_a_replica_gives_the_connection_up),
        RIG(a_busy_script_is_a_refusal),
        RIG(a_discount_of_the_wrong_type_is_corrupt),
        RIG(a_broken_discount_is_no_other_ones_affair),
        RIG(a_grant_that_is_none_of_ours_is_its_holders_affair),
        RIG(what_is_written_and_cannot_be_looked_up_is_unknown),
        RIG(grants_of_the_wrong_type_are_corrupt),
        RIG(values_that_are_no_numbers_are_corrupt),
        RIG(a_discount_without_its_code_is_corrupt_and_not_granted),
        RIG(an_index_entry_without_its_discount_is_corrupt),
        RIG(a_creation_that_meets_a_wrong_type_writes_nothing),
        RIG(an_idempotency_key_of_the_wrong_form_is_corrupt),
        RIG(a_wallet_of_the_wrong_type_does_not_hinder_the_grant),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis faults", tests, NULL, NULL);
}
