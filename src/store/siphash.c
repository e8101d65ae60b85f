/* SPDX-License-Identifier: MIT */
/* Four words of state, two rounds for every eight bytes, four rounds at the end. */
#include "store/siphash.h"

#include <endian.h>
#include <string.h>

#define WORD 8

static uint64_t rotated(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void rounds_do(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotated(v[1], 13) ^ v[0];
        v[3] = rotated(v[3], 16) ^ v[2];
        v[0] = rotated(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotated(v[1], 17) ^ v[2];
        v[3] = rotated(v[3], 21) ^ v[0];
        v[2] = rotated(v[2], 32);
    }
}

/* Reads up to eight bytes as a little-endian number, on any machine. */
static uint64_t word_of(const char *bytes, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, bytes, n);
    return le64toh(word);
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    rounds_do(v, 2);
    v[0] ^= word;
}

uint64_t siphash(const struct siphash_key *key, struct str text)
{
    size_t whole = text.n - text.n % WORD;
    uint64_t last = (uint64_t)text.n << 56;
    uint64_t v[4] = {
        key->words[0] ^ UINT64_C(0x736f6d6570736575),
        key->words[1] ^ UINT64_C(0x646f72616e646f6d),
        key->words[0] ^ UINT64_C(0x6c7967656e657261),
        key->words[1] ^ UINT64_C(0x7465646279746573),
    };

    for (size_t i = 0; i < whole; i += WORD) {
        absorb(v, word_of(text.p + i, WORD));
    }
    if (text.n > whole) {
        last |= word_of(text.p + whole, text.n - whole);
    }
    absorb(v, last);
    v[2] ^= 0xff;
    rounds_do(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
