/* SPDX-License-Identifier: MIT */
/* Each user sets 8 bits of the filter, which has 16 bits per user; 11 set bits would hardly be
 * better. The 8 positions come from the two halves of one hash: position i = a + i * b. That is as
 * good as 8 hashes (Kirsch and Mitzenmacher, "Less Hashing, Same Performance: Building a Better
 * Bloom Filter", 2006). */
#include "store/bloom_filter.h"

#include <stdlib.h>

#define PROBES 8
#define WORD_BITS 64
/* Far below the size at which 32-bit positions would no longer be spread evenly. */
#define BITS_MOST (UINT32_C(1) << 28)

/* Rounded to whole words, and one more, so that a filter for 0 users has one. */
static uint32_t bits_for(int64_t users)
{
    uint32_t words = (uint32_t)(users * BLOOM_FILTER_BITS / WORD_BITS) + 1;

    return words * WORD_BITS;
}

size_t bloom_filter_size(int64_t users)
{
    return users > BITS_MOST / BLOOM_FILTER_BITS ? SIZE_MAX : bits_for(users) / 8;
}

bool bloom_filter_init(struct bloom_filter *filter, int64_t users)
{
    size_t size = bloom_filter_size(users);

    filter->words = size == SIZE_MAX ? NULL : calloc(1, size);
    filter->bits = filter->words == NULL ? 0 : bits_for(users);
    return filter->words != NULL;
}

void bloom_filter_fini(struct bloom_filter *filter)
{
    free(filter->words);
    filter->words = NULL;
}

/* Returns the i-th position of a user. */
static uint32_t probe_of(const struct bloom_filter *filter, uint64_t hash, uint32_t i)
{
    /* Odd, so that the positions of one user differ. */
    uint32_t step = (uint32_t)(hash >> 32) | 1;
    uint32_t at = (uint32_t)hash + i * step;

    /* Scales 32 bits to the size of the filter, without a division. */
    return (uint32_t)((uint64_t)at * filter->bits >> 32);
}

void bloom_filter_add(struct bloom_filter *filter, uint64_t hash)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t bit = probe_of(filter, hash, i);

        filter->words[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
    }
}

bool bloom_filter_may_have(const struct bloom_filter *filter, uint64_t hash)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t bit = probe_of(filter, hash, i);

        if ((filter->words[bit / WORD_BITS] >> bit % WORD_BITS & 1) == 0) {
            return false;
        }
    }
    return true;
}
