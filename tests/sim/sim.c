/* SPDX-License-Identifier: MIT */
/* The simulation: a server, a fake store and some clients in one thread. A seed decides which of
 * them acts next, and the simulation moves the clock.
 *
 *   sim SEEDS [FIRST [FAULT]]    seeds FIRST (1) and up; FAULT: the law that the fake store breaks
 *
 * On a failure, also a sanitizer's, it prints the seed; "sim 1 SEED" repeats it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/routes.h"
#include "discount/log.h"
#include "sim/client.h"
#include "sim/sim_fail.h"
#include "sim/virtual_clock.h"

#define CLIENTS 6
#define STEPS 600
/* The maximum number of turns until the loop rests while time stands still. */
#define TURNS_TO_REST 5000
/* Longer than all deadlines together, one after another for each client. */
#define END_WITHIN_MS 300000
/* After this many rounds time passes faster: only deadlines can be pending then. */
#define ROUNDS_SLOW 200

struct sim {
    struct chance chance;
    struct world world;
    struct client clients[CLIENTS];
    unsigned client_count;
    unsigned rounds; /* rounds in which time passed */
};

static unsigned long long seed;
static const char *const fault_names[] = {"", "twice", "late", "swapped"};

/* ---- Reporting the seed ---- */

static void seed_print(void)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "seed %llu\n", seed);

    if (write(STDERR_FILENO, line, (size_t)n) != n) {
        _exit(EXIT_FAILURE);
    }
}

static void aborted(int number)
{
    signal(number, SIG_DFL);
    seed_print();
    raise(number);
}

/* Exists only with a sanitizer. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void seeds_announce(void)
{
    signal(SIGABRT, aborted);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(seed_print);
    } else {
        signal(SIGSEGV, aborted);
    }
}

/* Without a sanitizer, malloc counts memory that it caches as in use. */
static size_t allocated(void)
{
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : 0;
}

/* ---- Callbacks of the store ---- */

static struct wish *wish_of(struct sim *sim, const struct store_op *op)
{
    long number = script_number_of(op);

    for (unsigned i = 0; i < sim->client_count; i++) {
        struct wish *wish = client_wish(&sim->clients[i], number);

        if (wish != NULL) {
            return wish;
        }
    }
    if (op->verb != STORE_PING) {
        sim_fail("the store is asked for what no client asked for");
    }
    return NULL;
}

static void submitted(void *argument, const struct store_op *op)
{
    struct wish *wish = wish_of(argument, op);

    if (wish != NULL) {
        wish->is_submitted = true;
        wish->is_delivered = false;
    }
}

static void delivered(void *argument, const struct store_op *op)
{
    struct wish *wish = wish_of(argument, op);

    if (wish != NULL) {
        wish->is_delivered = true;
        wish->last = op->status;
        wish->first = wish->first == STATUS_COUNT ? op->status : wish->first;
        wish->is_replayed = op->verb == STORE_GRANT && op->grant.replayed;
    }
}

/* ---- Steps ---- */

/* Turns the loop until only an event or time could cause more work. Then no answer may be held
 * back. */
static void settle(struct sim *sim)
{
    int turns = 0;

    for (int quiet = 0; quiet < 3; quiet++) {
        if (++turns > TURNS_TO_REST) {
            sim_fail("the loop does not come to rest");
        }
        world_turn(&sim->world);
        for (unsigned i = 0; i < sim->client_count; i++) {
            size_t before = sim->clients[i].used + sim->clients[i].answered;

            client_read(&sim->clients[i]);
            quiet = sim->clients[i].used + sim->clients[i].answered != before ? -1 : quiet;
        }
        quiet = world_is_busy(&sim->world) ? -1 : quiet;
    }
    for (unsigned i = 0; i < sim->client_count && !sim->world.options.is_tcp; i++) {
        client_check_settled(&sim->clients[i]);
    }
}

static void time_pass(struct sim *sim)
{
    settle(sim);
    if (++sim->rounds > ROUNDS_SLOW) {
        virtual_clock_move(200);
    }
    virtual_clock_move(1 + (chance_one_in(&sim->chance, 8) ? chance_below(&sim->chance, 300)
                                                           : chance_below(&sim->chance, 20)));
}

static void drain_begin(struct sim *sim)
{
    uint64_t grace_ms = chance_below(&sim->chance, 2000);

    if (sim->world.is_draining) {
        return;
    }
    world_turn(&sim->world); /* so that the loop's time is the virtual one */
    world_drain(&sim->world, grace_ms);
    for (unsigned i = 0; i < sim->client_count; i++) {
        sim->clients[i].drain_over_ms = virtual_clock_ms() + grace_ms;
    }
}

