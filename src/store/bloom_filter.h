/* SPDX-License-Identifier: MIT */
/* The users who hold a discount, as a Bloom filter. If the filter does not have a user, it is
 * certain that the user was never added. For a small share of the others it says wrongly that they
 * may have been added. Users are given as hashes of their ids under a secret key. Any thread, one
 * at a time. */
#ifndef STORE_BLOOM_FILTER_H
#define STORE_BLOOM_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With 16 bits per user, 1 in 1,700 users who were not added is reported as one who may be. */
#define BLOOM_FILTER_BITS 16

struct bloom_filter {
    uint64_t *words; /* owned */
    uint32_t bits;
};

/* Returns the size in bytes for this many users; SIZE_MAX when a filter cannot have so many. */
size_t bloom_filter_size(int64_t users);
/* Initializes an empty filter. False without memory, and for more users than a filter can have. */
bool bloom_filter_init(struct bloom_filter *filter, int64_t users);
void bloom_filter_fini(struct bloom_filter *filter);

void bloom_filter_add(struct bloom_filter *filter, uint64_t hash);
bool bloom_filter_may_have(const struct bloom_filter *filter, uint64_t hash);

#endif
