/* SPDX-License-Identifier: MIT */
/* The store contract: where discounts and grants live, as its callers see it.
 *
 * An engine (discount/engine.h) is opened once by main. Each worker opens its own store on it and
 * is the only thread that ever touches that store. An operation is a struct store_op that its
 * caller embeds in its own request; a verb below fills it and submits it. Five laws hold for every
 * backend:
 *
 *   1. Every submitted operation completes exactly once: on success, error, timeout, disconnect and
 *      shutdown. Submitting itself reports nothing.
 *   2. `done` never runs inside submit. It runs later, inside store_deliver, on the worker's loop.
 *   3. Between submit and done the operation, its inputs and its arena belong to the store; before
 *      and after, to the caller. Results are put into that arena; nothing is freed one by one.
 *   4. The status says what is known: UNAVAILABLE is surely not applied, UNKNOWN may be applied,
 *      OVERLOADED was not tried.
 *   5. Backends know no HTTP and no JSON; callers see no replies, no rows, no errno.
 *
 * One verb is one atomic change, and may be tried more than once: a repeat finds what was done, so
 * a grant whose first attempt was in doubt may come back as `replayed`. Bounded: past
 * `in_flight` operations a submitted one completes with OVERLOADED; so it does when many are in
 * flight and the store would need more than a quarter of the deadline for them at its pace, unless
 * it is a ping or the next page of a list (ADR 13). Every operation has a deadline; a late one
 * completes with UNKNOWN if it may have changed something, else with UNAVAILABLE. */
#ifndef DISCOUNT_STORE_H
#define DISCOUNT_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/arena.h"
#include "discount/discount.h"
#include "discount/queue.h"
#include "discount/status.h"

struct store;
struct store_engine;
struct store_op;

/* Called once per operation, from store_deliver. It may submit again, also with the same op. */
typedef void (*store_done_fn)(struct store_op *op);

enum store_verb {
    STORE_PING,
    STORE_CREATE,
    STORE_GET,
    STORE_LIST,
    STORE_GRANT,
    STORE_GRANT_GET,
    STORE_GRANTS,
    STORE_WALLET,
    STORE_VERB_COUNT
};

struct store_op {
    enum store_verb verb;
    store_done_fn done;
    struct arena *arena; /* borrowed; takes the results */

    /* Inputs and, once done with STATUS_OK, outputs. Only the verb's own member is in use. */
    union {
        struct {
            struct discount discount;
            struct str idempotency_key; /* n == 0: none */
            bool replayed;
        } create;
        struct {
            struct discount discount;
        } get;
        struct {
            struct str brand_id; /* n == 0: of every brand */
            int64_t after_us;
            size_t limit;
            struct discount *discounts;
            size_t count;
        } list;
        struct {
            struct grant grant;
            bool replayed;
            /* With STATUS_DISCOUNT_NOT_STARTED: how long until it does, by the store's clock. */
            int64_t starts_in_us;
            /* With STATUS_DISCOUNT_EXHAUSTED and _EXPIRED: how many grants the discount has, and
             * will have for good; -1: this is not the last word on it, or nobody counted. */
            int64_t final_count;
        } grant;
        struct {
            struct str discount_id;
            int64_t after_us; /* granted_at and user of the grant before; 0 and n == 0: none */
            struct str after_user;
            size_t limit;
            struct grant *grants;
            size_t count;
        } grants;
        struct {
            struct str user_id;
            int64_t before_us; /* granted_at and id of the holding before; 0 and n == 0: none */
            struct str before_id;
            size_t limit;
            struct user_grant *user_grants;
            size_t count;
        } wallet;
    };
    enum status status;

    /* The store's own, not to be touched by the caller. */
    struct queue link;
    uint64_t deadline_ms;
    void *slot;
    size_t slot_index;
};

struct store_limits {
    uint64_t deadline_ms;
    size_t in_flight;
};

/* Opens this worker's store and starts connecting. NULL without memory. The other two outlive it.
 */
struct store *store_open(struct store_engine *engine, uv_loop_t *loop, struct store_limits limits);
/* Whether operations would be sent now; else they wait for a while, or are refused. */
bool store_is_ready(const struct store *store);

/* Asks whether the store answers. */
void store_ping(struct store *store, struct store_op *op, store_done_fn done);

/* Stores op->create.discount. Its id and what the brand gave are inputs; created_at_us is an output
 * and strictly greater than that of every discount before it. With an idempotency_key that this
 * brand used within the last 24 hours nothing is stored: for the same inputs (the id aside) the
 * first discount is the output and `replayed` is true, for others the status is
 * IDEMPOTENCY_KEY_REUSED. */
void store_create(struct store *store, struct store_op *op, store_done_fn done);

/* Fills op->get.discount for its id; DISCOUNT_NOT_FOUND. */
void store_get(struct store *store, struct store_op *op, store_done_fn done);

/* Up to `limit` discounts, of one brand or all, created after `after_us` (0: from the first), in
 * order of creation. Fewer than `limit` come only at the end. */
void store_list(struct store *store, struct store_op *op, store_done_fn done);

/* Grants op->grant.grant.discount_id to user_id. The same user again gets the same grant, with
 * `replayed`, also when the discount is sold out or over by then. DISCOUNT_NOT_FOUND,
 * DISCOUNT_NOT_STARTED, DISCOUNT_EXPIRED, DISCOUNT_EXHAUSTED. */
void store_grant(struct store *store, struct store_op *op, store_done_fn done);

/* Whether store_grant would surely refuse this grant, by what it told others before: then the
 * status, DISCOUNT_EXHAUSTED or DISCOUNT_EXPIRED, is the answer, as if it had been asked now. It
 * answers at once and submits nothing. False says nothing: a holder of the grant must be answered
 * by store_grant, and so must whoever might be one. What is changed in the data behind the service
 * is seen as soon as the connection to them is lost, else within a second, and an exchange of one
 * holder for another within a minute (docs/adr/0014). */
bool store_refuses(struct store *store, const struct grant *grant, enum status *ret_status);

/* Fills op->grant.grant for its discount_id and user_id; DISCOUNT_NOT_FOUND, GRANT_NOT_FOUND. */
void store_grant_get(struct store *store, struct store_op *op, store_done_fn done);

/* Up to `limit` grants of a discount in the order of granted_at, those of one moment in the order
 * of their users' bytes, behind the one named. Fewer than `limit` come only at the end. Whatever is
 * granted meanwhile, no grant comes twice, and none is left out that was there from the beginning.
 * DISCOUNT_NOT_FOUND. */
void store_grants(struct store *store, struct store_op *op, store_done_fn done);

/* Up to `limit` of what a user holds, newest first, those of one moment in the reverse order of
 * their ids, behind the one named; otherwise as store_grants. A user who holds nothing has an empty
 * wallet.
 */
void store_wallet(struct store *store, struct store_op *op, store_done_fn done);

/* Runs `done` of everything that has completed so far. Called by the worker only, after each poll
 * of the loop; the loop does not wait while there is something to deliver. */
void store_deliver(struct store *store);
/* Sends what was submitted since the last flush, in one write. Called by the worker only. */
void store_flush(struct store *store);

/* Completes what is in flight and begins to close. Call store_deliver once more, whose `done` may
 * not submit again, then run the loop until its handles are closed, then store_free. */
void store_close(struct store *store);
void store_free(struct store *store);

#endif
