/* SPDX-License-Identifier: MIT */
#include "support/turn.h"

static void nothing(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle keeps the poll from waiting; it does nothing else */
}

static void stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void after_poll(uv_check_t *check)
{
    struct turn *turn = check->data;

    store_deliver(turn->store);
    store_flush(turn->store);
    uv_idle_stop(&turn->no_wait);
    turn->holds = turn->condition(turn->argument);
    if (turn->holds) {
        uv_stop(&turn->loop);
    }
}

bool turn_open(struct turn *turn, struct store_engine *engine, struct store_limits limits)
{
    *turn = (struct turn){0};
    if (uv_loop_init(&turn->loop) != 0) {
        return false;
    }
    turn->store = store_open(engine, &turn->loop, limits);
    if (turn->store == NULL) {
        uv_loop_close(&turn->loop);
        return false;
    }
    uv_check_init(&turn->loop, &turn->after_poll);
    uv_idle_init(&turn->loop, &turn->no_wait);
    uv_timer_init(&turn->loop, &turn->deadline);
    turn->after_poll.data = turn;
    return true;
}

bool turn_until(struct turn *turn, bool (*condition)(void *argument), void *argument,
                int64_t within_ms)
{
    if (condition(argument)) {
        return true;
    }
    turn->condition = condition;
    turn->argument = argument;
    turn->holds = false;
    /* The first turn sends what was submitted since the last call. */
    uv_idle_start(&turn->no_wait, nothing);
    uv_check_start(&turn->after_poll, after_poll);
    uv_update_time(&turn->loop);
    uv_timer_start(&turn->deadline, stop, (uint64_t)within_ms, 0);
    uv_run(&turn->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&turn->deadline);
    uv_check_stop(&turn->after_poll);
    uv_idle_stop(&turn->no_wait);
    return turn->holds;
}

static bool is_ready(void *argument)
{
    return store_is_ready(argument);
}

static bool is_not_ready(void *argument)
{
    return !store_is_ready(argument);
}

bool turn_until_ready(struct turn *turn, int64_t within_ms)
{
    return turn_until(turn, is_ready, turn->store, within_ms);
}

bool turn_until_not_ready(struct turn *turn, int64_t within_ms)
{
    return turn_until(turn, is_not_ready, turn->store, within_ms);
}

bool turn_close(struct turn *turn, int64_t within_ms)
{
    store_close(turn->store);
    store_deliver(turn->store);
    uv_close((uv_handle_t *)&turn->after_poll, NULL);
    uv_close((uv_handle_t *)&turn->no_wait, NULL);
    uv_update_time(&turn->loop);
    uv_timer_start(&turn->deadline, stop, (uint64_t)within_ms, 0);
    /* Only handles of the store should keep the loop running. */
    uv_unref((uv_handle_t *)&turn->deadline);
    uv_run(&turn->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&turn->deadline, NULL);
    uv_run(&turn->loop, UV_RUN_NOWAIT);
    if (uv_loop_close(&turn->loop) != 0) {
        return false;
    }
    store_free(turn->store);
    return true;
}
