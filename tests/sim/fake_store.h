/* SPDX-License-Identifier: MIT */
/* The fake store: a backend without data. Chance decides the status of each operation, its time,
 * and the order. It keeps the five laws of discount/store.h and counts, so that violations by
 * others are found. On request it breaks a law itself, to show that this is found. */
#ifndef SIM_FAKE_STORE_H
#define SIM_FAKE_STORE_H

#include "discount/store.h"
#include "sim/chance.h"
#include "store/backend.h"

enum fake_store_fault {
    FAKE_STORE_CORRECT,
    FAKE_STORE_TWICE,   /* completes an operation for a second time */
    FAKE_STORE_LATE,    /* completes an operation that was cancelled */
    FAKE_STORE_SWAPPED, /* gives one operation another's result */
};

struct fake_store {
    struct chance *chance; /* borrowed */
    enum fake_store_fault fault;
    /* Called when an operation was submitted, and when its `done` runs. Either may be NULL. */
    void (*submitted)(void *argument, const struct store_op *op);
    void (*delivered)(void *argument, const struct store_op *op);
    void *argument;

    /* Private, but the counts may be read. */
    struct store_engine engine;
    struct store *store;
    struct queue in_hand; /* tickets */
    struct queue done;    /* tickets of operations that are completed but not yet delivered */
    size_t in_hand_count, in_hand_most;
    size_t submitted_count, delivered_count;
    struct store_op *stale; /* the operation that a fault completes again */
};

/* Returns an engine to open one store on. */
struct store_engine *fake_store_init(struct fake_store *fake, struct chance *chance);

/* Completes some of the operations in hand, in any order. Call it between two polls of the loop. */
void fake_store_answer(struct fake_store *fake);

#endif