static void step(struct sim *sim)
{
    unsigned kind = chance_below(&sim->chance, 16);

    if (kind < 7) {
        client_act(&sim->clients[chance_below(&sim->chance, sim->client_count)]);
    } else if (kind < 10) {
        fake_store_answer(&sim->world.fake);
    } else if (kind < 14) {
        world_turn(&sim->world);
    } else if (kind < 15) {
        time_pass(sim);
    } else if (chance_one_in(&sim->chance, 40)) {
        drain_begin(sim);
    }
}

/* ---- A run ---- */

static bool all_are_content(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->client_count; i++) {
        if (!client_is_content(&sim->clients[i])) {
            return false;
        }
    }
    return true;
}

/* Every client goes on without pauses. */
static void round_go(struct sim *sim)
{
    for (unsigned i = 0; i < sim->client_count; i++) {
        client_act(&sim->clients[i]);
    }
    if (!sim->world.is_closed) {
        fake_store_answer(&sim->world.fake);
    }
    time_pass(sim);
}

static void sim_open(struct sim *sim, enum fake_store_fault fault)
{
    const bool is_tcp = chance_one_in(&sim->chance, 4);
    const struct world_options options = {
        .is_tcp = is_tcp,
        /* With TCP, room in a socket depends on an acknowledgement, which takes real time. */
        .unsent_most = !is_tcp && chance_one_in(&sim->chance, 2) ? 4096 : 0,
        .connections = 1 + chance_below(&sim->chance, 2 * CLIENTS),
        .in_flight = 1 + chance_below(&sim->chance, 16),
        .store_deadline_ms = 50 + chance_below(&sim->chance, 400),
        .client_deadline_ms = 10000,
    };

    world_open(&sim->world, &sim->chance, &options);
    sim->world.fake.fault = fault;
    sim->world.fake.submitted = submitted;
    sim->world.fake.delivered = delivered;
    sim->world.fake.argument = sim;
    sim->client_count = 1 + chance_below(&sim->chance, CLIENTS);
    for (unsigned i = 0; i < sim->client_count; i++) {
        client_init(&sim->clients[i], &sim->world, &sim->chance, 1 + i * SCRIPT_REQUESTS);
    }
}

static void sim_run(struct sim *sim)
{
    uint64_t until_ms;

    for (int i = 0; i < STEPS && !sim->world.is_closed; i++) {
        step(sim);
    }
    until_ms = virtual_clock_ms() + END_WITHIN_MS;
    while (!all_are_content(sim)) {
        if (virtual_clock_ms() > until_ms) {
            sim_fail("a client that stays is not answered");
        }
        round_go(sim);
    }
    drain_begin(sim);
    until_ms = virtual_clock_ms() + END_WITHIN_MS;
    while (!sim->world.is_closed) {
        if (virtual_clock_ms() > until_ms) {
            sim_fail("the server does not drain");
        }
        round_go(sim);
    }
}

static void sim_close(struct sim *sim)
{
    for (unsigned i = 0; i < sim->client_count; i++) {
        client_fini(&sim->clients[i]);
    }
    world_check_end(&sim->world);
}

static void seed_run(enum fake_store_fault fault)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    if (sim == NULL) {
        abort();
    }
    sim->chance = chance_from_seed(seed);
    sim_open(sim, fault);
    sim_run(sim);
    sim_close(sim);
    free(sim);
}

static enum fake_store_fault fault_of(const char *name)
{
    for (size_t i = 0; i < sizeof(fault_names) / sizeof(fault_names[0]); i++) {
        if (strcmp(fault_names[i], name) == 0) {
            return (enum fake_store_fault)i;
        }
    }
    fprintf(stderr, "no such fault: %s\n", name);
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    unsigned long long count = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    unsigned long long first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    enum fake_store_fault fault = argc > 3 ? fault_of(argv[3]) : FAKE_STORE_CORRECT;
    size_t before = 0;

    if (count == 0) {
        fprintf(stderr, "usage: sim SEEDS [FIRST [twice|late|swapped]]\n");
        return EXIT_FAILURE;
    }
    seeds_announce();
    log_set_level(LOG_ERROR);
    routes_init();
    for (seed = first; seed < first + count; seed++) {
        seed_run(fault);
        /* The first run allocates memory that is allocated once only. */
        if (seed > first && allocated() != before) {
            sim_fail("%zd bytes are left in memory", (ssize_t)(allocated() - before));
        }
        before = allocated();
    }
    printf("%llu seeds from %llu on\n1 passed, 0 failed\n", count, first);
    return EXIT_SUCCESS;
}
