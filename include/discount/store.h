/* SPDX-License-Identifier: MIT */
/* The store contract: where discounts and grants live, as its callers see it.
 *
 * An engine (discount/engine.h) is opened once by main. Each worker opens its own store on it and
 * is the only thread that ever uses that store. An operation is a struct store_op, which its caller
 * embeds in its own request. A verb below fills it and submits it. Five laws hold for every
 * backend:
 *
 *   1. Every submitted operation completes exactly once: on success, error, timeout, disconnect and
 *      shutdown. Submitting itself reports nothing.
 *   2. `done` never runs inside submit. It runs later, inside store_deliver, on the worker's loop.
 *   3. Between submit and done the operation, its inputs and its arena belong to the store; before
 *      and after, to the caller. Results are put into that arena; nothing is freed one by one.
 *   4. The status says what is known: UNAVAILABLE was certainly not applied, UNKNOWN may have been
 *      applied, OVERLOADED was not tried.
 *   5. Backends know no HTTP and no JSON; callers see no replies, no rows, no errno.
 *
 * A verb is one atomic change, and may be tried more than once. A repeat finds an earlier change,
 * so a grant whose first attempt was in doubt may come back as `replayed`.
 *
 * The store is bounded: more than `in_flight` operations at once complete with OVERLOADED. The same
 * happens when many are in flight and, at the store's current pace, they would take more than a
 * quarter of the deadline. A ping and the next page of a list are exempt from the second rule (ADR
 * 13).
 *
 * Every operation has a deadline. Past it, the operation completes with UNKNOWN if it may have
 * changed something, else with UNAVAILABLE. */
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
    struct arena *arena; /* borrowed; holds the results */

    /* Inputs and, after STATUS_OK, outputs. Only the verb's own member is used. */
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
            struct str brand_id; /* n == 0: all brands */
            int64_t after_us;
            size_t limit;
            struct discount *discounts;
            size_t count;
        } list;
        struct {
            struct grant grant;
            bool replayed;
            /* With STATUS_DISCOUNT_NOT_STARTED: the time until it starts, by the store's clock. */
            int64_t starts_in_us;
            /* With STATUS_DISCOUNT_EXHAUSTED and _EXPIRED: the final number of grants of the
             * discount. -1: the number may still change, or is not known. */
            int64_t final_count;
        } grant;
        struct {
            struct str discount_id;
            int64_t after_us; /* granted_at and user of the last grant seen; 0 and n == 0: none */
            struct str after_user;
            size_t limit;
            struct grant *grants;
            size_t count;
        } grants;
        struct {
            struct str user_id;
            int64_t before_us; /* granted_at and id of the last one seen; 0 and n == 0: none */
            struct str before_id;
            size_t limit;
            struct user_grant *user_grants;
            size_t count;
        } wallet;
    };
    enum status status;

    /* Private to the store; the caller must not touch these. */
    struct queue link;
    uint64_t deadline_ms;
    void *slot;
    size_t slot_index;
};

struct store_limits {
    uint64_t deadline_ms;
    size_t in_flight;
};

/* Opens this worker's store and starts to connect. NULL without memory. The engine and the loop
 * must outlive the store. */
struct store *store_open(struct store_engine *engine, uv_loop_t *loop, struct store_limits limits);
/* Returns whether operations would be sent now. If not, they wait for a while or are refused. */
bool store_is_ready(const struct store *store);
/* How many settings of the database weaken a promise of the service; the log names them. */
unsigned store_warnings(const struct store *store);

/* Asks whether the store answers. */
void store_ping(struct store *store, struct store_op *op, store_done_fn done);

/* Stores op->create.discount. Inputs: its id and what the brand gave. Output: created_at_us,
 * greater than that of every earlier discount.
 *
 * With an idempotency_key that this brand used within the last 24 hours, nothing is stored. If the
 * inputs are the same (the id aside), the output is the first discount and `replayed` is true. If
 * they differ, the status is IDEMPOTENCY_KEY_REUSED. */
void store_create(struct store *store, struct store_op *op, store_done_fn done);

/* Reads the discount with the id in op->get.discount. Statuses: DISCOUNT_NOT_FOUND. */
void store_get(struct store *store, struct store_op *op, store_done_fn done);

/* Reads up to `limit` discounts in order of creation, of one brand or of all, created after
 * `after_us` (0: from the first). Fewer than `limit` mean that the list has ended. */
void store_list(struct store *store, struct store_op *op, store_done_fn done);

/* Grants op->grant.grant.discount_id to user_id. A user who holds a grant gets the same one with
 * `replayed`, even when the discount is sold out or has expired by then. Statuses:
 * DISCOUNT_NOT_FOUND, DISCOUNT_NOT_STARTED, DISCOUNT_EXPIRED, DISCOUNT_EXHAUSTED. */
void store_grant(struct store *store, struct store_op *op, store_done_fn done);

/* Returns whether store_grant would certainly refuse this grant, judging by its answers to others.
 * If true, `*ret_status` is DISCOUNT_EXHAUSTED or DISCOUNT_EXPIRED, and may be sent as the answer.
 * It returns at once and submits nothing. False tells nothing: ask store_grant. For a user who
 * holds the grant, or might, it is always false.
 *
 * A change that another program makes in the data is seen as soon as the connection is lost, else
 * within a second. If one holder is replaced by another, it takes up to a minute
 * (docs/adr/0014). */
bool store_refuses(struct store *store, const struct grant *grant, enum status *ret_status);

/* Reads the grant with the discount_id and user_id in op->grant.grant. Statuses:
 * DISCOUNT_NOT_FOUND, GRANT_NOT_FOUND. */
void store_grant_get(struct store *store, struct store_op *op, store_done_fn done);

/* Reads up to `limit` grants of a discount after the one given, by granted_at and then by the bytes
 * of user_id. Fewer than `limit` mean that the list has ended. While grants are added, no grant
 * comes twice, and none that was there from the beginning is left out. Statuses:
 * DISCOUNT_NOT_FOUND. */
void store_grants(struct store *store, struct store_op *op, store_done_fn done);

/* Reads up to `limit` grants that a user holds, after the one given, newest first and then by
 * descending id. Otherwise as store_grants. A user who holds nothing has an empty list. */
void store_wallet(struct store *store, struct store_op *op, store_done_fn done);

/* Calls `done` for all operations that have completed. Called by the worker only, after each poll
 * of the loop. The loop does not wait while there is something to deliver. */
void store_deliver(struct store *store);
/* Sends all operations submitted since the last flush, in one write. Called by the worker only. */
void store_flush(struct store *store);

/* Completes all operations in flight and begins to close. Then call store_deliver once more; its
 * `done` functions must not submit again. Run the loop until its handles are closed, then call
 * store_free. */
void store_close(struct store *store);
void store_free(struct store *store);

#endif
