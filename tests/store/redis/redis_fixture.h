/* SPDX-License-Identifier: MIT */
/* What the tests of the Redis backend stand on: a Redis, real or fake, and one store on it. On the
 * test's own thread; what goes wrong fails the test. */
#ifndef STORE_REDIS_REDIS_FIXTURE_H
#define STORE_REDIS_REDIS_FIXTURE_H

#include "store/check.h"
#include "support/fake_redis.h"
#include "support/redis_server.h"
#include "support/test.h"

/* A test whose state is a rig. */
#define RIG(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

struct rig {
    struct redis_server *server; /* owned; NULL: none. The same for the next two */
    struct fake_redis *fake;
    struct store_engine *engine;
    struct scene scene; /* open as long as engine is */
};

int rig_setup(void **state);
/* Closes what is open and fails the test if a law of the store was broken. */
int rig_teardown(void **state);

/* A deadline that never comes in a test: scene_settle gives up long before it. */
struct store_limits rig_patient(void);

/* A fake Redis whose script is still to be written. */
struct fake_redis *rig_fake(struct rig *rig);
/* Starts it and opens a store on it, which need not become ready. */
struct scene *rig_play(struct rig *rig, struct store_limits limits);
/* The same, and waits until the store is ready. */
struct scene *rig_play_ready(struct rig *rig, struct store_limits limits);
/* Waits for the end of the script, in which nothing may have gone wrong. */
void rig_played(struct rig *rig);

/* A real Redis with these options (see redis_server.h) and a store on it that is ready. */
struct scene *rig_redis(struct rig *rig, const char *const *options, struct store_limits limits);
/* Opens the store on a URL; it need not become ready. */
struct scene *rig_open(struct rig *rig, const char *url, struct store_limits limits);
/* Closes the store before its time; rig_open may follow. */
void rig_close(struct rig *rig);

/* A discount of brand "a brand" with the code "A CODE", stored through the store. The id is the
 * scene's. */
struct str rig_discount(struct rig *rig, int64_t total_count);
/* Asks for a grant again and again, as a client does that is told 503, until the answer is another
 * one. */
struct attempt *rig_grant(struct rig *rig, struct str id, struct str user);

/* One operation of this verb, not sent yet. */
struct attempt *rig_submit(struct rig *rig, enum store_verb verb, struct str id, struct str user);
/* One of each verb, in the order of enum store_verb. */
void rig_submit_each(struct rig *rig, struct str id, struct str user,
                     struct attempt *ret_asked[STORE_VERB_COUNT]);
/* What an operation is told whose reply never came. */
enum status rig_lost(enum store_verb verb);

#endif
