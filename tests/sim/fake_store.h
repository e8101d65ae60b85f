/* SPDX-License-Identifier: MIT */
/* A store backend without a store: chance decides what becomes of each operation, when, and in
 * which order. It keeps the five laws of discount/store.h, and counts, so that whoever else breaks
 * them is found; asked to, it breaks one itself, so that it is seen that this is found. */
#ifndef SIM_FAKE_STORE_H
#define SIM_FAKE_STORE_H

#include "discount/store.h"
#include "sim/chance.h"
#include "store/backend.h"

enum fake_store_fault {
    FAKE_STORE_CORRECT,
    FAKE_STORE_TWICE,   /* completes an operation that it completed before */
    FAKE_STORE_LATE,    /* completes one that was cancelled */
    FAKE_STORE_SWAPPED, /* gives one what another asked for */
};

struct fake_store {
    struct chance *chance; /* borrowed */
    enum fake_store_fault fault;
    /* Told when an operation came in, and when its `done` runs. May be NULL. */
    void (*submitted)(void *argument, const struct store_op *op);
    void (*delivered)(void *argument, const struct store_op *op);
    void *argument;

    /* Its own; the counts may be read. */
    struct store_engine engine;
    struct store *store;
    struct queue in_hand; /* tickets */
    struct queue done;    /* tickets of what was completed and not yet delivered */
    size_t in_hand_count, in_hand_most;
    size_t submitted_count, delivered_count;
    struct store_op *stale; /* what a fault completes again */
};

/* The engine to open a store on; one store only. */
struct store_engine *fake_store_init(struct fake_store *fake, struct chance *chance);

/* Completes some of what is in hand, in any order. Between two polls of the loop. */
void fake_store_answer(struct fake_store *fake);

#endif
