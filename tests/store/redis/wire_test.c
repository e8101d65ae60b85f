/* SPDX-License-Identifier: MIT */
/* How the Redis backend reads bytes: replies that are cut off, late, refused or garbage, and
 * connections that end in every state. A fake Redis plays the scripts. */
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

/* How often a test with a short deadline may be tried: a busy machine may be too slow once. */
#define ATTEMPTS 5
#define SHORT_MS 300

#define ID STR("dsc-AAAAAAAAAAAAAAAAAAAAAA")
#define ANN STR("ann")

#define FIRST "1700000000000001"
#define LATER "1700000000000002"
/* The replies in the scripts. */
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

/* ---- Complete replies ---- */

static void whole_replies_are_understood(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        fake_expect(fake, verb == STORE_PING ? "PING" : "EVALSHA ");
        fake_send_text(fake, replies[verb]);
    }
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    assert_true(store_fixture_settle(fixture));
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], STATUS_OK);
    }
    redis_fixture_played(redis);
}

/* Sends each byte by itself, so that no reply arrives in one piece. */
static void replies_in_pieces_are_understood(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    for (const char *at = GRANTED; *at != '\0'; at++) {
        fake_send(fake, at, 1);
    }
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked, STATUS_OK);
    CHECK_INT(fixture, asked->op.grant.grant.granted_at_us, 1700000000000001);
    redis_fixture_played(redis);
}

static void what_a_turn_submits_goes_out_in_one_write(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect_together(fake, STORE_VERB_COUNT);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        fake_send_text(fake, replies[verb]);
    }
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    assert_true(store_fixture_settle(fixture));
    redis_fixture_played(redis);
}

/* ---- Replies that are cut off ---- */

/* Runs the loop until the connection is lost, and closes the store. Operations that wait for
 * another connection get the status that is known by then. */
static void lose_and_end(struct redis_fixture *redis)
{
    assert_true(turn_until_not_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    store_fixture_end(&redis->fixture);
}

static void close_ended(struct redis_fixture *redis)
{
    assert_null(store_fixture_free(&redis->fixture));
    store_engine_close(redis->engine);
    redis->engine = NULL;
}

/* Cuts the reply to one operation after `n` bytes, by a close or a reset. The store sees the bytes
 * and the end together. */
static void check_cut(struct redis_fixture *redis, enum store_verb verb, size_t n, bool by_reset)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, verb == STORE_PING ? "PING" : "EVALSHA ");
    fake_send(fake, replies[verb], n);
    if (by_reset) {
        fake_reset(fake);
    } else {
        fake_close(fake);
    }
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, verb, ID, ANN);
    store_flush(fixture->turn.store);
    redis_fixture_played(redis);
    lose_and_end(redis);
    CHECK_STATUS(fixture, asked, redis_fixture_lost(verb));
    close_ended(redis);
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

static void every_grant_of_a_batch_whose_reply_is_cut_is_unknown(void **state)
{
    static const char reply[] = "*5\r\n$16\r\n" FIRST "\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n$2\r\ng";
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *one, *other;
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, reply);
    fake_close(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    one = submit_grant(fixture, ID, STR("ann"));
    other = submit_grant(fixture, ID, STR("bob"));
    lose_and_end(redis);
    CHECK_STATUS(fixture, one, STATUS_UNKNOWN);
    CHECK_STATUS(fixture, other, STATUS_UNKNOWN);
    close_ended(redis);
    redis_fixture_played(redis);
}

static void what_was_answered_before_the_cut_stays_answered(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *read, *granted, *lost;
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect_together(fake, 3);
    fake_send_text(fake, ROW);
    fake_send_text(fake, GRANTED);
    fake_send_text(fake, "*3\r\n$7\r\ncrea");
    fake_close(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    read = submit_get(fixture, ID);
    granted = submit_grant(fixture, ID, ANN);
    lost = redis_fixture_submit(redis, STORE_CREATE, ID, ANN);
    lose_and_end(redis);
    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_STATUS(fixture, granted, STATUS_OK);
    CHECK_STATUS(fixture, lost, STATUS_UNKNOWN);
    close_ended(redis);
    redis_fixture_played(redis);
}

/* ---- What was never written ---- */

/* Loses the connection while operations wait for the flush, which is then tried or not. */
static void check_not_written(struct redis_fixture *redis, bool flush_is_tried)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_reset(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    fake_redis_resume(fake);
    redis_fixture_played(redis);
    if (flush_is_tried) {
        store_flush(fixture->turn.store);
    }
    lose_and_end(redis);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], STATUS_UNAVAILABLE);
    }
    close_ended(redis);
}

