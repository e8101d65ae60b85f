/* SPDX-License-Identifier: MIT */
/* FNV-1a with 64 bits. It has no key, so it is for places where nobody gains anything by
 * a collision. Pure; any thread. */
#ifndef BASE_FNV1A_H
#define BASE_FNV1A_H

#include <stdint.h>

#include "discount/str.h"

#define FNV1A_EMPTY UINT64_C(14695981039346656037)

/* Returns the hash of a text that continues one with this hash: FNV1A_EMPTY at its beginning. */
uint64_t fnv1a(uint64_t hash, struct str text);

#endif
