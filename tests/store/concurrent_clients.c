/* SPDX-License-Identifier: MIT */
#include "store/concurrent_clients.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/clock.h"

struct rusher {
    pthread_t thread;
    pthread_barrier_t *start;
    struct store_engine *engine;
    struct str discount_id;
    struct concurrent_clients *clients;
    size_t index;
    const char *broken;
};

struct str concurrent_clients_user(size_t user, char text[16])
{
    int n = snprintf(text, 16, "user %zu", user);

    return (struct str){text, (size_t)n};
}

/* Each thread begins with another user, so they meet at each user in a different order. */
static size_t user_of(const struct rusher *rusher, size_t turn)
{
    const struct concurrent_clients *clients = rusher->clients;

    return (turn + rusher->index * clients->users / clients->threads) % clients->users;
}

static void note(const struct rusher *rusher, size_t user, const struct attempt *attempt)
{
    rusher->clients->answered[rusher->index][user] = (struct client_answer){
        .status = attempt->op.status,
        .replayed = attempt->op.grant.replayed,
        .granted_at_us = attempt->op.grant.grant.granted_at_us,
    };
}

/* Asks for the users of turns `from` to `to`. */
static bool ask_some(const struct rusher *rusher, struct store_fixture *fixture, size_t from,
                     size_t to)
{
    struct attempt *attempts[CONCURRENT_CLIENTS_USERS];
    char text[16];

    for (size_t turn = from; turn < to; turn++) {
        attempts[turn] = submit_grant(fixture, rusher->discount_id,
                                      concurrent_clients_user(user_of(rusher, turn), text));
    }
    if (!store_fixture_settle(fixture)) {
        return false;
    }
    for (size_t turn = from; turn < to; turn++) {
        note(rusher, user_of(rusher, turn), attempts[turn]);
    }
    return true;
}

static bool ask_all(const struct rusher *rusher, struct store_fixture *fixture)
{
    size_t users = rusher->clients->users, handful = rusher->clients->handful;
    bool is_answered = true;

    for (size_t from = 0; from < users && is_answered; from += handful) {
        is_answered =
            ask_some(rusher, fixture, from, from + handful < users ? from + handful : users);
    }
    return is_answered;
}

static void *rush(void *argument)
{
    struct rusher *rusher = argument;
    const struct store_limits limits = {.deadline_ms = 3 * CLOCK_PATIENCE_MS,
                                        .in_flight = rusher->clients->handful};
    struct store_fixture fixture;
    bool is_open = store_fixture_open_ready(&fixture, "crowd", rusher->engine, limits);
    bool is_answered;

    pthread_barrier_wait(rusher->start);
    is_answered = is_open && ask_all(rusher, &fixture);
    rusher->broken = store_fixture_close(&fixture);
    if (rusher->broken == NULL && !is_answered) {
        rusher->broken = "not every grant was answered in time";
    }
    return NULL;
}

struct concurrent_clients *concurrent_clients_run(struct store_engine *engine,
                                                  struct str discount_id, size_t threads,
                                                  size_t users, size_t handful)
{
    struct concurrent_clients *clients = calloc(1, sizeof(*clients));
    struct rusher rushers[CONCURRENT_CLIENTS_THREADS];
    pthread_barrier_t start;

    if (clients == NULL || threads > CONCURRENT_CLIENTS_THREADS ||
        users > CONCURRENT_CLIENTS_USERS) {
        abort();
    }
    clients->threads = threads;
    clients->users = users;
    clients->handful = handful;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (size_t i = 0; i < threads; i++) {
        rushers[i] = (struct rusher){.start = &start,
                                     .engine = engine,
                                     .discount_id = discount_id,
                                     .clients = clients,
                                     .index = i};
        if (pthread_create(&rushers[i].thread, NULL, rush, &rushers[i]) != 0) {
            abort();
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(rushers[i].thread, NULL);
        clients->broken = rushers[i].broken != NULL ? rushers[i].broken : clients->broken;
    }
    pthread_barrier_destroy(&start);
    return clients;
}
