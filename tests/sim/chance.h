/* SPDX-License-Identifier: MIT */
/* The source of random decisions: a seed, so that a run can be repeated, or the bytes of a fuzzer,
 * so that it can steer. Any thread, one at a time. */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
    const uint8_t *bytes; /* borrowed; NULL: use the seed */
    size_t left;
};

struct chance chance_from_seed(uint64_t seed);
/* After the bytes are used up, every decision is 0. */
struct chance chance_from_bytes(const uint8_t *bytes, size_t size);

/* Returns a number from 0 to n - 1; n is at least 1. Takes one byte for an n of up to 256, else
 * two. */
unsigned chance_below(struct chance *chance, unsigned n);
/* Returns true once in `n` times. */
bool chance_one_in(struct chance *chance, unsigned n);

#endif