static void what_was_never_written_is_surely_not_applied(void **state)
{
    check_not_written(*state, false);
}

static void what_a_lost_connection_did_not_take_is_surely_not_applied(void **state)
{
    check_not_written(*state, true);
}

/* More operations than the sockets can hold. */
#define FLOOD 6500

static void submit_flood(struct store_fixture *fixture, struct attempt *ret_asked[FLOOD])
{
    static char code[LIMIT_DISCOUNT_CODE], brand[LIMIT_BRAND_ID];
    const struct discount large = {.brand_id = {brand, sizeof(brand)},
                                   .discount_code = {code, sizeof(code)},
                                   .total_count = 1};

    memset(code, 'c', sizeof(code));
    memset(brand, 'b', sizeof(brand));
    for (size_t i = 0; i < FLOOD; i++) {
        ret_asked[i] = submit_create(fixture, &large, (struct str){0});
    }
}

/* When the connection ends, the rest is still in the store. */
static void what_did_not_fit_into_the_socket_is_surely_not_applied(void **state)
{
    static struct attempt *asked[FLOOD];
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    size_t unknown = 0;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_reset(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    submit_flood(fixture, asked);
    store_flush(fixture->turn.store);
    fake_redis_resume(fake);
    redis_fixture_played(redis);
    lose_and_end(redis);
    while (unknown < FLOOD && asked[unknown]->op.status == STATUS_UNKNOWN) {
        unknown++;
    }
    CHECK(fixture, unknown > 0 && unknown < FLOOD);
    for (size_t i = unknown; i < FLOOD; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_UNAVAILABLE);
    }
    close_ended(redis);
}

/* Turns the loop without another flush. Returns whether the fake has received everything. */
static bool has_had_everything(void *argument)
{
    struct redis_fixture *redis = argument;

    uv_run(&redis->fixture.turn.loop, UV_RUN_NOWAIT);
    return fake_redis_played(redis->fake) == fake_redis_steps(redis->fake);
}

static void what_did_not_fit_into_the_socket_is_written_when_there_is_room(void **state)
{
    static struct attempt *asked[FLOOD];
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_expect_any(fake, FLOOD);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    submit_flood(fixture, asked);
    store_flush(fixture->turn.store);
    fake_redis_resume(fake);
    assert_true(clock_wait(has_had_everything, redis, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

/* More than one read takes. Every reply that came before the reset must be reported. */
static void replies_before_a_reset_are_all_told(void **state)
{
    enum { COUNT = 400 };
    static const char row[] = "*7\r\n$5\r\nbrand\r\n$6\r\nA CODE\r\n$1\r\n7\r\n"
                              "$16\r\n1700000000000001\r\n$-1\r\n$-1\r\n:0\r\n";
    static char all[COUNT * sizeof(row)];
    struct attempt *asked[COUNT];
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    for (size_t i = 0; i < COUNT; i++) {
        memcpy(all + i * (sizeof(row) - 1), row, sizeof(row) - 1);
    }
    fake_handshake(fake, NULL, "0");
    fake_expect_any(fake, COUNT);
    fake_send(fake, all, COUNT * (sizeof(row) - 1));
    fake_reset(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = submit_get(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"));
    }
    store_flush(fixture->turn.store);
    redis_fixture_played(redis);
    assert_true(store_fixture_settle(fixture));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
    }
}

/* ---- What is sent again ---- */

/* Plays the next connection, on which the lost operations are sent again, one of each verb. A ping
 * asks about the connection itself, so it is not sent again. */
static void play_again(struct fake_redis *fake)
{
    fake_handshake(fake, NULL, "0");
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        if (verb != STORE_PING) {
            fake_expect(fake, "EVALSHA ");
            fake_send_text(fake, replies[verb]);
        }
    }
}

static void check_asked_again(struct store_fixture *fixture, struct attempt *const *asked)
{
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], verb == STORE_PING ? STATUS_UNAVAILABLE : STATUS_OK);
    }
}

