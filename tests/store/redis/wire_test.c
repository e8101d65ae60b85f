/* SPDX-License-Identifier: MIT */
/* What the Redis backend makes of bytes: replies that are cut off, late, refused or garbage, and
 * connections that end in every state. The Redis is a script. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discount/engine.h"
#include "discount/limits.h"
#include "discount/log.h"
#include "store/concurrent_clients.h"
#include "store/redis/redis_fixture.h"
#include "support/clock.h"
#include "support/loopback.h"

/* How often a test is played whose operations have to be answered within a short deadline: a busy
 * machine may be too slow once. */
#define ATTEMPTS 5
#define SHORT_MS 300

#define ID STR("dsc-AAAAAAAAAAAAAAAAAAAAAA")
#define ANN STR("ann")

#define FIRST "1700000000000001"
#define LATER "1700000000000002"
/* What the scripts answer. */
#define OUTCOME(n, words)                                                                          \
    "*5\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n$" #n "\r\n" words "\r\n"
#define GRANTED OUTCOME(1, "g")
#define HELD OUTCOME(17, "h" FIRST)
#define NO_DISCOUNT "*5\r\n$16\r\n" FIRST "\r\n$-1\r\n$-1\r\n:0\r\n$-1\r\n"
#define ROW                                                                                        \
    "*7\r\n$5\r\nbrand\r\n$6\r\nA CODE\r\n$1\r\n7\r\n$16\r\n" FIRST "\r\n$-1\r\n$-1\r\n:0\r\n"
#define NOSCRIPT "-NOSCRIPT No matching script. Please use EVAL.\r\n"

static const char *const replies[STORE_VERB_COUNT] = {
    [STORE_PING] = "+PONG\r\n",
    [STORE_CREATE] =
        "*3\r\n$7\r\ncreated\r\n$26\r\ndsc-AAAAAAAAAAAAAAAAAAAAAA\r\n$16\r\n" FIRST "\r\n",
    [STORE_GET] = ROW,
    [STORE_LIST] = "*1\r\n*8\r\n$5\r\nbrand\r\n$6\r\nA CODE\r\n$1\r\n7\r\n$16\r\n" FIRST
                   "\r\n$-1\r\n$-1\r\n:0\r\n$26\r\ndsc-AAAAAAAAAAAAAAAAAAAAAA\r\n",
    [STORE_GRANT] = GRANTED,
    [STORE_GRANT_GET] = "*2\r\n$6\r\nA CODE\r\n$16\r\n" FIRST "\r\n",
    [STORE_GRANTS] = "*2\r\n$6\r\nA CODE\r\n*2\r\n$3\r\nann\r\n$16\r\n" FIRST "\r\n",
    [STORE_WALLET] =
        "*1\r\n*9\r\n$5\r\nbrand\r\n$6\r\nA CODE\r\n$1\r\n7\r\n$16\r\n" FIRST
        "\r\n$-1\r\n$-1\r\n:0\r\n$26\r\ndsc-AAAAAAAAAAAAAAAAAAAAAA\r\n$16\r\n" FIRST "\r\n",
};

static struct store_limits deadline(uint64_t deadline_ms)
{
    return (struct store_limits){.deadline_ms = deadline_ms, .in_flight = 65536};
}

/* ---- Replies that are whole ---- */

static void whole_replies_are_understood(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        fake_expect(fake, verb == STORE_PING ? "PING" : "EVALSHA ");
        fake_send_text(fake, replies[verb]);
    }
    scene = rig_play_ready(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    assert_true(scene_settle(scene));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], STATUS_OK);
    }
    rig_played(rig);
}

/* Byte by byte, so that no reply comes in one piece. */
static void replies_in_pieces_are_understood(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    for (const char *at = GRANTED; *at != '\0'; at++) {
        fake_send(fake, at, 1);
    }
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked, STATUS_OK);
    CHECK_INT(scene, asked->op.grant.grant.granted_at_us, 1700000000000001);
    rig_played(rig);
}

static void what_a_turn_submits_goes_out_in_one_write(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect_together(fake, STORE_VERB_COUNT);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        fake_send_text(fake, replies[verb]);
    }
    scene = rig_play_ready(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    assert_true(scene_settle(scene));
    rig_played(rig);
}

/* ---- Replies that are cut off ---- */

/* Turns until the connection is lost, and ends the store: what waits for another one is told what
 * is known by then. */
static void lose_and_end(struct rig *rig)
{
    assert_true(turn_until_not_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    scene_end(&rig->scene);
}

static void close_ended(struct rig *rig)
{
    assert_null(scene_free(&rig->scene));
    store_engine_close(rig->engine);
    rig->engine = NULL;
}

/* One operation whose reply ends after `n` bytes, by a close or a reset, and both are there before
 * the store looks. */
static void check_cut(struct rig *rig, enum store_verb verb, size_t n, bool by_reset)
{
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, verb == STORE_PING ? "PING" : "EVALSHA ");
    fake_send(fake, replies[verb], n);
    if (by_reset) {
        fake_reset(fake);
    } else {
        fake_close(fake);
    }
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, verb, ID, ANN);
    store_flush(scene->turn.store);
    rig_played(rig);
    lose_and_end(rig);
    CHECK_STATUS(scene, asked, rig_lost(verb));
    close_ended(rig);
}

static void a_reply_cut_at_any_byte_says_what_is_known(void **state)
{
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        for (size_t n = 0; n < strlen(replies[verb]); n++) {
            check_cut(*state, (enum store_verb)verb, n, false);
        }
    }
}

