/* SPDX-License-Identifier: MIT */
/* The fixture of the SQLite backend's tests: a file in a fresh directory, and one store on it. The
 * file is on a disk that fails on command (support/fault_vfs.h). On the test's own thread; any
 * error fails the test. */
#ifndef STORE_SQLITE_SQLITE_FIXTURE_H
#define STORE_SQLITE_SQLITE_FIXTURE_H

#include "store/check.h"
#include "support/directory.h"
#include "support/test.h"

/* Declares a test whose state is this fixture. */
#define SQLITE_TEST(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, sqlite_fixture_setup, sqlite_fixture_teardown)

struct sqlite_fixture {
    struct directory directory;
    char path[64]; /* of the file, which does not exist at first */
    char url[80];
    struct store_engine *engine;  /* owned; NULL: none */
    struct store_fixture fixture; /* open while engine is */
};

int sqlite_fixture_setup(void **state);
/* Mends the disk, closes everything, and fails the test if a law of the store contract was broken.
 * */
int sqlite_fixture_teardown(void **state);

/* Returns limits with a deadline that no test reaches: store_fixture_settle gives up long before
 * it. */
struct store_limits sqlite_fixture_patient(void);

/* Starts the engine and opens the store. */
struct store_fixture *sqlite_fixture_open(struct sqlite_fixture *sqlite,
                                          struct store_limits limits);
/* Closes both early; sqlite_fixture_open may follow. */
void sqlite_fixture_close(struct sqlite_fixture *sqlite);

/* Creates a discount of brand "a brand" with code "A CODE". The id is the fixture's. */
struct str sqlite_fixture_discount(struct store_fixture *fixture, int64_t total_count);
/* Asks for a grant and waits. Returns the status. */
enum status sqlite_fixture_grant(struct store_fixture *fixture, struct str id, size_t user);
enum status sqlite_fixture_grant_get(struct store_fixture *fixture, struct str id, size_t user);
int64_t sqlite_fixture_granted_count(struct store_fixture *fixture, struct str id);

#endif
