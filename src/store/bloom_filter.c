/* SPDX-License-Identifier: MIT */
/* Eight bits for each user, of sixteen for each to choose from; eleven would do little better. The
 * eight places come from the two halves of one hash, place i = a + i * b, which is as good as
 * eight hashes (Kirsch and Mitzenmacher, "Less Hashing, Same Performance: Building a Better Bloom
 * Filter", 2006). */
#include "store/bloom_filter.h"

#include <stdlib.h>

#define PROBES 8
#define WORD_BITS 64
/* Far from where the places of 32 bits would no longer be spread evenly. */
#define BITS_MOST (UINT32_C(1) << 28)

/* Whole words, and one for nobody. */
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

/* The i-th place of a user. */
static uint32_t probe_of(const struct bloom_filter *filter, uint64_t hash, uint32_t i)
{
    /* Odd, so that the places of one user differ. */
    uint32_t step = (uint32_t)(hash >> 32) | 1;
    uint32_t at = (uint32_t)hash + i * step;

    /* From all of 32 bits to those of the filter, without a division. */
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