static void what_was_never_written_is_sent_over_the_next_connection(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_reset(fake);
    play_again(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    fake_redis_resume(fake);
    assert_true(store_fixture_settle(fixture));
    check_asked_again(fixture, asked);
    redis_fixture_played(redis);
}

static void what_is_in_doubt_is_sent_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect_any(fake, STORE_VERB_COUNT);
    fake_close(fake);
    play_again(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    assert_true(store_fixture_settle(fixture));
    check_asked_again(fixture, asked);
    redis_fixture_played(redis);
}

static void it_is_sent_again_as_often_as_it_is_lost(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    for (int i = 0; i < 4; i++) {
        fake_handshake(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_close(fake);
    }
    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, HELD);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked, STATUS_OK);
    CHECK(fixture, asked->op.grant.replayed);
    redis_fixture_played(redis);
}

static void what_comes_while_there_is_no_connection_waits_for_it(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    play_again(fake);
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    assert_true(store_fixture_settle(fixture));
    check_asked_again(fixture, asked);
    redis_fixture_played(redis);
}

/* Returns the status of an operation whose first reply is lost and whose second reply is this. */
static enum status reported_again(struct redis_fixture *redis, enum store_verb verb,
                                  const char *reply)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;
    enum status status;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_close(fake);
    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, reply);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, verb, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    status = asked->op.status;
    redis_fixture_played(redis);
    redis_fixture_close(redis);
    return status;
}

/* The first attempt may have been applied before the second was refused, or may still be. */
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
        assert_int_equal(reported_again(*state, STORE_GRANT, refusals[i]), STATUS_UNKNOWN);
    }
    assert_int_equal(reported_again(*state, STORE_CREATE, refusals[0]), STATUS_UNKNOWN);
    assert_int_equal(reported_again(*state, STORE_GET, refusals[0]), STATUS_UNAVAILABLE);
    assert_int_equal(reported_again(*state, STORE_GET, refusals[2]), STATUS_CORRUPT);
}

/* These outcomes are final, whichever attempt was executed first. */
static void what_is_final_settles_what_is_in_doubt(void **state)
{
    assert_int_equal(reported_again(*state, STORE_GRANT, GRANTED), STATUS_OK);
    assert_int_equal(reported_again(*state, STORE_GRANT, OUTCOME(1, "x")),
                     STATUS_DISCOUNT_EXHAUSTED);
    assert_int_equal(reported_again(*state, STORE_GRANT, OUTCOME(1, "e")), STATUS_DISCOUNT_EXPIRED);
    assert_int_equal(reported_again(*state, STORE_GRANT, NO_DISCOUNT), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(reported_again(*state, STORE_CREATE, "*1\r\n$6\r\nreused\r\n"),
                     STATUS_IDEMPOTENCY_KEY_REUSED);
}

/* ---- Waiting, and its end ---- */

/* Loses the connection, with or without having read a grant, and lets no other one succeed. */
static void check_waits_for_its_deadline(struct redis_fixture *redis, bool is_sent)
{
    enum { DEADLINE_MS = 200 };
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;
    int64_t start_ms;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    if (is_sent) {
        fake_expect(fake, "EVALSHA ");
    }
    fake_close(fake);
    fixture = redis_fixture_play_ready(redis, deadline(DEADLINE_MS));
    fake_redis_resume(fake);
    if (!is_sent) {
        redis_fixture_played(redis);
        assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    }
    uv_update_time(&fixture->turn.loop);
    start_ms = clock_ms();
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK(fixture, clock_ms() - start_ms >= DEADLINE_MS - 1);
    CHECK_STATUS(fixture, asked, is_sent ? STATUS_UNKNOWN : STATUS_UNAVAILABLE);
    if (is_sent) {
        redis_fixture_played(redis);
    }
    redis_fixture_close(redis);
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
    struct store_fixture *fixture = argument;
    struct attempt *asked = submit_get(fixture, ID);

    store_deliver(fixture->turn.store);
    return asked->done == 1;
}

/* Operations do not wait for an outage that has outlasted a deadline. No ping is sent without a
 * connection. */
static void a_long_outage_is_told_at_once(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *ping;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_close(fake);
    fixture = redis_fixture_play_ready(redis, deadline(SHORT_MS));
    fake_redis_resume(fake);
    redis_fixture_played(redis);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    ping = submit_ping(fixture);
    store_deliver(fixture->turn.store);
    CHECK_STATUS(fixture, ping, STATUS_UNAVAILABLE);
    assert_true(turn_until(&fixture->turn, has_been_away, fixture, CLOCK_PATIENCE_MS));
    assert_true(store_fixture_settle(fixture));
}

static void those_who_wait_are_bounded(void **state)
{
    enum { BOUND = 10, COUNT = 25 };
    struct redis_fixture *redis = *state;
    struct attempt *asked[COUNT];
    struct store_fixture *fixture =
        redis_fixture_open(redis, "redis://127.0.0.1:1",
                           (struct store_limits){.deadline_ms = redis_fixture_patient().deadline_ms,
                                                 .in_flight = BOUND});

    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = submit_grant(fixture, ID, ANN);
    }
    store_flush(fixture->turn.store);
    store_deliver(fixture->turn.store);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_INT(fixture, asked[i]->done, i < BOUND ? 0 : 1);
    }
    CHECK_STATUS(fixture, asked[BOUND], STATUS_OVERLOADED);
    store_fixture_end(fixture);
    CHECK_STATUS(fixture, asked[0], STATUS_UNAVAILABLE);
    close_ended(redis);
}

