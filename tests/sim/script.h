/* SPDX-License-Identifier: MIT */
/* What a client will send: requests of every kind, and for each what is known of its answer
 * beforehand. Any thread, one at a time. */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "discount/status.h"
#include "discount/store.h"
#include "sim/chance.h"

#define SCRIPT_REQUESTS 6
#define SCRIPT_BYTES 49152 /* more than any script has */

struct wish {
    unsigned number; /* of one run: everything that can carry a name names it */
    size_t end;      /* how many bytes of the script have gone when it has */
    bool is_head;
    bool is_nameless; /* the store cannot tell whose it is */
    int code;         /* 0: as the store says */
    enum store_verb verb;
    bool may_be_304;
    uint64_t sent_at_ms; /* all of it; UINT64_MAX: not yet */

    /* What the store was asked and said. */
    bool is_submitted, is_delivered;
    bool is_replayed;
    enum status first, last; /* of the operations made for it */
};

struct script {
    char bytes[SCRIPT_BYTES];
    size_t size;
    struct wish wishes[SCRIPT_REQUESTS];
    unsigned count;
};

/* Appends one request, which carries this number. */
void script_add(struct script *script, struct chance *chance, unsigned number);

/* The number that an operation carries; -1: none. */
long script_number_of(const struct store_op *op);

#endif
