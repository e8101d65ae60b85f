/* SPDX-License-Identifier: MIT */
/* A store on a loop of its own, and everything a test has asked of it. It watches the first two
 * laws of the store contract by itself: each operation is done exactly once, and never inside
 * submit. A fixture belongs to one thread, any; nothing here is an assertion of cmocka's. */
#ifndef STORE_STORE_FIXTURE_H
#define STORE_STORE_FIXTURE_H

#include "support/turn.h"

struct store_fixture;

/* One operation, its memory, and what became of it. The fixture owns it until store_fixture_close.
 */
struct attempt {
    struct store_op op; /* with its results, once it is done */
    struct arena arena;
    struct store_fixture *fixture;
    struct attempt *next;
    unsigned submitted, done; /* how often */
    unsigned again;           /* how often `done` is to submit the same operation once more */
};

struct store_fixture {
    const char *who; /* the backend's name, for what the checks say */
    struct turn turn;
    struct attempt *attempts; /* owned */
    size_t open;              /* submitted and not done */
    bool is_submitting;
    const char *broken; /* the law that was, or NULL */
};

/* Opens a store on the engine, which is borrowed, and starts to connect. False without memory. */
bool store_fixture_open(struct store_fixture *fixture, const char *who, struct store_engine *engine,
                        struct store_limits limits);
/* The same, and waits until the store is ready. */
bool store_fixture_open_ready(struct store_fixture *fixture, const char *who,
                              struct store_engine *engine, struct store_limits limits);

/* Closes the store, which ends what is open; the attempts can still be looked at. */
void store_fixture_end(struct store_fixture *fixture);
/* Frees the attempts. NULL, or what went wrong: a law that was broken, handles that are left. */
const char *store_fixture_free(struct store_fixture *fixture);
/* Both. */
const char *store_fixture_close(struct store_fixture *fixture);

/* Turns until nothing is open; false when that takes longer than CLOCK_PATIENCE_MS. */
bool store_fixture_settle(struct store_fixture *fixture);

/* ---- Submitting; the texts are copied. Nothing is sent before the next turn ---- */

struct attempt *submit_ping(struct store_fixture *fixture);
/* Under a new id, which the attempt's op has. `key` is the idempotency key or {0}. */
struct attempt *submit_create(struct store_fixture *fixture, const struct discount *discount,
                              struct str key);
struct attempt *submit_get(struct store_fixture *fixture, struct str id);
struct attempt *submit_list(struct store_fixture *fixture, int64_t after_us, size_t limit);
struct attempt *submit_grant(struct store_fixture *fixture, struct str id, struct str user);
/* The same, where done submits it again this many times. */
struct attempt *submit_grant_again(struct store_fixture *fixture, struct str id, struct str user,
                                   unsigned again);
struct attempt *submit_grant_get(struct store_fixture *fixture, struct str id, struct str user);
/* Those of one brand only. */
struct attempt *submit_list_of(struct store_fixture *fixture, struct str brand, int64_t after_us,
                               size_t limit);
/* From behind `after` on, or from the first where it is NULL. */
struct attempt *submit_grants_of(struct store_fixture *fixture, struct str id,
                                 const struct grant *after, size_t limit);
struct attempt *submit_wallet_of(struct store_fixture *fixture, struct str user,
                                 const struct user_grant *before, size_t limit);

#endif
