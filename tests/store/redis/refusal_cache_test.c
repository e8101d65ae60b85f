/* SPDX-License-Identifier: MIT */
/* What a store remembers of sold out discounts, and what is changed in Redis behind its back: by
 * hand, or by another replica after that. Minutes pass at once (support/forward_clock.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/memory.h"
#include "store/redis/redis_fixture.h"
#include "store/refusal_cache.h"
#include "support/clock.h"
#include "support/forward_clock.h"

static const char *ask(struct rig *rig, const char *format, struct str id)
{
    return redis_server_command(rig->server, format, id.p);
}

static bool refuses_at_once(struct rig *rig, struct str id, const char *user)
{
    return memory_refuses(&rig->scene, id, str_of(user), STATUS_DISCOUNT_EXHAUSTED);
}

/* Also if the first one who asks is let through. */
static bool refuses(struct rig *rig, struct str id, const char *user)
{
    return refuses_at_once(rig, id, user) || refuses_at_once(rig, id, user);
}

/* After this much time, as the loop sees it. */
static void pass(struct rig *rig, uint64_t ms)
{
    forward_clock_move(ms);
    uv_update_time(&rig->scene.turn.loop);
}

/* Who is refused in the discount below. */
static char eve[16];

/* One unit, which ann holds, and a store that knows. */
static struct str given_a_remembered_discount(struct rig *rig)
{
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 1);
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, STR("ann")), STATUS_OK);
    snprintf(eve, sizeof(eve), "%s", memory_fill(&rig->scene, id, STATUS_DISCOUNT_EXHAUSTED).p);
    assert_true(refuses(rig, id, eve));
    return id;
}

static long scripts_run(struct rig *rig)
{
    const char *stats = redis_server_command(rig->server, "INFO commandstats");
    const char *line = strstr(stats, "cmdstat_evalsha:calls=");

    return line == NULL ? 0 : atol(line + strlen("cmdstat_evalsha:calls="));
}

static void a_refusal_from_memory_asks_redis_nothing(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    redis_server_command(rig->server, "CONFIG RESETSTAT");
    for (size_t i = 0; i < 1000; i++) {
        assert_true(refuses(rig, id, eve));
    }
    submit_ping(&rig->scene);
    assert_true(scene_settle(&rig->scene));
    assert_int_equal(scripts_run(rig), 0);
}

/* ---- Changes behind the back ---- */

static void a_stock_that_was_raised_is_granted_within_a_second(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    ask(rig, "HSET discount:{%s} total_count 2", id);
    pass(rig, REFUSAL_CACHE_FRESH_MS + 1);
    assert_false(refuses(rig, id, "bob"));
    CHECK_INT(&rig->scene, rig_grant(rig, id, STR("bob"))->op.grant.replayed, false);
    assert_false(refuses(rig, id, eve));
}

static void the_one_who_is_let_through_sees_it_sooner(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    ask(rig, "HSET discount:{%s} total_count 3", id);
    pass(rig, REFUSAL_CACHE_ASK_MS + 1);
    assert_false(refuses_at_once(rig, id, "bob"));
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, STR("bob")), STATUS_OK);
    assert_false(refuses(rig, id, eve));
}

static void a_holder_more_is_seen_by_their_number(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    ask(rig, "HSET discount:{%s} total_count 2", id);
    ask(rig, "ZADD discount:{%s}:grants 1606386477202420 bob", id);
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, str_of(eve)), STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(rig, id, "bob"));
    CHECK_INT(&rig->scene, rig_grant(rig, id, STR("bob"))->op.grant.replayed, true);
    memory_fill(&rig->scene, id, STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(rig, id, "bob"));
}

static void a_discount_that_is_gone_is_not_found_within_a_second(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    redis_server_command(rig->server, "FLUSHALL");
    pass(rig, REFUSAL_CACHE_FRESH_MS + 1);
    assert_false(refuses(rig, id, eve));
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, str_of(eve)), STATUS_DISCOUNT_NOT_FOUND);
    assert_false(refuses(rig, id, eve));
}

