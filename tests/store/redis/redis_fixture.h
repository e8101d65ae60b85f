/* SPDX-License-Identifier: MIT */
/* What the tests of the Redis backend stand on: a Redis, real or fake, and one store on it. On the
 * test's own thread; what goes wrong fails the test. */
#ifndef STORE_REDIS_REDIS_FIXTURE_H
#define STORE_REDIS_REDIS_FIXTURE_H

#include "store/check.h"
#include "support/fake_redis.h"
#include "support/redis_server.h"
#include "support/test.h"

/* A test whose state is this fixture. */
#define REDIS_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, redis_fixture_setup, redis_fixture_teardown)

struct redis_fixture {
    struct redis_server *server; /* owned; NULL: none. The same for the next two */
    struct fake_redis *fake;
    struct store_engine *engine;
    struct store_fixture fixture; /* open as long as engine is */
};

int redis_fixture_setup(void **state);
/* Closes what is open and fails the test if a law of the store was broken. */
int redis_fixture_teardown(void **state);

/* A deadline that never comes in a test: store_fixture_settle gives up long before it. */
struct store_limits redis_fixture_patient(void);

/* A fake Redis whose script is still to be written. */
struct fake_redis *redis_fixture_fake(struct redis_fixture *redis);
/* Starts it and opens a store on it, which need not become ready. */
struct store_fixture *redis_fixture_play(struct redis_fixture *redis, struct store_limits limits);
/* The same, and waits until the store is ready. */
struct store_fixture *redis_fixture_play_ready(struct redis_fixture *redis,
                                               struct store_limits limits);
/* Waits for the end of the script, in which nothing may have gone wrong. */
void redis_fixture_played(struct redis_fixture *redis);

/* A real Redis with these options (see redis_server.h) and a store on it that is ready. */
struct store_fixture *redis_fixture_redis(struct redis_fixture *redis, const char *const *options,
                                          struct store_limits limits);
/* Opens the store on a URL; it need not become ready. */
struct store_fixture *redis_fixture_open(struct redis_fixture *redis, const char *url,
                                         struct store_limits limits);
/* Closes the store before its time; redis_fixture_open may follow. */
void redis_fixture_close(struct redis_fixture *redis);

/* A discount of brand "a brand" with the code "A CODE", stored through the store. The id is the
 * fixture's. */
struct str redis_fixture_discount(struct redis_fixture *redis, int64_t total_count);
/* Asks for a grant again and again, as a client does that is told 503, until the answer is another
 * one. */
struct attempt *redis_fixture_grant(struct redis_fixture *redis, struct str id, struct str user);

/* One operation of this verb, not sent yet. */
struct attempt *redis_fixture_submit(struct redis_fixture *redis, enum store_verb verb,
                                     struct str id, struct str user);
/* One of each verb, in the order of enum store_verb. */
void redis_fixture_submit_each(struct redis_fixture *redis, struct str id, struct str user,
                               struct attempt *ret_asked[STORE_VERB_COUNT]);
/* What an operation is told whose reply never came. */
enum status redis_fixture_lost(enum store_verb verb);

#endif
