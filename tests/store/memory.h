/* SPDX-License-Identifier: MIT */
/* First steps with a store that has a refusal cache. On the test's own thread; any error fails the
 * test. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/check.h"

/* Returns whether store_refuses refuses this user, with this status. */
bool memory_refuses(struct store_fixture *fixture, struct str id, struct str user,
                    enum status status);

/* Users without a grant ask until one is refused from the cache; returns that user. All must be
 * refused with this status. One user in 1,700 is never refused from the cache, because the filter
 * takes that user for a holder. */
struct str memory_fill(struct store_fixture *fixture, struct str id, enum status status);
/* Lets this many users ask, `at_once` in each turn. */
void memory_ask(struct store_fixture *fixture, struct str id, enum status status, size_t count,
                size_t at_once);

#endif
