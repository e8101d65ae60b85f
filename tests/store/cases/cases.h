/* SPDX-License-Identifier: MIT */
/* Shared by the cases of the conformance suite: a store that is ready, and the first steps of most
 * cases. On the test's own thread; any error fails the test. */
#ifndef STORE_CASES_CASES_H
#define STORE_CASES_CASES_H

#include "store/check.h"
#include "support/test.h"

/* A case of the suite; it gets its store from case_store. */
#define CASE(function) cmocka_unit_test_setup_teardown(function, case_setup, case_teardown)

/* The groups of cases; each returns how many of its cases failed. */
int cases_discounts(void);
int cases_grants(void);
int cases_laws(void);
int cases_lists(void);
int cases_promises(void);
int cases_refusal_cache(void);

int case_setup(void **state);
/* Closes the store, and fails the case if a law of the store contract was broken. */
int case_teardown(void **state);

/* Opens the store of this case on the suite's backend. Its deadline is too far away to matter. */
struct store_fixture *case_store(void **state);
/* Does the same with room for this many operations in flight. */
struct store_fixture *case_store_bound(void **state, size_t in_flight);
/* Returns the engine of that store. */
struct store_engine *case_engine(void **state);
/* Opens a second store on that engine, with the same deadline. The case closes it with
 * store_fixture_close. */
void case_second(void **state, struct store_fixture *ret_fixture);
/* Closes the store and opens it again. If the data outlive the engine, the engine is closed and
 * opened too. The earlier fixture is gone. */
struct store_fixture *case_restart(void **state);

/* A discount of brand "a brand" with code "A CODE" and one unit. */
extern const struct discount case_discount;
/* Creates such a discount with this stock. The id is the fixture's. */
struct str given_discount(struct store_fixture *fixture, int64_t total_count);
/* Creates such a discount with a window from `starts_at_us` until `expires_at_us`. */
struct str given_window(struct store_fixture *fixture, int64_t starts_at_us, int64_t expires_at_us);

/* Asks for a grant and waits for the answer. */
struct attempt *grant_now(struct store_fixture *fixture, struct str id, struct str user);
struct attempt *grant_get_now(struct store_fixture *fixture, struct str id, struct str user);
struct attempt *get_now(struct store_fixture *fixture, struct str id);
struct attempt *create_now(struct store_fixture *fixture, const struct discount *discount,
                           struct str key);

/* Returns the wall clock. */
int64_t now_us(void);

#endif
