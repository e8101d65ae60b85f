/* SPDX-License-Identifier: MIT */
/* A store on a loop of its own, and everything a test has asked of it. It watches the first two
 * laws of the store contract by itself: each operation is done exactly once, and never inside
 * submit. A scene belongs to one thread, any; nothing here is an assertion of cmocka's. */
#ifndef STORE_STORE_FIXTURE_H
#define STORE_STORE_FIXTURE_H

#include "support/turn.h"

struct scene;

/* One operation, its memory, and what became of it. The scene owns it until scene_close. */
struct attempt {
    struct store_op op; /* with its results, once it is done */
    struct arena arena;
    struct scene *scene;
    struct attempt *next;
    unsigned submitted, done; /* how often */
    unsigned again;           /* how often `done` is to submit the same operation once more */
};

struct scene {
    const char *who; /* the backend's name, for what the checks say */
    struct turn turn;
    struct attempt *attempts; /* owned */
    size_t open;              /* submitted and not done */
    bool is_submitting;
    const char *broken; /* the law that was, or NULL */
};

/* Opens a store on the engine, which is borrowed, and starts to connect. False without memory. */
bool scene_open(struct scene *scene, const char *who, struct store_engine *engine,
                struct store_limits limits);
/* The same, and waits until the store is ready. */
bool scene_open_ready(struct scene *scene, const char *who, struct store_engine *engine,
                      struct store_limits limits);

/* Closes the store, which ends what is open; the attempts can still be looked at. */
void scene_end(struct scene *scene);
/* Frees the attempts. NULL, or what went wrong: a law that was broken, handles that are left. */
const char *scene_free(struct scene *scene);
/* Both. */
const char *scene_close(struct scene *scene);

/* Turns until nothing is open; false when that takes longer than CLOCK_PATIENCE_MS. */
bool scene_settle(struct scene *scene);

/* ---- Submitting; the texts are copied. Nothing is sent before the next turn ---- */

struct attempt *submit_ping(struct scene *scene);
/* Under a new id, which the attempt's op has. `key` is the idempotency key or {0}. */
struct attempt *submit_create(struct scene *scene, const struct discount *discount, struct str key);
struct attempt *submit_get(struct scene *scene, struct str id);
struct attempt *submit_list(struct scene *scene, int64_t after_us, size_t limit);
struct attempt *submit_grant(struct scene *scene, struct str id, struct str user);
/* The same, where done submits it again this many times. */
struct attempt *submit_grant_again(struct scene *scene, struct str id, struct str user,
                                   unsigned again);
struct attempt *submit_grant_get(struct scene *scene, struct str id, struct str user);
/* Those of one brand only. */
struct attempt *submit_list_of(struct scene *scene, struct str brand, int64_t after_us,
                               size_t limit);
/* From behind `after` on, or from the first where it is NULL. */
struct attempt *submit_grants_of(struct scene *scene, struct str id, const struct grant *after,
                                 size_t limit);
struct attempt *submit_wallet_of(struct scene *scene, struct str user,
                                 const struct user_grant *before, size_t limit);

#endif