/* ---- Replies that are late ---- */

/* Ends an attempt. Returns whether the operation was answered in time. */
static bool in_time(struct redis_fixture *redis, const struct attempt *asked)
{
    bool is_answered = asked->op.status == STATUS_OK;

    if (is_answered) {
        redis_fixture_played(redis);
    } else {
        fake_redis_abandon(redis->fake);
        redis->fake = NULL;
    }
    redis_fixture_close(redis);
    return is_answered;
}

/* The reply to the first grant comes after its deadline. The second grant is submitted before or
 * after that moment. Returns false if the second was not answered in time either. */
static bool late_reply_attempt(struct redis_fixture *redis, bool second_is_waiting)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *late, *next;
    struct store_fixture *fixture;
    size_t sent;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_pause(fake);
    fake_send_text(fake, GRANTED);
    sent = fake_redis_steps(fake);
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, OUTCOME(17, "h" LATER));
    fixture = redis_fixture_play_ready(redis, deadline(SHORT_MS));
    late = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, late, STATUS_UNKNOWN);
    if (second_is_waiting) {
        next = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
        store_flush(fixture->turn.store);
        fake_redis_resume(fake);
    } else {
        fake_redis_resume(fake);
        fake_redis_wait_played(fake, sent, SHORT_MS);
        next = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    }
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, late, STATUS_UNKNOWN);
    if (next->op.status == STATUS_OK) {
        CHECK_INT(fixture, next->op.grant.grant.granted_at_us, 1700000000000002);
    }
    return in_time(redis, next);
}

