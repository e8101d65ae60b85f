/* SPDX-License-Identifier: MIT */
/* Tests the refusal cache against a model that knows the truth. Users ask while grants are made
 * elsewhere, data are changed by hand, connections are lost and time passes. Each refusal from the
 * cache must have been true recently, within the time that store_refuses promises. One seed is one
 * run:
 *
 *   refusal_cache_sim SEEDS [FIRST] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "discount/log.h"
#include "sim/model_store.h"
#include "sim/sim_fail.h"
#include "sim/virtual_clock.h"

#define STEPS 1500
#define ASKED_AT_ONCE 24
#define DEADLINE_MS 2000

/* A client; each has one question at a time. */
struct asker {
    struct store_op op;
    struct arena arena;
    struct world *world;
    bool is_waiting;
    char id[32], user[32];
};

struct world {
    struct chance chance;
    struct model_store model;
    uv_loop_t loop;
    uv_check_t after_poll;
    struct store *store;
    struct asker askers[4 * ASKED_AT_ONCE];
    unsigned to_ask;               /* in the next turn */
    uint64_t slow_until_ms;        /* executed operations are answered only after this */
    size_t fresh[MODEL_DISCOUNTS]; /* perhaps a user who was granted recently */
};

static unsigned long long seed;
static size_t refused; /* refusals from the cache, in all runs */

/* Replaces getrandom for refusal_cache.c, so that its hash key comes from the seed. */
ssize_t getrandom(void *bytes, size_t n, unsigned flags)
{
    struct chance chance = chance_from_seed(~seed);

    (void)flags;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)bytes)[i] = (unsigned char)chance_below(&chance, 256);
    }
    return (ssize_t)n;
}

/* ---- Reporting the seed ---- */

static void aborted(int number)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "seed %llu\n", seed);

    signal(number, SIG_DFL);
    if (write(STDERR_FILENO, line, (size_t)n) != n) {
        _exit(EXIT_FAILURE);
    }
    raise(number);
}

/* ---- Asking ---- */

static void done(struct store_op *op)
{
    struct asker *asker = CONTAINER_OF(op, struct asker, op);

    asker->is_waiting = false;
    arena_fini(&asker->arena);
}

static size_t user_choose(struct world *world, size_t discount)
{
    return chance_one_in(&world->chance, 3) ? world->fresh[discount]
                                            : chance_below(&world->chance, MODEL_USERS);
}

static void ask(struct world *world, struct asker *asker)
{
    size_t discount = chance_below(&world->chance, MODEL_DISCOUNTS);
    size_t user = user_choose(world, discount);
    struct grant *grant = &asker->op.grant.grant;
    enum status status;

    grant->discount_id = model_id(discount, asker->id);
    grant->user_id = model_user_id(user, asker->user);
    if (store_refuses(world->store, grant, &status)) {
        const char *fault = model_store_fault(&world->model, discount, user, status);

        refused++;
        if (fault != NULL) {
            sim_fail("user %zu is refused discount %zu (%s), but %s", user, discount,
                     status_name(status), fault);
        }
        return;
    }
    arena_init(&asker->arena, 65536);
    asker->op.arena = &asker->arena;
    asker->is_waiting = true;
    store_grant(world->store, &asker->op, done);
}

/* As in worker.c, where the server runs between deliver and flush. */
static void after_poll(uv_check_t *check)
{
    struct world *world = check->data;

    store_deliver(world->store);
    for (size_t i = 0; world->to_ask > 0 && i < 4 * ASKED_AT_ONCE; i++) {
        if (!world->askers[i].is_waiting) {
            ask(world, &world->askers[i]);
            world->to_ask--;
        }
    }
    world->to_ask = 0;
    store_flush(world->store);
}

/* ---- Steps ---- */

static void work(struct world *world)
{
    for (unsigned i = chance_below(&world->chance, 3 * ASKED_AT_ONCE); i > 0; i--) {
        model_store_carry_out(&world->model);
    }
    if (virtual_clock_ms() < world->slow_until_ms) {
        return;
    }
    for (unsigned i = chance_below(&world->chance, 3 * ASKED_AT_ONCE); i > 0; i--) {
        model_store_answer(&world->model);
    }
}

static void time_pass(struct world *world)
{
    static const unsigned most_ms[] = {5, 50, 300, 1100, 1100, 20000};
    unsigned i = chance_below(&world->chance, 6);

    virtual_clock_move(1 + chance_below(&world->chance, most_ms[i]));
}

static void others_act(struct world *world)
{
    size_t discount = chance_below(&world->chance, MODEL_DISCOUNTS);

    if (!chance_one_in(&world->chance, 3)) {
        world->fresh[discount] = chance_below(&world->chance, MODEL_USERS);
        model_store_grant(&world->model, discount, world->fresh[discount]);
    } else if (chance_one_in(&world->chance, 3)) {
        model_store_lose(&world->model);
    } else {
        model_store_change(&world->model, discount);
    }
}

static void step(struct world *world)
{
    unsigned kind = chance_below(&world->chance, 64);

    if (kind < 40) {
        world->to_ask = 1 + chance_below(&world->chance, ASKED_AT_ONCE);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        work(world);
    } else if (kind < 55) {
        virtual_clock_move(1 + chance_below(&world->chance, 20));
    } else if (kind < 59) {
        time_pass(world);
    } else if (kind < 61) {
        others_act(world);
    } else if (kind < 62) {
        world->slow_until_ms = virtual_clock_ms() + chance_below(&world->chance, 1900);
    } else if (world->model.is_lost) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        model_store_return(&world->model);
    }
}

/* ---- A run ---- */

static void seed_run(void)
{
    struct world *world = calloc(1, sizeof(*world));

    if (world == NULL) {
        abort();
    }
    world->chance = chance_from_seed(seed);
    uv_loop_init(&world->loop);
    world->store = store_open(model_store_init(&world->model, &world->chance), &world->loop,
                              (struct store_limits){DEADLINE_MS, 4096});
    uv_check_init(&world->loop, &world->after_poll);
    world->after_poll.data = world;
    uv_check_start(&world->after_poll, after_poll);
    for (int i = 0; i < STEPS; i++) {
        step(world);
    }
    store_close(world->store);
    store_deliver(world->store);
    uv_close((uv_handle_t *)&world->after_poll, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&world->loop) != 0) {
        sim_fail("a handle of the loop is left open");
    }
    store_free(world->store);
    free(world);
}

int main(int argc, char **argv)
{
    unsigned long long count = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    unsigned long long first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

    if (count == 0) {
        fprintf(stderr, "usage: sold_out_sim SEEDS [FIRST]\n");
        return EXIT_FAILURE;
    }
    signal(SIGABRT, aborted);
    log_set_level(LOG_ERROR);
    for (seed = first; seed < first + count; seed++) {
        seed_run();
    }
    if (refused < count) {
        sim_fail("hardly anybody is refused from memory, so nothing was tried");
    }
    printf("%llu seeds from %llu on, %zu refused from memory\n1 passed, 0 failed\n", count, first,
           refused);
    return EXIT_SUCCESS;
}
