/* SPDX-License-Identifier: MIT */
/* One store's memory of discounts that will never be granted to anybody else: they are sold out or
 * have expired. The holders of such a discount no longer change. So a user who is known not to be a
 * holder can be refused without asking the backend (docs/adr/0014).
 *
 * The cache learns from the backend's answers to grants. When a discount is refused often, the
 * cache reads its holders page by page into a filter, with an operation of its own. It forgets a
 * discount on any sign of a change, and no answer is used for long: see the constants. The cache
 * belongs to its store, on the worker's thread. Times are those of the loop. */
#ifndef STORE_REFUSAL_CACHE_H
#define STORE_REFUSAL_CACHE_H

#include "discount/store.h"

/* How long the backend's final answer about a discount is used, counted from when it was asked. */
#define REFUSAL_CACHE_FRESH_MS 1000
/* How often one request is let through to the backend, to renew that answer. */
#define REFUSAL_CACHE_ASK_MS 250
/* The greatest age of a filter, counted from when its loading began. Every change of the holders
 * changes their number, except replacing one holder by another. Only another program can do that in
 * the data. This bounds how long such a change is not seen. */
#define REFUSAL_CACHE_FILTER_MS 60000
/* Number of refusals by the backend before one page of holders is read, and the size of a page. A
 * page costs Redis about as much as these refusals. */
#define REFUSAL_CACHE_REFUSALS 32
#define REFUSAL_CACHE_PAGE 256
/* After a load times out, wait for this many times the refusals it cost before trying again. */
#define REFUSAL_CACHE_REST 8
/* The bounds: discounts, and bytes of all their filters. The least recently used one is dropped. A
 * discount whose filter alone would be larger is not cached. */
#define REFUSAL_CACHE_DISCOUNTS 1024
#define REFUSAL_CACHE_BYTES ((size_t)20 * 1024 * 1024)

struct refusal_cache;

/* NULL without memory, or without random bytes for its key. */
struct refusal_cache *refusal_cache_new(void);
/* Must not be called while the store is reading its page. */
void refusal_cache_free(struct refusal_cache *refusal_cache);

/* Returns whether the backend would certainly refuse this grant, and with which status. */
bool refusal_cache_refuses(struct refusal_cache *refusal_cache, const struct grant *grant,
                           uint64_t now_ms, enum status *ret_status);

/* Learns from the backend's answer to a grant that was submitted at `asked_ms`. */
void refusal_cache_learn(struct refusal_cache *refusal_cache, const struct store_op *op,
                         enum status status, uint64_t asked_ms);
/* Forgets everything. Called when the backend may no longer have the same data. */
void refusal_cache_forget(struct refusal_cache *refusal_cache);

/* Returns the next page of holders to read, or NULL: none is wanted, or one is being read. It is an
 * operation with the inputs of STORE_GRANTS; submit it with refusal_cache_page_done. */
struct store_op *refusal_cache_page(struct refusal_cache *refusal_cache, uint64_t now_ms);
void refusal_cache_page_done(struct store_op *op);
/* Returns whether the operation is the cache's own. */
bool refusal_cache_is_page(const struct refusal_cache *refusal_cache, const struct store_op *op);

/* The current sizes. */
size_t refusal_cache_discounts(const struct refusal_cache *refusal_cache);
size_t refusal_cache_bytes(const struct refusal_cache *refusal_cache);

#endif