static void check_late(struct redis_fixture *redis, bool second_is_waiting)
{
    bool is_done = false;

    for (int i = 0; i < ATTEMPTS && !is_done; i++) {
        is_done = late_reply_attempt(redis, second_is_waiting);
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

/* An operation submitted to a Redis that hangs is not left with it, so it is not in doubt. A ping
 * is answered at once. Returns false if the machine was too slow to tell the deadlines apart. */
static bool silent_attempt(struct redis_fixture *redis)
{
    /* Twice this is not near a check of the connection, which comes every 500 ms. */
    enum { DEADLINE_MS = 870 };
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *sent, *kept, *ping, *last;
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_pause(fake);
    fake_send_text(fake, GRANTED);
    fake_expect(fake, "PING");
    fake_send_text(fake, "+PONG\r\n");
    fixture = redis_fixture_play_ready(redis, deadline(DEADLINE_MS));
    sent = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, sent, STATUS_UNKNOWN);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    ping = submit_ping(fixture);
    store_deliver(fixture->turn.store);
    CHECK_STATUS(fixture, ping, STATUS_UNAVAILABLE);
    kept = redis_fixture_submit(redis, STORE_GRANT, STR("dsc-BBBBBBBBBBBBBBBBBBBBBB"), ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, kept, STATUS_UNAVAILABLE);
    fake_redis_resume(fake);
    if (!turn_until_ready(&fixture->turn, DEADLINE_MS)) {
        return in_time(redis, ping);
    }
    last = submit_ping(fixture);
    assert_true(store_fixture_settle(fixture));
    return in_time(redis, last);
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
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct played given_up = {.fake = fake};
    struct store_fixture *fixture;
    int64_t start_ms;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_wait_for_client_close(fake);
    given_up.steps = fake_redis_steps(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play_ready(redis, deadline(DEADLINE_MS));
    uv_update_time(&fixture->turn.loop);
    start_ms = clock_ms();
    redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    CHECK(fixture, clock_ms() - start_ms >= DEADLINE_MS - 1);
    assert_true(turn_until(&fixture->turn, has_played, &given_up, CLOCK_PATIENCE_MS));
    CHECK(fixture, clock_ms() - start_ms >= 2 * DEADLINE_MS - 1);
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void a_silent_handshake_is_given_up_and_tried_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_accept(fake);
    fake_wait_for_client_close(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play(redis, deadline(400));
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

/* Nothing waits for a reply on an idle connection, however long it is silent. */
static void an_idle_connection_is_kept(void **state)
{
    enum { DEADLINE_MS = 200, LONG_MS = 1600 };
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "PING");
    fixture = redis_fixture_play_ready(redis, deadline(DEADLINE_MS));
    assert_false(turn_until_not_ready(&fixture->turn, LONG_MS));
    submit_ping(fixture);
    assert_true(store_fixture_settle(fixture));
    redis_fixture_played(redis); /* it used the same connection */
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
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    for (size_t i = 0; i < COUNT; i++) {
        fake_expect_together(fake, STORE_VERB_COUNT);
        for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
            fake_send_text(fake, refusals[i]);
        }
    }
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    for (size_t i = 0; i < COUNT; i++) {
        struct attempt *asked[STORE_VERB_COUNT];

        redis_fixture_submit_each(redis, ID, ANN, asked);
        assert_true(store_fixture_settle(fixture));
        for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
            CHECK_STATUS(fixture, asked[verb], STATUS_UNAVAILABLE);
        }
    }
    redis_fixture_played(redis);
}

static void a_refusal_as_a_read_only_replica_leads_to_a_new_connection(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, "-READONLY You can't write against a read only replica.\r\n");
    fake_wait_for_client_close(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked, STATUS_UNAVAILABLE);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void an_unknown_error_to_a_write_leaves_it_in_doubt(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, "-ERR what nobody has foreseen\r\n");
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked, STATUS_UNKNOWN);
    redis_fixture_played(redis);
}

/* ---- Scripts that are not loaded ---- */

static void a_missing_script_is_sent_whole(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *granted, *read;
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect_together(fake, 2);
    fake_send_text(fake, NOSCRIPT);
    fake_send_text(fake, ROW);
    fake_expect(fake, "EVAL -- Grants discounts");
    fake_send_text(fake, GRANTED);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    granted = submit_grant(fixture, ID, ANN);
    read = submit_get(fixture, ID);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, granted, STATUS_OK);
    CHECK_STATUS(fixture, read, STATUS_OK);
    redis_fixture_played(redis);
}

static void a_script_that_stays_missing_is_a_refusal(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, NOSCRIPT);
    fake_expect(fake, "EVAL ");
    fake_send_text(fake, NOSCRIPT);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, asked, STATUS_UNAVAILABLE);
    redis_fixture_played(redis);
}

static void a_whole_script_whose_reply_is_lost_is_unknown(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, NOSCRIPT);
    fake_expect(fake, "EVAL ");
    fake_close(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    lose_and_end(redis);
    CHECK_STATUS(fixture, asked, STATUS_UNKNOWN);
    close_ended(redis);
    redis_fixture_played(redis);
}

/* No operation waits for that reply any more; it must not disturb the next one. */
static bool late_noscript_attempt(struct redis_fixture *redis)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *late, *next;
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_pause(fake);
    fake_send_text(fake, NOSCRIPT);
    fake_expect(fake, "PING");
    fake_send_text(fake, "+PONG\r\n");
    fixture = redis_fixture_play_ready(redis, deadline(SHORT_MS));
    late = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    CHECK_STATUS(fixture, late, STATUS_UNKNOWN);
    fake_redis_resume(fake);
    turn_until_ready(&fixture->turn, SHORT_MS);
    next = submit_ping(fixture);
    assert_true(store_fixture_settle(fixture));
    return in_time(redis, next);
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

/* Returns the status of one operation with this reply. The connection goes on or is closed. */
static enum status answered(struct redis_fixture *redis, enum store_verb verb, const char *reply)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;
    enum status status;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, verb == STORE_PING ? "PING" : "EVALSHA ");
    fake_send_text(fake, reply);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    asked = redis_fixture_submit(redis, verb, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    status = asked->op.status;
    redis_fixture_played(redis);
    redis_fixture_close(redis);
    return status;
}

