/* SPDX-License-Identifier: MIT */
/* What the tests of the SQLite backend stand on: a file in a fresh directory, on a disk that fails
 * on command (support/fault_vfs.h), and one store on it. On the test's own thread; what goes wrong
 * fails the test. */
#ifndef STORE_SQLITE_SQLITE_FIXTURE_H
#define STORE_SQLITE_SQLITE_FIXTURE_H

#include "store/check.h"
#include "support/directory.h"
#include "support/test.h"

/* A test whose state is a rig. */
#define SQLITE_RIG(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, sqlite_rig_setup, sqlite_rig_teardown)

struct sqlite_rig {
    struct directory directory;
    char path[64]; /* of the file, which is not there yet */
    char url[80];
    struct store_engine *engine; /* owned; NULL: none */
    struct scene scene;          /* open as long as engine is */
};

int sqlite_rig_setup(void **state);
/* Mends the disk, closes what is open and fails the test if a law of the store was broken. */
int sqlite_rig_teardown(void **state);

/* A deadline that never comes in a test: scene_settle gives up long before it. */
struct store_limits sqlite_rig_patient(void);

/* Starts the engine and opens the store. */
struct scene *sqlite_rig_open(struct sqlite_rig *rig, struct store_limits limits);
/* Closes both before their time; sqlite_rig_open may follow. */
void sqlite_rig_close(struct sqlite_rig *rig);

/* A discount of brand "a brand" with the code "A CODE". The id is the scene's. */
struct str sqlite_rig_discount(struct scene *scene, int64_t total_count);
/* Asks and waits; what became of it. */
enum status sqlite_rig_grant(struct scene *scene, struct str id, size_t user);
enum status sqlite_rig_grant_get(struct scene *scene, struct str id, size_t user);
int64_t sqlite_rig_granted_count(struct scene *scene, struct str id);

#endif
