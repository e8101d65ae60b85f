/* SPDX-License-Identifier: MIT */
/* The users who hold a discount, as a Bloom filter: of a user whom it does not have it is certain
 * that he was never added; of few others it says that he may have been. Users come as the hashes of
 * their ids, under a key that nobody else knows. Any thread, one at a time. */
#ifndef STORE_BLOOM_FILTER_H
#define STORE_BLOOM_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One user in 1,700 who is not there is taken for one who may be. */
#define BLOOM_FILTER_BITS 16

struct bloom_filter {
    uint64_t *words; /* owned */
    uint32_t bits;
};

/* Bytes that a filter for this many users takes; SIZE_MAX: more than any filter may have. */
size_t bloom_filter_size(int64_t users);
/* An empty one. False without memory, and for more users than a filter may have. */
bool bloom_filter_init(struct bloom_filter *filter, int64_t users);
void bloom_filter_fini(struct bloom_filter *filter);

void bloom_filter_add(struct bloom_filter *filter, uint64_t hash);
bool bloom_filter_may_have(const struct bloom_filter *filter, uint64_t hash);

#endif
