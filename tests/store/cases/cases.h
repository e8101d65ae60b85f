/* SPDX-License-Identifier: MIT */
/* What the cases of the conformance suite share: a store that is ready, and the first steps of most
 * cases. On the test's own thread; what goes wrong fails the test. */
#ifndef STORE_CASES_CASES_H
#define STORE_CASES_CASES_H

#include "store/check.h"
#include "support/test.h"

/* A case that gets its store from case_store. */
#define CASE(function) cmocka_unit_test_setup_teardown(function, case_setup, case_teardown)

/* The groups of cases; each returns how many failed. */
int cases_discounts(void);
int cases_grants(void);
int cases_laws(void);
int cases_lists(void);
int cases_promises(void);
int cases_refusal_cache(void);

int case_setup(void **state);
/* Closes the store and fails the case if a law was broken. */
int case_teardown(void **state);

/* Opens the store of this case: on the suite's backend, with a deadline that never comes. */
struct store_fixture *case_store(void **state);
/* The same with room for this many operations in flight. */
struct store_fixture *case_store_bound(void **state, size_t in_flight);
/* The engine below it. */
struct store_engine *case_engine(void **state);
/* A second store on that, patient like the first; the case's to store_fixture_close. */
void case_second(void **state, struct store_fixture *ret_fixture);
/* Closes the store, and its engine too where the data outlives that, and opens them again. Nothing
 * of the fixture before is left. */
struct store_fixture *case_restart(void **state);

/* Brand "a brand", code "A CODE", one unit. */
extern const struct discount case_discount;
/* Such a discount with this stock. The id is the fixture's. */
struct str given_discount(struct store_fixture *fixture, int64_t total_count);
/* The same, granted from `starts_at_us` and until `expires_at_us` only. */
struct str given_window(struct store_fixture *fixture, int64_t starts_at_us, int64_t expires_at_us);

/* Asks and waits for the answer. */
struct attempt *grant_now(struct store_fixture *fixture, struct str id, struct str user);
struct attempt *grant_get_now(struct store_fixture *fixture, struct str id, struct str user);
struct attempt *get_now(struct store_fixture *fixture, struct str id);
struct attempt *create_now(struct store_fixture *fixture, const struct discount *discount,
                           struct str key);

/* The wall clock. */
int64_t now_us(void);

#endif
