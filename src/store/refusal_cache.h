/* SPDX-License-Identifier: MIT */
/* What one store remembers of discounts that will never be granted to anybody else: sold out, or
 * over. Who holds such a discount does not change any more, so whoever is known not to be among its
 * holders can be refused without asking the backend (docs/adr/0014).
 *
 * It learns from what the backend answers to grants. A discount that is refused often is worth its
 * holders: they are read page by page, by an operation of the memory's own, into a filter. It
 * forgets on every sign that something is not as it was, and believes nothing for long: see the
 * constants. It belongs to its store, on the worker's thread; times are those of the loop. */
#ifndef STORE_REFUSAL_CACHE_H
#define STORE_REFUSAL_CACHE_H

#include "discount/store.h"

/* For how long the backend's last word on a discount is good, counted from when it was asked. */
#define REFUSAL_CACHE_FRESH_MS 1000
/* How often one request is let through to the backend, to renew that. */
#define REFUSAL_CACHE_ASK_MS 250
/* How old a filter may become, counted from when its loading began. The number of holders shows
 * every change but an exchange of one for another, which nothing but a hand in the data can make;
 * this bounds how long that is not seen. */
#define REFUSAL_CACHE_FILTER_MS 60000
/* How many refusals by the backend pay for reading one page of holders, and how many it has. A page
 * costs Redis about as much as they do. */
#define REFUSAL_CACHE_REFUSALS 32
#define REFUSAL_CACHE_PAGE 256
/* A load that did not come to its end in time was in vain: this many times as many refusals as it
 * took go by before the next. */
#define REFUSAL_CACHE_REST 8
/* The bounds: discounts, and bytes of all their filters. The least recently used goes. A discount
 * whose filter alone would be larger is not remembered. */
#define REFUSAL_CACHE_DISCOUNTS 1024
#define REFUSAL_CACHE_BYTES ((size_t)20 * 1024 * 1024)

struct refusal_cache;

/* NULL without memory, or without random bytes for its key. */
struct refusal_cache *refusal_cache_new(void);
/* Not while its page is with the store. */
void refusal_cache_free(struct refusal_cache *refusal_cache);

/* Whether the backend would surely refuse this grant, and with which status. */
bool refusal_cache_refuses(struct refusal_cache *refusal_cache, const struct grant *grant,
                           uint64_t now_ms, enum status *ret_status);

/* What the backend said to a grant that was submitted at `asked_ms`. */
void refusal_cache_learn(struct refusal_cache *refusal_cache, const struct store_op *op,
                         enum status status, uint64_t asked_ms);
/* When there is no telling whether the backend still has the same data. */
void refusal_cache_forget(struct refusal_cache *refusal_cache);

/* The next page of holders to ask for, if one is wanted and the one before is done: inputs for
 * STORE_GRANTS, to be submitted with refusal_cache_page_done. NULL: none. */
struct store_op *refusal_cache_page(struct refusal_cache *refusal_cache, uint64_t now_ms);
void refusal_cache_page_done(struct store_op *op);
/* Whether this is the memory's own operation. */
bool refusal_cache_is_page(const struct refusal_cache *refusal_cache, const struct store_op *op);

/* What it holds now. */
size_t refusal_cache_discounts(const struct refusal_cache *refusal_cache);
size_t refusal_cache_bytes(const struct refusal_cache *refusal_cache);

#endif