static void a_reply_reset_at_any_byte_says_what_is_known(void **state)
{
    for (size_t n = 0; n < strlen(replies[STORE_GRANT]); n++) {
        check_cut(*state, STORE_GRANT, n, true);
    }
}

static void every_grant_of_a_call_whose_reply_is_cut_is_unknown(void **state)
{
    static const char reply[] = "*5\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n$2\r\ng";
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *one, *other;
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, reply);
    fake_close(fake);
    scene = rig_play_ready(rig, rig_patient());
    one = submit_grant(scene, ID, STR("ann"));
    other = submit_grant(scene, ID, STR("bob"));
    lose_and_end(rig);
    CHECK_STATUS(scene, one, STATUS_UNKNOWN);
    CHECK_STATUS(scene, other, STATUS_UNKNOWN);
    close_ended(rig);
    rig_played(rig);
}

static void what_was_answered_before_the_cut_stays_answered(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *read, *granted, *lost;
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect_together(fake, 3);
    fake_send_text(fake, ROW);
    fake_send_text(fake, GRANTED);
    fake_send_text(fake, "*3\r\n$7\r\ncrea");
    fake_close(fake);
    scene = rig_play_ready(rig, rig_patient());
    read = submit_get(scene, ID);
    granted = submit_grant(scene, ID, ANN);
    lost = rig_submit(rig, STORE_CREATE, ID, ANN);
    lose_and_end(rig);
    CHECK_STATUS(scene, read, STATUS_OK);
    CHECK_STATUS(scene, granted, STATUS_OK);
    CHECK_STATUS(scene, lost, STATUS_UNKNOWN);
    close_ended(rig);
    rig_played(rig);
}

/* ---- What was never written ---- */

/* The connection is lost while operations wait for the flush, which then is tried or is not. */
static void check_not_written(struct rig *rig, bool flush_is_tried)
{
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_reset(fake);
    scene = rig_play_ready(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    fake_redis_resume(fake);
    rig_played(rig);
    if (flush_is_tried) {
        store_flush(scene->turn.store);
    }
    lose_and_end(rig);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], STATUS_UNAVAILABLE);
    }
    close_ended(rig);
}

static void what_was_never_written_is_surely_not_applied(void **state)
{
    check_not_written(*state, false);
}

static void what_a_lost_connection_did_not_take_is_surely_not_applied(void **state)
{
    check_not_written(*state, true);
}

/* More than the sockets hold between them. */
#define FLOOD 6500

static void submit_flood(struct scene *scene, struct attempt *ret_asked[FLOOD])
{
    static char code[LIMIT_DISCOUNT_CODE], brand[LIMIT_BRAND_ID];
    const struct discount large = {.brand_id = {brand, sizeof(brand)},
                                   .discount_code = {code, sizeof(code)},
                                   .total_count = 1};

    memset(code, 'c', sizeof(code));
    memset(brand, 'b', sizeof(brand));
    for (size_t i = 0; i < FLOOD; i++) {
        ret_asked[i] = submit_create(scene, &large, (struct str){0});
    }
}

/* The rest waits in the store when the end comes. */
static void what_did_not_fit_into_the_socket_is_surely_not_applied(void **state)
{
    static struct attempt *asked[FLOOD];
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    size_t unknown = 0;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_reset(fake);
    scene = rig_play_ready(rig, rig_patient());
    submit_flood(scene, asked);
    store_flush(scene->turn.store);
    fake_redis_resume(fake);
    rig_played(rig);
    lose_and_end(rig);
    while (unknown < FLOOD && asked[unknown]->op.status == STATUS_UNKNOWN) {
        unknown++;
    }
    CHECK(scene, unknown > 0 && unknown < FLOOD);
    for (size_t i = unknown; i < FLOOD; i++) {
        CHECK_STATUS(scene, asked[i], STATUS_UNAVAILABLE);
    }
    close_ended(rig);
}

/* Turns the loop alone, without another flush, and looks whether the fake has had everything. */
static bool has_had_everything(void *argument)
{
    struct rig *rig = argument;

    uv_run(&rig->scene.turn.loop, UV_RUN_NOWAIT);
    return fake_redis_played(rig->fake) == fake_redis_steps(rig->fake);
}

static void what_did_not_fit_into_the_socket_is_written_when_there_is_room(void **state)
{
    static struct attempt *asked[FLOOD];
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_expect_any(fake, FLOOD);
    scene = rig_play_ready(rig, rig_patient());
    submit_flood(scene, asked);
    store_flush(scene->turn.store);
    fake_redis_resume(fake);
    assert_true(clock_wait(has_had_everything, rig, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

/* More than one read takes in: what came before the reset is told, to the last reply. */
static void replies_before_a_reset_are_all_told(void **state)
{
    enum { COUNT = 400 };
    static const char row[] = "*7\r\n$5\r\nbrand\r\n$6\r\nA CODE\r\n$1\r\n7\r\n"
                              "$16\r\n1700000000000001\r\n$-1\r\n$-1\r\n:0\r\n";
    static char all[COUNT * sizeof(row)];
    struct attempt *asked[COUNT];
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    for (size_t i = 0; i < COUNT; i++) {
        memcpy(all + i * (sizeof(row) - 1), row, sizeof(row) - 1);
    }
    fake_greeting(fake, NULL, "0");
    fake_expect_any(fake, COUNT);
    fake_send(fake, all, COUNT * (sizeof(row) - 1));
    fake_reset(fake);
    scene = rig_play_ready(rig, rig_patient());
    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = submit_get(scene, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"));
    }
    store_flush(scene->turn.store);
    rig_played(rig);
    assert_true(scene_settle(scene));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_STATUS(scene, asked[i], STATUS_OK);
    }
}

/* ---- What is sent again ---- */

/* The next connection brings what the one before has lost, each verb in its turn. A ping asks about
 * the connection, so it is not asked again. */
static void play_again(struct fake_redis *fake)
{
    fake_greeting(fake, NULL, "0");
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        if (verb != STORE_PING) {
            fake_expect(fake, "EVALSHA ");
            fake_send_text(fake, replies[verb]);
        }
    }
}

static void check_asked_again(struct scene *scene, struct attempt *const *asked)
{
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], verb == STORE_PING ? STATUS_UNAVAILABLE : STATUS_OK);
    }
}

