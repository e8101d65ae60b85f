/* SPDX-License-Identifier: MIT */
/* What the tests of the SQLite backend stand on: a file in a fresh directory, on a disk that fails
 * on command (support/fault_vfs.h), and one store on it. On the test's own thread; what goes wrong
 * fails the test. */
#ifndef STORE_SQLITE_SQLITE_FIXTURE_H
#define STORE_SQLITE_SQLITE_FIXTURE_H

#include "store/check.h"
#include "support/directory.h"
#include "support/test.h"

/* A test whose state is this fixture. */
#define SQLITE_TEST(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, sqlite_fixture_setup, sqlite_fixture_teardown)

struct sqlite_fixture {
    struct directory directory;
    char path[64]; /* of the file, which is not there yet */
    char url[80];
    struct store_engine *engine;  /* owned; NULL: none */
    struct store_fixture fixture; /* open as long as engine is */
};

int sqlite_fixture_setup(void **state);
/* Mends the disk, closes what is open and fails the test if a law of the store was broken. */
int sqlite_fixture_teardown(void **state);

/* A deadline that never comes in a test: store_fixture_settle gives up long before it. */
struct store_limits sqlite_fixture_patient(void);

/* Starts the engine and opens the store. */
struct store_fixture *sqlite_fixture_open(struct sqlite_fixture *sqlite,
                                          struct store_limits limits);
/* Closes both before their time; sqlite_fixture_open may follow. */
void sqlite_fixture_close(struct sqlite_fixture *sqlite);

/* A discount of brand "a brand" with the code "A CODE". The id is the fixture's. */
struct str sqlite_fixture_discount(struct store_fixture *fixture, int64_t total_count);
/* Asks and waits; what became of it. */
enum status sqlite_fixture_grant(struct store_fixture *fixture, struct str id, size_t user);
enum status sqlite_fixture_grant_get(struct store_fixture *fixture, struct str id, size_t user);
int64_t sqlite_fixture_granted_count(struct store_fixture *fixture, struct str id);

#endif
