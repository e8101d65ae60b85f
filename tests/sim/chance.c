/* SPDX-License-Identifier: MIT */
#include "sim/chance.h"

struct chance chance_from_seed(uint64_t seed)
{
    return (struct chance){.state = seed};
}

struct chance chance_from_bytes(const uint8_t *bytes, size_t size)
{
    return (struct chance){.bytes = bytes, .left = size};
}

/* SplitMix64 (Steele, Lea, Flood 2014): any seed is good, even 0, 1 or 2. */
static uint64_t next(struct chance *chance)
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static unsigned byte_take(struct chance *chance)
{
    if (chance->left == 0) {
        return 0;
    }
    chance->left--;
    return *chance->bytes++;
}

unsigned chance_below(struct chance *chance, unsigned n)
{
    unsigned value;

    if (chance->bytes == NULL) {
        return (unsigned)(next(chance) % n);
    }
    value = byte_take(chance);
    return (n > 256 ? value << 8 | byte_take(chance) : value) % n;
}

bool chance_one_in(struct chance *chance, unsigned n)
{
    return chance_below(chance, n) == n - 1;
}