static void what_was_never_written_is_sent_over_the_next_connection(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_reset(fake);
    play_again(fake);
    scene = rig_play_ready(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    fake_redis_resume(fake);
    assert_true(scene_settle(scene));
    check_asked_again(scene, asked);
    rig_played(rig);
}

static void what_is_in_doubt_is_sent_again(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect_any(fake, STORE_VERB_COUNT);
    fake_close(fake);
    play_again(fake);
    scene = rig_play_ready(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    assert_true(scene_settle(scene));
    check_asked_again(scene, asked);
    rig_played(rig);
}

static void it_is_sent_again_as_often_as_it_is_lost(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    for (int i = 0; i < 4; i++) {
        fake_greeting(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_close(fake);
    }
    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, HELD);
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked, STATUS_OK);
    CHECK(scene, asked->op.grant.replayed);
    rig_played(rig);
}

static void what_comes_while_there_is_no_connection_waits_for_it(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    play_again(fake);
    scene = rig_play(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    assert_true(scene_settle(scene));
    check_asked_again(scene, asked);
    rig_played(rig);
}

/* What an operation becomes whose first reply is lost and whose second one is this. */
static enum status told_again(struct rig *rig, enum store_verb verb, const char *reply)
{
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;
    enum status status;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_close(fake);
    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, reply);
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, verb, ID, ANN);
    assert_true(scene_settle(scene));
    status = asked->op.status;
    rig_played(rig);
    rig_close(rig);
    return status;
}

/* The first attempt may have been applied before the second one was refused, or may be yet. */
static void a_refusal_does_not_settle_what_is_in_doubt(void **state)
{
    static const char *const refusals[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        OUTCOME(1, "r"),
        OUTCOME(1, "n"),
    };

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        assert_int_equal(told_again(*state, STORE_GRANT, refusals[i]), STATUS_UNKNOWN);
    }
    assert_int_equal(told_again(*state, STORE_CREATE, refusals[0]), STATUS_UNKNOWN);
    assert_int_equal(told_again(*state, STORE_GET, refusals[0]), STATUS_UNAVAILABLE);
    assert_int_equal(told_again(*state, STORE_GET, refusals[2]), STATUS_CORRUPT);
}

/* Whichever of the two attempts came first, these are so afterwards. */
static void what_is_final_settles_what_is_in_doubt(void **state)
{
    assert_int_equal(told_again(*state, STORE_GRANT, GRANTED), STATUS_OK);
    assert_int_equal(told_again(*state, STORE_GRANT, OUTCOME(1, "x")), STATUS_DISCOUNT_EXHAUSTED);
    assert_int_equal(told_again(*state, STORE_GRANT, OUTCOME(1, "e")), STATUS_DISCOUNT_EXPIRED);
    assert_int_equal(told_again(*state, STORE_GRANT, NO_DISCOUNT), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(told_again(*state, STORE_CREATE, "*1\r\n$6\r\nreused\r\n"),
                     STATUS_IDEMPOTENCY_KEY_REUSED);
}

/* ---- Waiting, and its end ---- */

/* The connection is lost, with or without having taken a grant, and there is no other one. */
static void check_waits_for_its_deadline(struct rig *rig, bool is_sent)
{
    enum { DEADLINE_MS = 200 };
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;
    int64_t start_ms;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    if (is_sent) {
        fake_expect(fake, "EVALSHA ");
    }
    fake_close(fake);
    scene = rig_play_ready(rig, deadline(DEADLINE_MS));
    fake_redis_resume(fake);
    if (!is_sent) {
        rig_played(rig);
        assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    }
    uv_update_time(&scene->turn.loop);
    start_ms = clock_ms();
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK(scene, clock_ms() - start_ms >= DEADLINE_MS - 1);
    CHECK_STATUS(scene, asked, is_sent ? STATUS_UNKNOWN : STATUS_UNAVAILABLE);
    if (is_sent) {
        rig_played(rig);
    }
    rig_close(rig);
}

static void what_is_never_sent_is_unavailable_at_its_deadline(void **state)
{
    check_waits_for_its_deadline(*state, false);
}

static void what_stays_in_doubt_is_unknown_at_its_deadline(void **state)
{
    check_waits_for_its_deadline(*state, true);
}

static bool has_been_away(void *argument)
{
    struct scene *scene = argument;
    struct attempt *asked = submit_get(scene, ID);

    store_deliver(scene->turn.store);
    return asked->done == 1;
}

/* Nobody waits for what has outlasted a deadline, and nobody sends a ping to what is not there. */
static void a_long_outage_is_told_at_once(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *ping;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_close(fake);
    scene = rig_play_ready(rig, deadline(SHORT_MS));
    fake_redis_resume(fake);
    rig_played(rig);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    ping = submit_ping(scene);
    store_deliver(scene->turn.store);
    CHECK_STATUS(scene, ping, STATUS_UNAVAILABLE);
    assert_true(turn_until(&scene->turn, has_been_away, scene, CLOCK_PATIENCE_MS));
    assert_true(scene_settle(scene));
}

static void those_who_wait_are_bounded(void **state)
{
    enum { BOUND = 10, COUNT = 25 };
    struct rig *rig = *state;
    struct attempt *asked[COUNT];
    struct scene *scene = rig_open(
        rig, "redis://127.0.0.1:1",
        (struct store_limits){.deadline_ms = rig_patient().deadline_ms, .in_flight = BOUND});

    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = submit_grant(scene, ID, ANN);
    }
    store_flush(scene->turn.store);
    store_deliver(scene->turn.store);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_INT(scene, asked[i]->done, i < BOUND ? 0 : 1);
    }
    CHECK_STATUS(scene, asked[BOUND], STATUS_OVERLOADED);
    scene_end(scene);
    CHECK_STATUS(scene, asked[0], STATUS_UNAVAILABLE);
    close_ended(rig);
}

