/* SPDX-License-Identifier: MIT */
/* The model store: a backend with a few discounts whose every state is known. They can be changed
 * without the store. Operations are executed one after another and answered later, in order; the
 * connection may be lost. For each user, the model knows until when a refusal was right. On one
 * thread. */
#ifndef SIM_MODEL_STORE_H
#define SIM_MODEL_STORE_H

#include "discount/store.h"
#include "sim/chance.h"
#include "store/backend.h"

#define MODEL_DISCOUNTS 3
#define MODEL_USERS 700

/* A moment: the number of events so far. */
typedef uint64_t model_moment;

struct model_user {
    int64_t granted_at_us; /* 0: no grant */
    /* The last moment at which this refusal was right, if it is not right now, and its time. */
    model_moment refused_until[STATUS_COUNT];
    uint64_t refused_until_ms[STATUS_COUNT];
};

struct model_discount {
    bool exists;
    int64_t total, count;
    int64_t expires_at_us; /* 0: never */
    uint64_t touched_ms;   /* when a holder was removed by hand; 0: never */
    model_moment known;    /* when a `done` last reported a state in which it was not closed */
    struct model_user users[MODEL_USERS];
};

struct model_store {
    struct chance *chance; /* borrowed */
    struct store_engine engine;
    struct store *store;
    struct model_discount discounts[MODEL_DISCOUNTS];
    struct queue in_hand;      /* tickets, in order */
    bool is_lost;              /* whether the connection is lost */
    bool forgets;              /* sometimes a page lacks a grant; then nothing is changed by hand */
    model_moment moment, lost; /* now; when the connection was last lost */
    int64_t last_us;
    size_t refusals, pages, pages_in_hand; /* how many were executed */
};

struct store_engine *model_store_init(struct model_store *model, struct chance *chance);

/* Return "dsc-..." and "user N". */
struct str model_id(size_t discount, char text[32]);
struct str model_user_id(size_t user, char text[32]);

/* The first executes one more operation. The second answers one more executed operation. */
void model_store_carry_out(struct model_store *model);
void model_store_answer(struct model_store *model);

/* Changes by others. A replica makes a grant. By hand, a stock is raised, a holder is removed or
 * exchanged, or a discount is lost. */
void model_store_grant(struct model_store *model, size_t discount, size_t user);
void model_store_change(struct model_store *model, size_t discount);
/* The connection is lost, and comes back. Meanwhile grants and discounts may be lost. */
void model_store_lose(struct model_store *model);
void model_store_return(struct model_store *model);

/* Returns NULL if this refusal from the cache may be given now; otherwise the reason why not. */
const char *model_store_fault(const struct model_store *model, size_t discount, size_t user,
                              enum status status);

#endif