/* Neither the number nor the status shows it, so it takes as long as a filter is believed. */
static void a_holder_who_was_exchanged_is_seen_within_a_minute(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    ask(rig, "ZREM discount:{%s}:grants ann", id);
    ask(rig, "ZADD discount:{%s}:grants 1606386477202420 bob", id);
    for (int64_t ms = 0; ms <= REFUSAL_CACHE_FILTER_MS; ms += 1000) {
        CHECK_STATUS(&rig->scene, rig_grant(rig, id, str_of(eve)), STATUS_DISCOUNT_EXHAUSTED);
        pass(rig, 1000);
    }
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, str_of(eve)), STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(rig, id, "bob"));
    memory_fill(&rig->scene, id, STATUS_DISCOUNT_EXHAUSTED);
    assert_false(refuses(rig, id, "bob"));
}

static void or_when_the_new_one_is_let_through(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    ask(rig, "ZREM discount:{%s}:grants ann", id);
    redis_server_command(rig->server, "ZADD discount:{%s}:grants 1606386477202420 %s", id.p, eve);
    CHECK_INT(&rig->scene, rig_grant(rig, id, str_of(eve))->op.grant.replayed, true);
    assert_false(refuses(rig, id, eve));
}

static void an_end_that_was_moved_closes_and_opens_a_discount(void **state)
{
    struct rig *rig = *state;
    struct str id;

    rig_redis(rig, NULL, rig_patient());
    id = rig_discount(rig, 5);
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, STR("ann")), STATUS_OK);
    ask(rig, "HSET discount:{%s} expires_at 1606386477202420", id);
    memory_fill(&rig->scene, id, STATUS_DISCOUNT_EXPIRED);
    assert_false(memory_refuses(&rig->scene, id, STR("ann"), STATUS_DISCOUNT_EXPIRED));
    CHECK_INT(&rig->scene, rig_grant(rig, id, STR("ann"))->op.grant.replayed, true);
    ask(rig, "HDEL discount:{%s} expires_at", id);
    pass(rig, REFUSAL_CACHE_FRESH_MS + 1);
    assert_false(memory_refuses(&rig->scene, id, STR("bob"), STATUS_DISCOUNT_EXPIRED));
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, STR("bob")), STATUS_OK);
}

/* ---- The connection ---- */

static void nothing_is_remembered_over_a_connection_that_was_lost(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    redis_server_command(rig->server, "FLUSHALL");
    redis_server_command(rig->server, "CLIENT KILL TYPE normal SKIPME yes");
    assert_true(turn_until_not_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    assert_false(refuses(rig, id, eve));
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, str_of(eve)), STATUS_DISCOUNT_NOT_FOUND);
}

static void a_redis_that_was_restarted_is_asked(void **state)
{
    struct rig *rig = *state;
    struct str id = given_a_remembered_discount(rig);

    redis_server_kill(rig->server);
    assert_true(turn_until_not_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    assert_false(refuses(rig, id, eve));
    redis_server_restart(rig->server);
    CHECK_STATUS(&rig->scene, rig_grant(rig, id, str_of(eve)), STATUS_DISCOUNT_NOT_FOUND);
}

static void a_page_that_is_late_is_given_up(void **state)
{
    struct rig *rig = *state;
    struct scene *scene = rig_redis(rig, NULL, rig_patient());
    struct str id = rig_discount(rig, 1);

    CHECK_STATUS(scene, rig_grant(rig, id, STR("ann")), STATUS_OK);
    memory_ask(scene, id, STATUS_DISCOUNT_EXHAUSTED, REFUSAL_CACHE_REFUSALS - 1, 1);
    redis_server_freeze(rig->server);
    submit_grant(scene, id, STR("eve"));
    pass(rig, rig_patient().deadline_ms + 1);
    assert_true(scene_settle(scene));
    redis_server_thaw(rig->server);
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    memory_fill(scene, id, STATUS_DISCOUNT_EXHAUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(a_refusal_from_memory_asks_redis_nothing),
        RIG(a_stock_that_was_raised_is_granted_within_a_second),
        RIG(the_one_who_is_let_through_sees_it_sooner),
        RIG(a_holder_more_is_seen_by_their_number),
        RIG(a_discount_that_is_gone_is_not_found_within_a_second),
        RIG(a_holder_who_was_exchanged_is_seen_within_a_minute),
        RIG(or_when_the_new_one_is_let_through),
        RIG(an_end_that_was_moved_closes_and_opens_a_discount),
        RIG(nothing_is_remembered_over_a_connection_that_was_lost),
        RIG(a_redis_that_was_restarted_is_asked),
        RIG(a_page_that_is_late_is_given_up),
    };

    return cmocka_run_group_tests_name("redis_sold_out", tests, NULL, NULL);
}
