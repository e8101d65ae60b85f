/* SPDX-License-Identifier: MIT */
/* The five laws of the store contract. The teardown of every case checks the first two as well. */
#include <stdio.h>

#include "discount/limits.h"
#include "store/cases/cases.h"
#include "store/concurrent_clients.h"
#include "support/clock.h"

static void a_ping_is_answered(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct attempt *ping = submit_ping(fixture);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, ping, STATUS_OK);
}

static void nothing_is_done_before_store_deliver(void **state)
{
    struct store_fixture *fixture = case_store_bound(state, 2);
    struct attempt *asked[3];

    for (size_t i = 0; i < 3; i++) {
        asked[i] = submit_grant(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"), STR("ann"));
        CHECK_INT(fixture, asked[i]->done, 0);
    }
    store_flush(fixture->turn.store);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(fixture, asked[i]->done, 0);
    }
    CHECK(fixture, store_fixture_settle(fixture));
}

static void done_may_submit_the_same_operation_again(void **state)
{
    enum { AGAIN = 20 };
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    struct attempt *asked = submit_grant_again(fixture, id, STR("ann"), AGAIN);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, asked->done, AGAIN + 1);
    CHECK_STATUS(fixture, asked, STATUS_OK);
    CHECK(fixture, asked->op.grant.replayed);
}

static void past_the_bound_operations_are_overloaded_and_the_others_are_not(void **state)
{
    enum { BOUND = 10, COUNT = 25 };
    struct store_fixture *fixture = case_store_bound(state, BOUND);
    struct str id = given_discount(fixture, 1000);
    struct attempt *asked[COUNT];
    char text[16];

    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = submit_grant(fixture, id, concurrent_clients_user(i, text));
    }
    /* These operations complete without anything being sent or received. */
    store_deliver(fixture->turn.store);
    for (size_t i = BOUND; i < COUNT; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OVERLOADED);
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < BOUND; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_OK);
    }
    CHECK_INT(fixture, get_now(fixture, id)->op.get.discount.granted_count, BOUND);
}

static void after_an_overload_there_is_room_again(void **state)
{
    enum { BOUND = 10 };
    struct store_fixture *fixture = case_store_bound(state, BOUND);
    struct str id = given_discount(fixture, 1000);
    char text[16];

    for (size_t round = 0; round < 5; round++) {
        struct attempt *asked[BOUND];

        for (size_t i = 0; i < BOUND; i++) {
            asked[i] = submit_grant(fixture, id, concurrent_clients_user(round * BOUND + i, text));
        }
        submit_grant(fixture, id, STR("eve"));
        CHECK(fixture, store_fixture_settle(fixture));
        for (size_t i = 0; i < BOUND; i++) {
            CHECK_STATUS(fixture, asked[i], STATUS_OK);
        }
    }
}

static void more_than_a_connection_takes_at_once_is_answered(void **state)
{
    enum { COUNT = 4000 };
    struct store_fixture *fixture = case_store(state);
    char code[LIMIT_DISCOUNT_CODE], brand[LIMIT_BRAND_ID];
    const struct discount large = {.brand_id = {brand, sizeof(brand)},
                                   .discount_code = {code, sizeof(code)},
                                   .total_count = 1};
    static struct attempt *created[COUNT];
    struct attempt *list;

    memset(code, 'c', sizeof(code));
    memset(brand, 'b', sizeof(brand));
    for (size_t i = 0; i < COUNT; i++) {
        created[i] = submit_create(fixture, &large, (struct str){0});
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_STATUS(fixture, created[i], STATUS_OK);
    }
    list = submit_list(fixture, created[0]->op.create.discount.created_at_us - 1, 1000);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, list, STATUS_OK);
    CHECK_INT(fixture, list->op.list.count, 1000);
}

/* Submits one operation of each verb, without sending it. */
static void submit_each(struct store_fixture *fixture, struct str id, struct attempt *ret_asked[6])
{
    ret_asked[0] = submit_ping(fixture);
    ret_asked[1] = submit_create(fixture, &case_discount, (struct str){0});
    ret_asked[2] = submit_get(fixture, id);
    ret_asked[3] = submit_list(fixture, 0, 3);
    ret_asked[4] = submit_grant(fixture, id, STR("ann"));
    ret_asked[5] = submit_grant_get(fixture, id, STR("ann"));
}

static void closing_ends_what_was_not_sent_as_surely_not_applied(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    struct attempt *asked[6], *read;
    struct store_fixture second;

    case_second(state, &second);
    submit_each(&second, id, asked);
    store_fixture_end(&second);
    for (size_t i = 0; i < 6; i++) {
        CHECK_STATUS(fixture, asked[i], STATUS_UNAVAILABLE);
    }
    CHECK_NOTHING(&second, store_fixture_free(&second));
    read = get_now(fixture, id);
    CHECK_INT(fixture, read->op.get.discount.granted_count, 0);
}

