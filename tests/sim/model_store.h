/* SPDX-License-Identifier: MIT */
/* A store backend with a few discounts whose every state is known, and which can be changed behind
 * the store's back. Operations are carried out one after the other and answered later, in their
 * order; the connection may be lost. It remembers for each user until when a refusal would have
 * been the truth. On one thread. */
#ifndef SIM_MODEL_STORE_H
#define SIM_MODEL_STORE_H

#include "discount/store.h"
#include "sim/chance.h"
#include "store/backend.h"

#define MODEL_DISCOUNTS 3
#define MODEL_USERS 700

/* A moment: how many things had happened. */
typedef uint64_t model_moment;

struct model_user {
    int64_t granted_at_us; /* 0: no grant */
    /* The last moment at which this refusal was the truth, if it is not now, and its time. */
    model_moment refused_until[STATUS_COUNT];
    uint64_t refused_until_ms[STATUS_COUNT];
};

struct model_discount {
    bool exists;
    int64_t total, count;
    int64_t expires_at_us; /* 0: never */
    uint64_t touched_ms;   /* when a holder was taken out by hand; 0: never */
    model_moment known; /* when it was in a state that a `done` has told of, and was not closed */
    struct model_user users[MODEL_USERS];
};

struct model_store {
    struct chance *chance; /* borrowed */
    struct store_engine engine;
    struct store *store;
    struct model_discount discounts[MODEL_DISCOUNTS];
    struct queue in_hand; /* tickets, in their order */
    bool is_lost;         /* the connection */
    bool forgets;         /* now and then a page lacks a grant; then nothing is changed by hand */
    model_moment moment, lost; /* now; when the connection was lost last */
    int64_t last_us;
    size_t refusals, pages, pages_in_hand; /* carried out */
};

struct store_engine *model_store_init(struct model_store *model, struct chance *chance);

/* "dsc-...", "user N". */
struct str model_id(size_t discount, char text[32]);
struct str model_user_id(size_t user, char text[32]);

/* One more is carried out; one more that was is answered. */
void model_store_carry_out(struct model_store *model);
void model_store_answer(struct model_store *model);

/* What others do: a grant by another replica; a stock that is raised, a holder that is taken out or
 * exchanged for another, a discount that is lost, by hand. */
void model_store_grant(struct model_store *model, size_t discount, size_t user);
void model_store_change(struct model_store *model, size_t discount);
/* The connection goes, and comes again; meanwhile grants and discounts may be lost. */
void model_store_lose(struct model_store *model);
void model_store_return(struct model_store *model);

/* Whether this refusal, which nobody was asked for, may be given now; else why not. */
const char *model_store_fault(const struct model_store *model, size_t discount, size_t user,
                              enum status status);

#endif
