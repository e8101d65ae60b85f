/* SPDX-License-Identifier: MIT */
/* A store on its own loop, and everything that a test has asked of it. It checks the first two laws
 * of the store contract: each operation is done exactly once, and never inside submit. A fixture
 * belongs to one thread, which may be any. Nothing here uses cmocka's assertions. */
#ifndef STORE_STORE_FIXTURE_H
#define STORE_STORE_FIXTURE_H

#include "support/turn.h"

struct store_fixture;

/* One operation, its memory and its result. The fixture owns it until store_fixture_close. */
struct attempt {
    struct store_op op; /* with its results, after it is done */
    struct arena arena;
    struct store_fixture *fixture;
    struct attempt *next;
    unsigned submitted, done; /* how often */
    unsigned again;           /* how often `done` must submit the same operation again */
};

struct store_fixture {
    const char *who; /* the backend's name, for messages */
    struct turn turn;
    struct attempt *attempts; /* owned */
    size_t open;              /* submitted but not done */
    bool is_submitting;
    const char *broken; /* the broken law, or NULL */
};

/* Opens a store on the engine, which is borrowed, and begins to connect. Returns false without
 * memory. */
bool store_fixture_open(struct store_fixture *fixture, const char *who, struct store_engine *engine,
                        struct store_limits limits);
/* Does the same, and waits until the store is ready. */
bool store_fixture_open_ready(struct store_fixture *fixture, const char *who,
                              struct store_engine *engine, struct store_limits limits);

/* Closes the store, which ends open operations; the attempts can still be read. */
void store_fixture_end(struct store_fixture *fixture);
/* Frees the attempts. Returns an error (a broken law, or handles that are left), or NULL. */
const char *store_fixture_free(struct store_fixture *fixture);
/* Does both. */
const char *store_fixture_close(struct store_fixture *fixture);

/* Runs the loop until no operation is open. Returns false after CLOCK_PATIENCE_MS. */
bool store_fixture_settle(struct store_fixture *fixture);

/* ---- Submitting: texts are copied, and nothing is sent before the next turn ---- */

struct attempt *submit_ping(struct store_fixture *fixture);
/* Submits a creation with a new id, which is in the attempt's op. `key` is the idempotency key or
 * {0}. */
struct attempt *submit_create(struct store_fixture *fixture, const struct discount *discount,
                              struct str key);
struct attempt *submit_get(struct store_fixture *fixture, struct str id);
struct attempt *submit_list(struct store_fixture *fixture, int64_t after_us, size_t limit);
struct attempt *submit_grant(struct store_fixture *fixture, struct str id, struct str user);
/* Does the same; `done` submits it again this many times. */
struct attempt *submit_grant_again(struct store_fixture *fixture, struct str id, struct str user,
                                   unsigned again);
struct attempt *submit_grant_get(struct store_fixture *fixture, struct str id, struct str user);
/* Lists the discounts of one brand. */
struct attempt *submit_list_of(struct store_fixture *fixture, struct str brand, int64_t after_us,
                               size_t limit);
/* Lists the grants after `after`, or from the first if it is NULL. */
struct attempt *submit_grants_of(struct store_fixture *fixture, struct str id,
                                 const struct grant *after, size_t limit);
struct attempt *submit_wallet_of(struct store_fixture *fixture, struct str user,
                                 const struct user_grant *before, size_t limit);

#endif
