/* SPDX-License-Identifier: MIT */
/* The tests' HTTP client must notice every error in an answer. The server is a fake that sends
 * bytes. */
#include <stdlib.h>

#include "support/clock.h"
#include "support/fake_redis.h"
#include "support/loopback.h"
#include "support/raw_http.h"
#include "support/test.h"

/* A time in which every answer arrives, and the short wait of a test that expects a timeout. */
#define SOON_MS CLOCK_PATIENCE_MS
#define SHORTLY_MS 50

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

struct peer {
    struct fake_redis *fake;
    struct http_connection connection;
};

static int setup(void **state)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL) {
        return -1;
    }
    peer->connection.fd = -1;
    *state = peer;
    return 0;
}

static int teardown(void **state)
{
    struct peer *peer = *state;

    http_disconnect(&peer->connection);
    fake_redis_abandon(peer->fake);
    free(peer);
    return 0;
}

/* Connects to a server that sends these bytes at once and then does what `end` says. */
static struct http_connection *answered(void **state, const char *bytes,
                                        void (*end)(struct fake_redis *))
{
    struct peer *peer = *state;

    peer->fake = fake_redis_new();
    fake_accept(peer->fake);
    fake_send_text(peer->fake, bytes);
    if (end != NULL) {
        end(peer->fake);
    }
    fake_redis_start(peer->fake);
    assert_true(http_connect(&peer->connection, fake_redis_port(peer->fake)));
    return &peer->connection;
}

static void an_answer_with_a_length_is_taken(void **state)
{
    struct http_connection *connection = answered(
        state, OK_HEAD "Content-Length: 5\r\nX-One:  a b \t\r\nx-two: 1\r\nX-Two: 2\r\n\r\nhello",
        NULL);
    struct http_response response;

    assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_COMPLETE);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.body, "hello");
    assert_int_equal(response.body_size, 5);
    assert_string_equal(http_header(&response, "x-one"), "a b");
    assert_int_equal(http_header_count(&response, "X-Two"), 2);
    assert_null(http_header(&response, "X-T"));
    http_response_fini(&response);
}

static void an_answer_in_chunks_is_put_together(void **state)
{
    struct http_connection *connection =
        answered(state,
                 OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\nA\r\n, world!!\n\r\n0\r\n\r\n",
                 NULL);
    struct http_response response;

    assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_COMPLETE);
    assert_true(response.is_chunked);
    assert_string_equal(response.body, "hello, world!!\n");
    http_response_fini(&response);
}

static void answers_behind_one_another_are_taken_one_by_one(void **state)
{
    struct http_connection *connection =
        answered(state,
                 OK_HEAD "Content-Length: 1\r\n\r\n1" OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
                         "1\r\n2\r\n0\r\n\r\n" OK_HEAD "Content-Length: 0\r\n\r\n",
                 NULL);
    static const char *const bodies[] = {"1", "2", ""};
    struct http_response response;

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_COMPLETE);
        assert_string_equal(response.body, bodies[i]);
        http_response_fini(&response);
    }
    assert_int_equal(http_receive(connection, "GET", SHORTLY_MS, &response), HTTP_TIMEOUT);
}

static void an_interim_answer_is_counted_and_passed_over(void **state)
{
    struct http_connection *connection = answered(
        state, "HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD "Content-Length: 2\r\n\r\nok", NULL);
    struct http_response response;

    assert_int_equal(http_receive(connection, "POST", SOON_MS, &response), HTTP_COMPLETE);
    assert_int_equal(response.interim_count, 1);
    assert_string_equal(response.body, "ok");
    http_response_fini(&response);
}

static void an_answer_to_head_has_no_body(void **state)
{
    struct http_connection *connection = answered(
        state, OK_HEAD "Content-Length: 5\r\n\r\n" OK_HEAD "Content-Length: 1\r\n\r\nx", NULL);
    struct http_response response;

    assert_int_equal(http_receive(connection, "HEAD", SOON_MS, &response), HTTP_COMPLETE);
    assert_int_equal(response.body_size, 0);
    http_response_fini(&response);
    assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_COMPLETE);
    assert_string_equal(response.body, "x");
    http_response_fini(&response);
}

static void check_malformed(void **state, const char *bytes)
{
    struct peer *peer = *state;
    struct http_response response;

    assert_int_equal(http_receive(answered(state, bytes, NULL), "GET", SOON_MS, &response),
                     HTTP_MALFORMED);
    http_disconnect(&peer->connection);
    fake_redis_abandon(peer->fake);
    peer->fake = NULL;
}

static void malformed_answers_are_seen(void **state)
{
    check_malformed(state, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    check_malformed(state, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n");
    check_malformed(state, OK_HEAD "Connection: close\r\n\r\n");
    check_malformed(state, OK_HEAD "Content-Length: 5x\r\n\r\nhello");
    check_malformed(state, OK_HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx");
    check_malformed(state, OK_HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    check_malformed(state, OK_HEAD "Transfer-Encoding: gzip\r\n\r\n");
    check_malformed(state, OK_HEAD "Transfer-Encoding: chunked\r\n\r\nx\r\n");
    check_malformed(state, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n");
    check_malformed(state, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void an_answer_that_is_cut_off_is_not_taken(void **state)
{
    struct http_connection *connection =
        answered(state, OK_HEAD "Content-Length: 5\r\n\r\nhell", fake_close);
    struct http_response response;

    assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_CLOSED);
}

static void chunks_without_their_end_are_not_taken(void **state)
{
    struct http_connection *connection =
        answered(state, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", fake_close);
    struct http_response response;

    assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_CLOSED);
}

static void a_reset_is_told_from_a_close(void **state)
{
    struct http_connection *connection = answered(state, "", fake_reset);
    struct http_response response;

    assert_int_equal(http_receive(connection, "GET", SOON_MS, &response), HTTP_RESET);
    assert_true(http_wait_closed(connection, SHORTLY_MS));
}

static void silence_is_a_timeout_and_not_a_close(void **state)
{
    struct http_connection *connection = answered(state, "HTTP/1.1 2", fake_pause);
    struct http_response response;

    assert_int_equal(http_receive(connection, "GET", SHORTLY_MS, &response), HTTP_TIMEOUT);
    assert_false(http_wait_closed(connection, SHORTLY_MS));
}

static void nobody_listens_on_a_free_port(void **state)
{
    struct peer *peer = *state;

    assert_false(http_connect(&peer->connection, loopback_free_port()));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_with_a_length_is_taken),
        TEST(an_answer_in_chunks_is_put_together),
        TEST(answers_behind_one_another_are_taken_one_by_one),
        TEST(an_interim_answer_is_counted_and_passed_over),
        TEST(an_answer_to_head_has_no_body),
        TEST(malformed_answers_are_seen),
        TEST(an_answer_that_is_cut_off_is_not_taken),
        TEST(chunks_without_their_end_are_not_taken),
        TEST(a_reset_is_told_from_a_close),
        TEST(silence_is_a_timeout_and_not_a_close),
        TEST(nobody_listens_on_a_free_port),
    };

    return cmocka_run_group_tests_name("raw http", tests, NULL, NULL);
}
