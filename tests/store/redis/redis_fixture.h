/* SPDX-License-Identifier: MIT */
/* The fixture of the Redis backend's tests: a Redis, real or fake, and one store on it. On the
 * test's own thread; any error fails the test. */
#ifndef STORE_REDIS_REDIS_FIXTURE_H
#define STORE_REDIS_REDIS_FIXTURE_H

#include "store/check.h"
#include "support/fake_redis.h"
#include "support/redis_server.h"
#include "support/test.h"

/* Declares a test whose state is this fixture. */
#define REDIS_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, redis_fixture_setup, redis_fixture_teardown)

struct redis_fixture {
    struct redis_server *server; /* owned; NULL: none, as for the next two */
    struct fake_redis *fake;
    struct store_engine *engine;
    struct store_fixture fixture; /* open while engine is */
};

int redis_fixture_setup(void **state);
/* Closes everything, and fails the test if a law of the store contract was broken. */
int redis_fixture_teardown(void **state);

/* Returns limits with a deadline that no test reaches: store_fixture_settle gives up long before
 * it. */
struct store_limits redis_fixture_patient(void);

/* Makes a fake Redis whose script is still empty. */
struct fake_redis *redis_fixture_fake(struct redis_fixture *redis);
/* Starts the fake and opens a store on it, which may not become ready. */
struct store_fixture *redis_fixture_play(struct redis_fixture *redis, struct store_limits limits);
/* Does the same, and waits until the store is ready. */
struct store_fixture *redis_fixture_play_ready(struct redis_fixture *redis,
                                               struct store_limits limits);
/* Waits for the end of the script, which must have been followed. */
void redis_fixture_played(struct redis_fixture *redis);

/* Starts a real Redis with these options (see redis_server.h), and a store on it that is ready. */
struct store_fixture *redis_fixture_redis(struct redis_fixture *redis, const char *const *options,
                                          struct store_limits limits);
/* Opens the store on a URL; it may not become ready. */
struct store_fixture *redis_fixture_open(struct redis_fixture *redis, const char *url,
                                         struct store_limits limits);
/* Closes the store early; redis_fixture_open may follow. */
void redis_fixture_close(struct redis_fixture *redis);

/* Creates a discount of brand "a brand" with code "A CODE" through the store. The id is the
 * fixture's. */
struct str redis_fixture_discount(struct redis_fixture *redis, int64_t total_count);
/* Asks for a grant, and again as long as the answer would be a 503. */
struct attempt *redis_fixture_grant(struct redis_fixture *redis, struct str id, struct str user);

/* Submits one operation of this verb, without sending it. */
struct attempt *redis_fixture_submit(struct redis_fixture *redis, enum store_verb verb,
                                     struct str id, struct str user);
/* Submits one operation of each verb, in the order of enum store_verb. */
void redis_fixture_submit_each(struct redis_fixture *redis, struct str id, struct str user,
                               struct attempt *ret_asked[STORE_VERB_COUNT]);
/* Returns the status of an operation whose reply was lost. */
enum status redis_fixture_lost(enum store_verb verb);

#endif