/* ---- Replies that are late ---- */

/* Ends an attempt; whether the operation was answered in time. */
static bool in_time(struct rig *rig, const struct attempt *asked)
{
    bool is_answered = asked->op.status == STATUS_OK;

    if (is_answered) {
        rig_played(rig);
    } else {
        fake_redis_abandon(rig->fake);
        rig->fake = NULL;
    }
    rig_close(rig);
    return is_answered;
}

/* The reply to the first grant comes after its deadline; the second one is submitted before or
 * after that. False when the second one, too, was not answered in time. */
static bool late_reply_attempt(struct rig *rig, bool second_is_waiting)
{
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *late, *next;
    struct scene *scene;
    size_t sent;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_pause(fake);
    fake_send_text(fake, GRANTED);
    sent = fake_redis_steps(fake);
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, OUTCOME(17, "h" LATER));
    scene = rig_play_ready(rig, deadline(SHORT_MS));
    late = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, late, STATUS_UNKNOWN);
    if (second_is_waiting) {
        next = rig_submit(rig, STORE_GRANT, ID, ANN);
        store_flush(scene->turn.store);
        fake_redis_resume(fake);
    } else {
        fake_redis_resume(fake);
        fake_redis_wait_played(fake, sent, SHORT_MS);
        next = rig_submit(rig, STORE_GRANT, ID, ANN);
    }
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, late, STATUS_UNKNOWN);
    if (next->op.status == STATUS_OK) {
        CHECK_INT(scene, next->op.grant.grant.granted_at_us, 1700000000000002);
    }
    return in_time(rig, next);
}

static void check_late(struct rig *rig, bool second_is_waiting)
{
    bool is_done = false;

    for (int i = 0; i < ATTEMPTS && !is_done; i++) {
        is_done = late_reply_attempt(rig, second_is_waiting);
    }
    assert_true(is_done);
}

static void a_late_reply_is_not_taken_for_the_next_one(void **state)
{
    check_late(*state, false);
}

static void a_late_reply_is_not_given_to_an_operation_that_waits(void **state)
{
    check_late(*state, true);
}

/* What is asked of a Redis that hangs is not left with it, and so is not in doubt. A ping is told
 * at once. False when the machine was too slow to tell the deadlines apart. */
static bool silent_attempt(struct rig *rig)
{
    /* Twice that is not near one of the link's looks at the connection, which are every 500 ms. */
    enum { DEADLINE_MS = 870 };
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *sent, *kept, *ping, *last;
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_pause(fake);
    fake_send_text(fake, GRANTED);
    fake_expect(fake, "PING");
    fake_send_text(fake, "+PONG\r\n");
    scene = rig_play_ready(rig, deadline(DEADLINE_MS));
    sent = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, sent, STATUS_UNKNOWN);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    ping = submit_ping(scene);
    store_deliver(scene->turn.store);
    CHECK_STATUS(scene, ping, STATUS_UNAVAILABLE);
    kept = rig_submit(rig, STORE_GRANT, STR("dsc-BBBBBBBBBBBBBBBBBBBBBB"), ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, kept, STATUS_UNAVAILABLE);
    fake_redis_resume(fake);
    if (!turn_until_ready(&scene->turn, DEADLINE_MS)) {
        return in_time(rig, ping);
    }
    last = submit_ping(scene);
    assert_true(scene_settle(scene));
    return in_time(rig, last);
}

static void a_silent_connection_takes_no_more(void **state)
{
    bool is_done = false;

    for (int i = 0; i < ATTEMPTS && !is_done; i++) {
        is_done = silent_attempt(*state);
    }
    assert_true(is_done);
}

struct played {
    struct fake_redis *fake;
    size_t steps;
};

static bool has_played(void *argument)
{
    const struct played *played = argument;

    return fake_redis_played(played->fake) >= played->steps;
}

