/* SPDX-License-Identifier: MIT */
#include "store/crowd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/clock.h"

/* How many users a thread asks for in one turn. */
#define HANDFUL 50

struct rusher {
    pthread_t thread;
    pthread_barrier_t *start;
    struct store_engine *engine;
    struct str discount_id;
    struct crowd *crowd;
    size_t index;
};

struct str crowd_user(size_t user, char text[16])
{
    int n = snprintf(text, 16, "user %zu", user);

    return (struct str){text, (size_t)n};
}

/* Each thread begins somewhere else, so that they meet at every user in another order. */
static size_t user_of(const struct rusher *rusher, size_t turn)
{
    return (turn + rusher->index * CROWD_USERS / CROWD_THREADS) % CROWD_USERS;
}

static void note(const struct rusher *rusher, size_t user, const struct attempt *attempt)
{
    struct crowd *crowd = rusher->crowd;

    crowd->status[rusher->index][user] = attempt->op.status;
    crowd->replayed[rusher->index][user] = attempt->op.grant.replayed;
    crowd->granted_at_us[rusher->index][user] = attempt->op.grant.grant.granted_at_us;
}

static bool ask(struct rusher *rusher, struct scene *scene)
{
    for (size_t from = 0; from < CROWD_USERS; from += HANDFUL) {
        struct attempt *attempts[HANDFUL];
        char text[16];

        for (size_t i = 0; i < HANDFUL; i++) {
            attempts[i] = submit_grant(scene, rusher->discount_id,
                                       crowd_user(user_of(rusher, from + i), text));
        }
        if (!scene_settle(scene)) {
            return false;
        }
        for (size_t i = 0; i < HANDFUL; i++) {
            note(rusher, user_of(rusher, from + i), attempts[i]);
        }
    }
    return true;
}

static void *rush(void *argument)
{
    const struct store_limits limits = {.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = HANDFUL};
    struct rusher *rusher = argument;
    struct scene scene;
    const char **broken = &rusher->crowd->broken[rusher->index];
    bool is_open = scene_open_ready(&scene, "crowd", rusher->engine, limits);
    bool is_answered;

    pthread_barrier_wait(rusher->start);
    is_answered = is_open && ask(rusher, &scene);
    *broken = scene_close(&scene);
    if (*broken == NULL && !is_answered) {
        *broken = "not every grant was answered in time";
    }
    return NULL;
}

void crowd_rush(struct store_engine *engine, struct str discount_id, struct crowd *ret_crowd)
{
    struct rusher rushers[CROWD_THREADS];
    pthread_barrier_t start;

    memset(ret_crowd, 0, sizeof(*ret_crowd));
    pthread_barrier_init(&start, NULL, CROWD_THREADS);
    for (size_t i = 0; i < CROWD_THREADS; i++) {
        rushers[i] = (struct rusher){.start = &start,
                                     .engine = engine,
                                     .discount_id = discount_id,
                                     .crowd = ret_crowd,
                                     .index = i};
        if (pthread_create(&rushers[i].thread, NULL, rush, &rushers[i]) != 0) {
            abort();
        }
    }
    for (size_t i = 0; i < CROWD_THREADS; i++) {
        pthread_join(rushers[i].thread, NULL);
    }
    pthread_barrier_destroy(&start);
}
