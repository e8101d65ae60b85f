/* SPDX-License-Identifier: MIT */
/* First steps with a store that remembers what is sold out. On the test's own thread; what goes
 * wrong fails the test. */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include "store/check.h"

/* Whether store_refuses says so, and with this status. */
bool memory_refuses(struct store_fixture *fixture, struct str id, struct str user,
                    enum status status);

/* Lets users ask who hold nothing, and must all be refused with this status, until one is refused
 * from memory; that one. One in 1,700 never is, because he may hold something for all it knows. */
struct str memory_fill(struct store_fixture *fixture, struct str id, enum status status);
/* Lets so many ask, `at_once` in each turn. */
void memory_ask(struct store_fixture *fixture, struct str id, enum status status, size_t count,
                size_t at_once);

#endif