static void a_silent_connection_is_given_up_after_two_deadlines(void **state)
{
    enum { DEADLINE_MS = 400 };
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct played given_up = {.fake = fake};
    struct scene *scene;
    int64_t start_ms;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_wait_for_client_close(fake);
    given_up.steps = fake_redis_steps(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play_ready(rig, deadline(DEADLINE_MS));
    uv_update_time(&scene->turn.loop);
    start_ms = clock_ms();
    rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    CHECK(scene, clock_ms() - start_ms >= DEADLINE_MS - 1);
    assert_true(turn_until(&scene->turn, has_played, &given_up, CLOCK_PATIENCE_MS));
    CHECK(scene, clock_ms() - start_ms >= 2 * DEADLINE_MS - 1);
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

static void a_silent_greeting_is_given_up_and_tried_again(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_accept(fake);
    fake_wait_for_client_close(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play(rig, deadline(400));
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

/* Nobody waits for an answer on an idle connection, however long it is silent. */
static void an_idle_connection_is_kept(void **state)
{
    enum { DEADLINE_MS = 200, LONG_MS = 1600 };
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "PING");
    scene = rig_play_ready(rig, deadline(DEADLINE_MS));
    assert_false(turn_until_not_ready(&scene->turn, LONG_MS));
    submit_ping(scene);
    assert_true(scene_settle(scene));
    rig_played(rig); /* it came over the same connection */
}

/* ---- Refusals ---- */

static void refusals_are_surely_not_applied(void **state)
{
    static const char *const refusals[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
        "-BUSY Redis is busy running a script.\r\n",
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-NOREPLICAS Not enough good replicas to write.\r\n",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
        "-CLUSTERDOWN The cluster is down\r\n",
        "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    };
    enum { COUNT = sizeof(refusals) / sizeof(refusals[0]) };
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    for (size_t i = 0; i < COUNT; i++) {
        fake_expect_together(fake, STORE_VERB_COUNT);
        for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
            fake_send_text(fake, refusals[i]);
        }
    }
    scene = rig_play_ready(rig, rig_patient());
    for (size_t i = 0; i < COUNT; i++) {
        struct attempt *asked[STORE_VERB_COUNT];

        rig_submit_each(rig, ID, ANN, asked);
        assert_true(scene_settle(scene));
        for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
            CHECK_STATUS(scene, asked[verb], STATUS_UNAVAILABLE);
        }
    }
    rig_played(rig);
}

static void a_refusal_as_a_read_only_replica_leads_to_a_new_connection(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, "-READONLY You can't write against a read only replica.\r\n");
    fake_wait_for_client_close(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked, STATUS_UNAVAILABLE);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

static void an_unknown_error_is_corrupt(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, "-ERR what nobody has foreseen\r\n");
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked, STATUS_CORRUPT);
    rig_played(rig);
}

/* ---- Scripts that are not loaded ---- */

static void a_missing_script_is_sent_whole(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *granted, *read;
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect_together(fake, 2);
    fake_send_text(fake, NOSCRIPT);
    fake_send_text(fake, ROW);
    fake_expect(fake, "EVAL -- Grants discounts to users");
    fake_send_text(fake, GRANTED);
    scene = rig_play_ready(rig, rig_patient());
    granted = submit_grant(scene, ID, ANN);
    read = submit_get(scene, ID);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, granted, STATUS_OK);
    CHECK_STATUS(scene, read, STATUS_OK);
    rig_played(rig);
}

static void a_script_that_stays_missing_is_a_refusal(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, NOSCRIPT);
    fake_expect(fake, "EVAL ");
    fake_send_text(fake, NOSCRIPT);
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, asked, STATUS_UNAVAILABLE);
    rig_played(rig);
}

static void a_whole_script_whose_reply_is_lost_is_unknown(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, NOSCRIPT);
    fake_expect(fake, "EVAL ");
    fake_close(fake);
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    lose_and_end(rig);
    CHECK_STATUS(scene, asked, STATUS_UNKNOWN);
    close_ended(rig);
    rig_played(rig);
}

/* Nobody waits for it any more; what comes next does not get into its way. */
static bool late_noscript_attempt(struct rig *rig)
{
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *late, *next;
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_pause(fake);
    fake_send_text(fake, NOSCRIPT);
    fake_expect(fake, "PING");
    fake_send_text(fake, "+PONG\r\n");
    scene = rig_play_ready(rig, deadline(SHORT_MS));
    late = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    CHECK_STATUS(scene, late, STATUS_UNKNOWN);
    fake_redis_resume(fake);
    turn_until_ready(&scene->turn, SHORT_MS);
    next = submit_ping(scene);
    assert_true(scene_settle(scene));
    return in_time(rig, next);
}

static void a_script_found_missing_after_the_deadline_is_not_sent_again(void **state)
{
    bool is_done = false;

    for (int i = 0; i < ATTEMPTS && !is_done; i++) {
        is_done = late_noscript_attempt(*state);
    }
    assert_true(is_done);
}

/* ---- Garbage ---- */

/* What one operation becomes when its reply is this; the connection goes on or not. */
static enum status told(struct rig *rig, enum store_verb verb, const char *reply)
{
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;
    enum status status;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, verb == STORE_PING ? "PING" : "EVALSHA ");
    fake_send_text(fake, reply);
    scene = rig_play_ready(rig, rig_patient());
    asked = rig_submit(rig, verb, ID, ANN);
    assert_true(scene_settle(scene));
    status = asked->op.status;
    rig_played(rig);
    rig_close(rig);
    return status;
}

