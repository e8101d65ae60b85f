/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). Without the key,
 * nobody can choose texts whose hashes collide. Pure; any thread. */
#ifndef STORE_SIPHASH_H
#define STORE_SIPHASH_H

#include <stdint.h>

#include "discount/str.h"

struct siphash_key {
    uint64_t words[2];
};

uint64_t siphash(const struct siphash_key *key, struct str text);

#endif
