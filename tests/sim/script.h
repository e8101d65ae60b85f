/* SPDX-License-Identifier: MIT */
/* The requests that a client will send, of every kind, with the part of each answer that is known
 * beforehand. Any thread, one at a time. */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "discount/status.h"
#include "discount/store.h"
#include "sim/chance.h"

#define SCRIPT_REQUESTS 6
#define SCRIPT_BYTES 49152 /* more than any script's length */

struct wish {
    unsigned number; /* unique in one run; everything that can carry a name carries it */
    size_t end;      /* bytes of the script up to its end */
    bool is_head;
    bool is_nameless; /* the operation cannot carry the number */
    int code;         /* 0: the store decides */
    enum store_verb verb;
    bool may_be_304;
    uint64_t sent_at_ms; /* when all of it was sent; UINT64_MAX: not yet */

    /* Whether the store was asked, and has answered. */
    bool is_submitted, is_delivered;
    bool is_replayed;
    enum status first, last; /* of the operations for this request */
};

struct script {
    char bytes[SCRIPT_BYTES];
    size_t size;
    struct wish wishes[SCRIPT_REQUESTS];
    unsigned count;
};

/* Appends one request, which carries this number. */
void script_add(struct script *script, struct chance *chance, unsigned number);

/* Returns the number that an operation carries; -1: none. */
long script_number_of(const struct store_op *op);

#endif