static void check_corrupt(struct rig *rig, enum store_verb verb, const char *const *wrong)
{
    for (; *wrong != NULL; wrong++) {
        enum status status = told(rig, verb, *wrong);

        if (status != STATUS_CORRUPT) {
            fail_msg("%s became %s", *wrong, status_name(status));
        }
    }
}

static void a_grant_reply_of_a_wrong_form_is_corrupt(void **state)
{
    static const char *const wrong[] = {
        "+OK\r\n",
        ":1\r\n",
        "$2\r\nno\r\n",
        "*0\r\n",
        "*1\r\n*0\r\n",
        "*5\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n",
        OUTCOME(0, ""),
        OUTCOME(1, "h"),
        OUTCOME(2, "hx"),
        OUTCOME(2, "x1"),
        OUTCOME(2, "g1"),
        OUTCOME(1, "G"),
        "$-1\r\n",
        "*4\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n",
        "*5\r\n$1\r\nx\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n$1\r\ng\r\n",
        "*5\r\n$16\r\n" FIRST "\r\n$-1\r\n$-1\r\n:0\r\n$1\r\ng\r\n",
        "*5\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$1\r\nx\r\n:0\r\n$1\r\ng\r\n",
        "*5\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$-1\r\n$1\r\n0\r\n$1\r\ng\r\n",
        "*5\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n*1\r\n$1\r\ng\r\n",
        NULL,
    };

    check_corrupt(*state, STORE_GRANT, wrong);
}

static void a_create_reply_of_a_wrong_form_is_corrupt(void **state)
{
    static const char *const wrong[] = {
        "+OK\r\n",
        "$-1\r\n",
        "*0\r\n",
        "*1\r\n$7\r\ncreated\r\n",
        "*3\r\n$7\r\ncreated\r\n$2\r\nid\r\n$-1\r\n",
        "*3\r\n$7\r\ncreated\r\n$2\r\nid\r\n$1\r\nx\r\n",
        "*3\r\n$8\r\nreplayed\r\n$-1\r\n$1\r\n1\r\n",
        "*3\r\n$7\r\nunknown\r\n$2\r\nid\r\n$1\r\n1\r\n",
        NULL,
    };

    check_corrupt(*state, STORE_CREATE, wrong);
}

static void a_read_reply_of_a_wrong_form_is_corrupt(void **state)
{
    static const char *const wrong_rows[] = {
        "+OK\r\n",
        "*0\r\n",
        "*6\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\n7\r\n$1\r\n1\r\n$-1\r\n$-1\r\n",
        "*7\r\n$-1\r\n$1\r\nc\r\n$1\r\n7\r\n$1\r\n1\r\n$-1\r\n$-1\r\n:0\r\n",
        "*7\r\n$1\r\nb\r\n$1\r\nc\r\n$2\r\n-7\r\n$1\r\n1\r\n$-1\r\n$-1\r\n:0\r\n",
        "*7\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\n7\r\n$-1\r\n$-1\r\n$-1\r\n:0\r\n",
        "*7\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\n7\r\n$1\r\n1\r\n$1\r\nx\r\n$-1\r\n:0\r\n",
        "*7\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\n7\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$1\r\n0\r\n",
        "*7\r\n$1\r\nb\r\n$1\r\nc\r\n$19\r\n1000000000000000000\r\n$1\r\n1\r\n$-1\r\n$-1\r\n:0\r\n",
        NULL,
    };
    static const char *const wrong_grants[] = {"+OK\r\n", "*1\r\n$1\r\nc\r\n",
                                               "*2\r\n$-1\r\n$1\r\n1\r\n",
                                               "*2\r\n$1\r\nc\r\n:1\r\n", NULL};

    check_corrupt(*state, STORE_GET, wrong_rows);
    check_corrupt(*state, STORE_GRANT_GET, wrong_grants);
}

static void a_list_of_a_wrong_form_is_corrupt(void **state)
{
    static const char *const wrong[] = {
        "+OK\r\n", "$-1\r\n", "*1\r\n$-1\r\n", "*1\r\n" ROW, "*2\r\n*0\r\n*0\r\n", NULL};

    check_corrupt(*state, STORE_LIST, wrong);
}