static void check_corrupt(struct redis_fixture *redis, enum store_verb verb,
                          const char *const *wrong)
{
    for (; *wrong != NULL; wrong++) {
        enum status status = answered(redis, verb, *wrong);

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
    assert_int_equal(answered(*state, STORE_GET, "$-1\r\n"), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(answered(*state, STORE_GRANT, NO_DISCOUNT), STATUS_DISCOUNT_NOT_FOUND);
    assert_int_equal(answered(*state, STORE_GRANT_GET, "$-1\r\n"), STATUS_DISCOUNT_NOT_FOUND);
}

static void bytes_that_are_no_replies_end_the_connection(void **state)
{
    static const char *const garbage[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n\r\n", "*4\r\n$6\r\nA CODE\r\nx",
        "*99999999999999999999\r\n",        "$-2\r\n",
    };

    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct redis_fixture *redis = *state;
        struct fake_redis *fake = redis_fixture_fake(redis);
        struct store_fixture *fixture;
        struct attempt *asked;

        fake_handshake(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, garbage[i]);
        fake_wait_for_client_close(fake);
        fake_handshake(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, HELD);
        fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
        asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
        assert_true(store_fixture_settle(fixture));
        CHECK_STATUS(fixture, asked, STATUS_OK);
        redis_fixture_played(redis);
        redis_fixture_close(redis);
    }
}

/* hiredis may refuse such a reply. Then the connection ends, and the grant is sent again, to nobody
 * here. */
static void a_reply_of_ten_levels_grants_nothing(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;
    struct attempt *asked;

    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send_text(fake, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
    fixture = redis_fixture_play_ready(redis, deadline(SHORT_MS));
    asked = redis_fixture_submit(redis, STORE_GRANT, ID, ANN);
    assert_true(store_fixture_settle(fixture));
    assert_true(asked->op.status == STATUS_UNKNOWN || asked->op.status == STATUS_CORRUPT);
}

static void an_error_that_nobody_asked_for_ends_the_connection(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_send_text(fake, "-ERR max number of clients reached\r\n");
    fake_wait_for_client_close(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    fake_redis_resume(fake);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

/* ---- Handshakes ---- */

static void check_handshake(struct redis_fixture *redis, const char *login_of_url,
                            const char *login, const char *db)
{
    struct fake_redis *fake = redis_fixture_fake(redis);
    char url[128];

    fake_handshake(fake, login, db);
    fake_redis_start(fake);
    snprintf(url, sizeof(url), "redis://%s127.0.0.1:%d/%s", login_of_url, fake_redis_port(fake),
             db);
    redis_fixture_open(redis, url, redis_fixture_patient());
    assert_true(turn_until_ready(&redis->fixture.turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void a_password_is_sent_first(void **state)
{
    check_handshake(*state, ":s3cret@", "s3cret", "0");
}

static void a_user_is_sent_with_the_password(void **state)
{
    check_handshake(*state, "app:s3cret@", "app s3cret", "0");
}

static void the_database_is_selected(void **state)
{
    check_handshake(*state, "", NULL, "15");
}

static void a_refused_handshake_is_tried_again(void **state)
{
    static const char *const refusals[] = {
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-ERR max number of clients reached\r\n",
        "-DENIED Redis is running in protected mode\r\n",
    };
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        fake_accept(fake);
        fake_expect(fake, "SELECT");
        fake_send_text(fake, refusals[i]);
        fake_wait_for_client_close(fake);
    }
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void a_refused_script_is_tried_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_accept(fake);
    fake_expect(fake, "SELECT");
    fake_send_text(fake, "+OK\r\n");
    fake_expect(fake, "SCRIPT LOAD");
    fake_send_text(fake, "-NOPERM this user has no permissions to run the 'script' command\r\n");
    fake_wait_for_client_close(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void a_connection_that_ends_in_the_handshake_is_made_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_accept(fake);
    fake_close(fake);
    fake_accept(fake);
    fake_reset(fake);
    fake_accept(fake);
    fake_expect(fake, "SELECT");
    fake_send_text(fake, "+OK\r\n$40\r\n0123456789");
    fake_close(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

static void an_idle_connection_that_ends_is_made_again(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_pause(fake);
    fake_close(fake);
    fake_handshake(fake, NULL, "0");
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    fake_redis_resume(fake);
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    assert_true(turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_played(redis);
}

/* ---- The end, in each state of the connection ---- */

static void find_poll(uv_handle_t *handle, void *found)
{
    if (handle->type == UV_POLL && !uv_is_closing(handle)) {
        *(bool *)found = true;
    }
}

/* Returns whether there is a socket, as far as the loop shows it. */
static bool has_socket(void *argument)
{
    struct store_fixture *fixture = argument;
    bool found = false;

    uv_walk(&fixture->turn.loop, find_poll, &found);
    return found;
}

static bool has_no_socket(void *argument)
{
    return !has_socket(argument);
}

/* A listener with a full queue: the next connection is neither accepted nor refused. */
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

static struct store_fixture *open_on_port(struct redis_fixture *redis, int port,
                                          struct store_limits limits)
{
    char url[64];

    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", port);
    return redis_fixture_open(redis, url, limits);
}

static void a_store_that_resolves_can_be_closed(void **state)
{
    struct redis_fixture *redis = *state;
    struct attempt *asked;

    redis_fixture_open(redis, "redis://localhost:1", redis_fixture_patient());
    asked = submit_ping(&redis->fixture);
    store_fixture_end(&redis->fixture);
    CHECK_STATUS(&redis->fixture, asked, STATUS_UNAVAILABLE);
    assert_null(store_fixture_free(&redis->fixture));
    store_engine_close(redis->engine);
    redis->engine = NULL;
}

static void a_store_that_connects_can_be_closed(void **state)
{
    struct redis_fixture *redis = *state;
    struct full_listener full = full_listener();
    struct store_fixture *fixture = open_on_port(redis, full.port, redis_fixture_patient());

    assert_true(turn_until(&fixture->turn, has_socket, fixture, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(fixture->turn.store));
    redis_fixture_close(redis);
    full_listener_close(&full);
}

static void a_store_in_its_handshake_can_be_closed(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_accept(fake);
    fake_expect(fake, "SELECT");
    fake_send_text(fake, "+OK\r\n");
    fake_wait_for_client_close(fake);
    fixture = redis_fixture_play(redis, redis_fixture_patient());
    assert_false(turn_until_ready(&fixture->turn, 50));
    redis_fixture_close(redis);
    redis_fixture_played(redis);
}

static void a_store_that_is_ready_can_be_closed(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);

    fake_handshake(fake, NULL, "0");
    fake_wait_for_client_close(fake);
    redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_close(redis);
    redis_fixture_played(redis);
}

static void a_store_that_waits_for_replies_can_be_closed(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct attempt *asked[STORE_VERB_COUNT];
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_wait_for_client_close(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    redis_fixture_submit_each(redis, ID, ANN, asked);
    store_flush(fixture->turn.store);
    store_fixture_end(fixture);
    for (size_t verb = 0; verb < STORE_VERB_COUNT; verb++) {
        CHECK_STATUS(fixture, asked[verb], redis_fixture_lost((enum store_verb)verb));
    }
    assert_null(store_fixture_free(fixture));
    store_engine_close(redis->engine);
    redis->engine = NULL;
    redis_fixture_played(redis);
}

static void a_store_that_rests_can_be_closed(void **state)
{
    struct redis_fixture *redis = *state;
    struct fake_redis *fake = redis_fixture_fake(redis);
    struct store_fixture *fixture;

    fake_handshake(fake, NULL, "0");
    fake_close(fake);
    fixture = redis_fixture_play_ready(redis, redis_fixture_patient());
    assert_true(turn_until_not_ready(&fixture->turn, CLOCK_PATIENCE_MS));
    redis_fixture_close(redis);
    redis_fixture_played(redis);
}

/* Long before any deadline, so that the next one may succeed. */
static void a_connection_that_does_not_come_about_is_given_up(void **state)
{
    struct redis_fixture *redis = *state;
    struct full_listener full = full_listener();
    struct store_fixture *fixture = open_on_port(redis, full.port, redis_fixture_patient());

    assert_true(turn_until(&fixture->turn, has_socket, fixture, CLOCK_PATIENCE_MS));
    assert_true(turn_until(&fixture->turn, has_no_socket, fixture, CLOCK_PATIENCE_MS));
    assert_false(store_is_ready(fixture->turn.store));
    redis_fixture_close(redis);
    full_listener_close(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(whole_replies_are_understood),
        REDIS_TEST(replies_in_pieces_are_understood),
        REDIS_TEST(what_a_turn_submits_goes_out_in_one_write),
        REDIS_TEST(a_reply_cut_at_any_byte_says_what_is_known),
        REDIS_TEST(a_reply_reset_at_any_byte_says_what_is_known),
        REDIS_TEST(replies_before_a_reset_are_all_told),
        REDIS_TEST(every_grant_of_a_batch_whose_reply_is_cut_is_unknown),
        REDIS_TEST(what_was_answered_before_the_cut_stays_answered),
        REDIS_TEST(what_was_never_written_is_surely_not_applied),
        REDIS_TEST(what_a_lost_connection_did_not_take_is_surely_not_applied),
        REDIS_TEST(what_did_not_fit_into_the_socket_is_surely_not_applied),
        REDIS_TEST(what_did_not_fit_into_the_socket_is_written_when_there_is_room),
        REDIS_TEST(what_was_never_written_is_sent_over_the_next_connection),
        REDIS_TEST(what_is_in_doubt_is_sent_again),
        REDIS_TEST(it_is_sent_again_as_often_as_it_is_lost),
        REDIS_TEST(what_comes_while_there_is_no_connection_waits_for_it),
        REDIS_TEST(a_refusal_does_not_settle_what_is_in_doubt),
        REDIS_TEST(what_is_final_settles_what_is_in_doubt),
        REDIS_TEST(what_is_never_sent_is_unavailable_at_its_deadline),
        REDIS_TEST(what_stays_in_doubt_is_unknown_at_its_deadline),
        REDIS_TEST(a_long_outage_is_told_at_once),
        REDIS_TEST(those_who_wait_are_bounded),
        REDIS_TEST(a_late_reply_is_not_taken_for_the_next_one),
        REDIS_TEST(a_late_reply_is_not_given_to_an_operation_that_waits),
        REDIS_TEST(a_silent_connection_takes_no_more),
        REDIS_TEST(a_silent_connection_is_given_up_after_two_deadlines),
        REDIS_TEST(a_silent_handshake_is_given_up_and_tried_again),
        REDIS_TEST(an_idle_connection_is_kept),
        REDIS_TEST(refusals_are_surely_not_applied),
        REDIS_TEST(a_refusal_as_a_read_only_replica_leads_to_a_new_connection),
        REDIS_TEST(an_unknown_error_to_a_write_leaves_it_in_doubt),
        REDIS_TEST(a_missing_script_is_sent_whole),
        REDIS_TEST(a_script_that_stays_missing_is_a_refusal),
        REDIS_TEST(a_whole_script_whose_reply_is_lost_is_unknown),
        REDIS_TEST(a_script_found_missing_after_the_deadline_is_not_sent_again),
        REDIS_TEST(a_grant_reply_of_a_wrong_form_is_corrupt),
        REDIS_TEST(a_create_reply_of_a_wrong_form_is_corrupt),
        REDIS_TEST(a_read_reply_of_a_wrong_form_is_corrupt),
        REDIS_TEST(a_list_of_a_wrong_form_is_corrupt),
        REDIS_TEST(nil_says_that_there_is_no_such_discount),
        REDIS_TEST(bytes_that_are_no_replies_end_the_connection),
        REDIS_TEST(a_reply_of_ten_levels_grants_nothing),
        REDIS_TEST(an_error_that_nobody_asked_for_ends_the_connection),
        REDIS_TEST(a_password_is_sent_first),
        REDIS_TEST(a_user_is_sent_with_the_password),
        REDIS_TEST(the_database_is_selected),
        REDIS_TEST(a_refused_handshake_is_tried_again),
        REDIS_TEST(a_refused_script_is_tried_again),
        REDIS_TEST(a_connection_that_ends_in_the_handshake_is_made_again),
        REDIS_TEST(an_idle_connection_that_ends_is_made_again),
        REDIS_TEST(a_store_that_resolves_can_be_closed),
        REDIS_TEST(a_store_that_connects_can_be_closed),
        REDIS_TEST(a_store_in_its_handshake_can_be_closed),
        REDIS_TEST(a_store_that_is_ready_can_be_closed),
        REDIS_TEST(a_store_that_waits_for_replies_can_be_closed),
        REDIS_TEST(a_store_that_rests_can_be_closed),
        REDIS_TEST(a_connection_that_does_not_come_about_is_given_up),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("redis wire", tests, NULL, NULL);
}