/* An operation that was sent may have been applied, and even answered. No false status may be
 * reported. */
static void closing_ends_sent_operations_truthfully(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 10);
    struct attempt *asked[6], *read;
    struct store_fixture second;
    enum status grant_get;

    case_second(state, &second);
    submit_each(&second, id, asked);
    store_flush(second.turn.store);
    store_fixture_end(&second);
    for (size_t i = 0; i < 6; i++) {
        enum status status = asked[i]->op.status;

        CHECK_INT(fixture, asked[i]->done, 1);
        CHECK(fixture, status == STATUS_OK || status == STATUS_UNAVAILABLE ||
                           ((i == 1 || i == 4) && status == STATUS_UNKNOWN) ||
                           (i == 5 && status == STATUS_GRANT_NOT_FOUND));
    }
    read = get_now(fixture, asked[1]->op.create.discount.id);
    CHECK(fixture, asked[1]->op.status == STATUS_UNKNOWN ||
                       (asked[1]->op.status == STATUS_OK) == (read->op.status == STATUS_OK));
    grant_get = grant_get_now(fixture, id, STR("ann"))->op.status;
    CHECK(fixture, asked[4]->op.status == STATUS_UNKNOWN ||
                       (asked[4]->op.status == STATUS_OK) == (grant_get == STATUS_OK));
    CHECK_NOTHING(&second, store_fixture_free(&second));
}

static void a_store_that_was_never_turned_can_be_closed(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct store_fixture second;
    struct attempt *asked;

    CHECK(fixture, store_fixture_open(&second, fixture->who, case_engine(state),
                                      (struct store_limits){3 * CLOCK_PATIENCE_MS, 100}));
    asked = submit_ping(&second);
    store_fixture_end(&second);
    CHECK_INT(fixture, asked->done, 1);
    CHECK_NOTHING(&second, store_fixture_free(&second));
}

static void look_after_poll(uv_check_t *check)
{
    if (store_is_ready(check->data)) {
        uv_stop(check->loop);
    }
}

static void give_up(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* A worker checks after each poll whether its store is ready, and then begins to listen. So
 * becoming ready must end a poll. */
static void a_store_that_is_ready_has_woken_its_loop(void **state)
{
    struct store_fixture *fixture = case_store(state);
    int64_t begin_ms = clock_ms(), end_ms;
    struct store_fixture second;
    uv_check_t after_poll;
    uv_timer_t patience;

    CHECK(fixture, store_fixture_open(&second, fixture->who, case_engine(state),
                                      (struct store_limits){3 * CLOCK_PATIENCE_MS, 100}));
    after_poll.data = second.turn.store;
    uv_check_init(&second.turn.loop, &after_poll);
    uv_timer_init(&second.turn.loop, &patience);
    uv_check_start(&after_poll, look_after_poll);
    uv_timer_start(&patience, give_up, CLOCK_PATIENCE_MS, 0);
    uv_run(&second.turn.loop, UV_RUN_DEFAULT);
    end_ms = clock_ms();
    uv_close((uv_handle_t *)&after_poll, NULL);
    uv_close((uv_handle_t *)&patience, NULL);
    CHECK_NOTHING(&second, store_fixture_close(&second));
    CHECK(fixture, end_ms - begin_ms < CLOCK_PATIENCE_MS);
}

static void stores_on_one_engine_see_the_same(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 1);
    struct attempt *granted = grant_now(fixture, id, STR("ann"));
    struct store_fixture second;
    struct attempt *read;

    case_second(state, &second);
    read = grant_get_now(&second, id, STR("ann"));
    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_INT(fixture, read->op.grant.grant.granted_at_us, granted->op.grant.grant.granted_at_us);
    CHECK_NOTHING(&second, store_fixture_close(&second));
}

int cases_laws(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_ping_is_answered),
        CASE(nothing_is_done_before_store_deliver),
        CASE(done_may_submit_the_same_operation_again),
        CASE(past_the_bound_operations_are_overloaded_and_the_others_are_not),
        CASE(after_an_overload_there_is_room_again),
        CASE(more_than_a_connection_takes_at_once_is_answered),
        CASE(closing_ends_what_was_not_sent_as_surely_not_applied),
        CASE(closing_ends_sent_operations_truthfully),
        CASE(a_store_that_was_never_turned_can_be_closed),
        CASE(a_store_that_is_ready_has_woken_its_loop),
        CASE(stores_on_one_engine_see_the_same),
    };

    return cmocka_run_group_tests_name("laws", cases, NULL, NULL);
}