static void nil_says_that_there_is_no_such_discount(void **state)
{
    assert_int_equal(told(*state, STORE_GET, "$-1\r\n"), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(told(*state, STORE_GRANT, NO_DISCOUNT), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(told(*state, STORE_GRANT_GET, "$-1\r\n"), STATUS_DISCOUNT_NOT_FOUND);
}

static void bytes_that_are_no_replies_end_the_connection(void **state)
{
    static const char *const garbage[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n\r\n", "*4\r\n$6\r\nA CODE\r\nx",
        "*99999999999999999999\r\n",        "$-2\r\n",
    };

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct rig *rig = *state;
        struct fake_redis *fake = rig_fake(rig);
        struct scene *scene;
        struct attempt *asked;

        fake_greeting(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, garbage[i]);
        fake_wait_for_client_close(fake);
        fake_greeting(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, HELD);
        scene = rig_play_ready(rig, rig_patient());
        asked = rig_submit(rig, STORE_GRANT, ID, ANN);
        assert_true(scene_settle(scene));
        CHECK_STATUS(scene, asked, STATUS_OK);
        rig_played(rig);
        rig_close(rig);
    }
}

/* hiredis 0.14 reads no deeper than nine, which ends the connection, and the grant is sent again,
 * to nobody here; later ones read it. */
static void a_reply_of_ten_levels_grants_nothing(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;
    struct attempt *asked;

    fake_greeting(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
    scene = rig_play_ready(rig, deadline(SHORT_MS));
    asked = rig_submit(rig, STORE_GRANT, ID, ANN);
    assert_true(scene_settle(scene));
    assert_true(asked->op.status == STATUS_UNKNOWN || asked->op.status == STATUS_CORRUPT);
}

static void an_error_that_nobody_asked_for_ends_the_connection(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_send_text(fake, "-ERR max number of clients reached\r\n");
    fake_wait_for_client_close(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play_ready(rig, rig_patient());
    fake_redis_resume(fake);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

/* ---- Greetings ---- */

static void check_greeting(struct rig *rig, const char *login_of_url, const char *login,
                           const char *db)
{
    struct fake_redis *fake = rig_fake(rig);
    char url[128];

    fake_greeting(fake, login, db);
    fake_redis_start(fake);
    snprintf(url, sizeof(url), "redis://%s127.0.0.1:%d/%s", login_of_url, fake_redis_port(fake),
             db);
    rig_open(rig, url, rig_patient());
    assert_true(turn_until_ready(&rig->scene.turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

static void a_password_is_sent_first(void **state)
{
    check_greeting(*state, ":s3cret@", "s3cret", "0");
}

static void a_user_is_sent_with_the_password(void **state)
{
    check_greeting(*state, "app:s3cret@", "app s3cret", "0");
}

static void the_database_is_selected(void **state)
{
    check_greeting(*state, "", NULL, "15");
}

static void a_refused_greeting_is_tried_again(void **state)
{
    static const char *const refusals[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-ERR max number of clients reached\r\n",
        "-DENIED Redis is running in protected mode\r\n",
    };
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        fake_accept(fake);
        fake_expect(fake, "SELECT");
        fake_send_text(fake, refusals[i]);
        fake_wait_for_client_close(fake);
    }
    fake_greeting(fake, NULL, "0");
    scene = rig_play(rig, rig_patient());
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

static void a_refused_script_is_tried_again(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_accept(fake);
    fake_expect(fake, "SELECT");
    fake_send_text(fake, "+OK\r\n");
    fake_expect(fake, "SCRIPT LOAD");
    fake_send_text(fake, "-NOPERM this user has no permissions to run the 'script' command\r\n");
    fake_wait_for_client_close(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play(rig, rig_patient());
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

static void a_connection_that_ends_while_greeting_is_made_again(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_accept(fake);
    fake_close(fake);
    fake_accept(fake);
    fake_reset(fake);
    fake_accept(fake);
    fake_expect(fake, "SELECT");
    fake_send_text(fake, "+OK\r\n$40\r\n0123456789");
    fake_close(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play(rig, rig_patient());
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

static void an_idle_connection_that_ends_is_made_again(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_pause(fake);
    fake_close(fake);
    fake_greeting(fake, NULL, "0");
    scene = rig_play_ready(rig, rig_patient());
    fake_redis_resume(fake);
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_played(rig);
}

/* ---- The end, in each state of the connection ---- */

static void find_poll(uv_handle_t *handle, void *found)
{
    if (handle->type == UV_POLL && !uv_is_closing(handle)) {
        *(bool *)found = true;
    }
}

/* Whether there is a socket, as far as the loop shows it. */
static bool has_socket(void *argument)
{
    struct scene *scene = argument;
    bool found = false;

    uv_walk(&scene->turn.loop, find_poll, &found);
    return found;
}

static bool has_no_socket(void *argument)
{
    return !has_socket(argument);
}

/* A listener that takes no more connections: the next one is neither accepted nor refused. */
struct full_listener {
    int listener, port, first;
};

static struct full_listener full_listener(void)
{
    struct full_listener full;

    full.listener = loopback_listen(&full.port);
    assert_true(full.listener >= 0);
    assert_int_equal(listen(full.listener, 0), 0);
    full.first = loopback_connect(full.port);
    assert_true(full.first >= 0);
    return full;
}

static void full_listener_close(struct full_listener *full)
{
    close(full->first);
    close(full->listener);
}

static struct scene *open_on_port(struct rig *rig, int port, struct store_limits limits)
{
    char url[64];

    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", port);
    return rig_open(rig, url, limits);
}

static void a_store_that_resolves_can_be_closed(void **state)
{
    struct rig *rig = *state;
    struct attempt *asked;

    rig_open(rig, "redis://localhost:1", rig_patient());
    asked = submit_ping(&rig->scene);
    scene_end(&rig->scene);
    CHECK_STATUS(&rig->scene, asked, STATUS_UNAVAILABLE);
    assert_null(scene_free(&rig->scene));
    store_engine_close(rig->engine);
    rig->engine = NULL;
}

static void a_store_that_connects_can_be_closed(void **state)
{
    struct rig *rig = *state;
    struct full_listener full = full_listener();
    struct scene *scene = open_on_port(rig, full.port, rig_patient());

    assert_true(turn_until(&scene->turn, has_socket, scene, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(scene->turn.store));
    rig_close(rig);
    full_listener_close(&full);
}

static void a_store_that_greets_can_be_closed(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_accept(fake);
    fake_expect(fake, "SELECT");
    fake_send_text(fake, "+OK\r\n");
    fake_wait_for_client_close(fake);
    scene = rig_play(rig, rig_patient());
    assert_false(turn_until_ready(&scene->turn, 50));
    rig_close(rig);
    rig_played(rig);
}

static void a_store_that_is_ready_can_be_closed(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);

    fake_greeting(fake, NULL, "0");
    fake_wait_for_client_close(fake);
    rig_play_ready(rig, rig_patient());
    rig_close(rig);
    rig_played(rig);
}

static void a_store_that_waits_for_replies_can_be_closed(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct attempt *asked[STORE_VERB_COUNT];
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_wait_for_client_close(fake);
    scene = rig_play_ready(rig, rig_patient());
    rig_submit_each(rig, ID, ANN, asked);
    store_flush(scene->turn.store);
    scene_end(scene);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(scene, asked[verb], rig_lost((enum store_verb)verb));
    }
    assert_null(scene_free(scene));
    store_engine_close(rig->engine);
    rig->engine = NULL;
    rig_played(rig);
}

static void a_store_that_rests_can_be_closed(void **state)
{
    struct rig *rig = *state;
    struct fake_redis *fake = rig_fake(rig);
    struct scene *scene;

    fake_greeting(fake, NULL, "0");
    fake_close(fake);
    scene = rig_play_ready(rig, rig_patient());
    assert_true(turn_until_not_ready(&scene->turn, CLOCK_PATIENCE_MS));
    rig_close(rig);
    rig_played(rig);
}

/* Long before any deadline: the next one may come about. */
static void a_connection_that_does_not_come_about_is_given_up(void **state)
{
    struct rig *rig = *state;
    struct full_listener full = full_listener();
    struct scene *scene = open_on_port(rig, full.port, rig_patient());

    assert_true(turn_until(&scene->turn, has_socket, scene, CLOCK_PATIENCE_MS));
    assert_true(turn_until(&scene->turn, has_no_socket, scene, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(scene->turn.store));
    rig_close(rig);
    full_listener_close(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(whole_replies_are_understood),
        RIG(replies_in_pieces_are_understood),
        RIG(what_a_turn_submits_goes_out_in_one_write),
        RIG(a_reply_cut_at_any_byte_says_what_is_known),
        RIG(a_reply_reset_at_any_byte_says_what_is_known),
        RIG(replies_before_a_reset_are_all_told),
        RIG(every_grant_of_a_call_whose_reply_is_cut_is_unknown),
        RIG(what_was_answered_before_the_cut_stays_answered),
        RIG(what_was_never_written_is_surely_not_applied),
        RIG(what_a_lost_connection_did_not_take_is_surely_not_applied),
        RIG(what_did_not_fit_into_the_socket_is_surely_not_applied),
        RIG(what_did_not_fit_into_the_socket_is_written_when_there_is_room),
        RIG(what_was_never_written_is_sent_over_the_next_connection),
        RIG(what_is_in_doubt_is_sent_again),
        RIG(it_is_sent_again_as_often_as_it_is_lost),
        RIG(what_comes_while_there_is_no_connection_waits_for_it),
        RIG(a_refusal_does_not_settle_what_is_in_doubt),
        RIG(what_is_final_settles_what_is_in_doubt),
        RIG(what_is_never_sent_is_unavailable_at_its_deadline),
        RIG(what_stays_in_doubt_is_unknown_at_its_deadline),
        RIG(a_long_outage_is_told_at_once),
        RIG(those_who_wait_are_bounded),
        RIG(a_late_reply_is_not_taken_for_the_next_one),
        RIG(a_late_reply_is_not_given_to_an_operation_that_waits),
        RIG(a_silent_connection_takes_no_more),
        RIG(a_silent_connection_is_given_up_after_two_deadlines),
        RIG(a_silent_greeting_is_given_up_and_tried_again),
        RIG(an_idle_connection_is_kept),
        RIG(refusals_are_surely_not_applied),
        RIG(a_refusal_as_a_read_only_replica_leads_to_a_new_connection),
        RIG(an_unknown_error_is_corrupt),
        RIG(a_missing_script_is_sent_whole),
        RIG(a_script_that_stays_missing_is_a_refusal),
        RIG(a_whole_script_whose_reply_is_lost_is_unknown),
        RIG(a_script_found_missing_after_the_deadline_is_not_sent_again),
        RIG(a_grant_reply_of_a_wrong_form_is_corrupt),
        RIG(a_create_reply_of_a_wrong_form_is_corrupt),
        RIG(a_read_reply_of_a_wrong_form_is_corrupt),
        RIG(a_list_of_a_wrong_form_is_corrupt),
        RIG(nil_says_that_there_is_no_such_discount),
        RIG(bytes_that_are_no_replies_end_the_connection),
        RIG(a_reply_of_ten_levels_grants_nothing),
        RIG(an_error_that_nobody_asked_for_ends_the_connection),
        RIG(a_password_is_sent_first),
        RIG(a_user_is_sent_with_the_password),
        RIG(the_database_is_selected),
        RIG(a_refused_greeting_is_tried_again),
        RIG(a_refused_script_is_tried_again),
        RIG(a_connection_that_ends_while_greeting_is_made_again),
        RIG(an_idle_connection_that_ends_is_made_again),
        RIG(a_store_that_resolves_can_be_closed),
        RIG(a_store_that_connects_can_be_closed),
        RIG(a_store_that_greets_can_be_closed),
        RIG(a_store_that_is_ready_can_be_closed),
        RIG(a_store_that_waits_for_replies_can_be_closed),
        RIG(a_store_that_rests_can_be_closed),
        RIG(a_connection_that_does_not_come_about_is_given_up),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis wire", tests, NULL, NULL);
}
