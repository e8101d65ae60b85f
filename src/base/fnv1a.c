/* SPDX-License-Identifier: MIT */
/* One exclusive or and one multiplication for each byte. */
#include "base/fnv1a.h"

uint64_t fnv1a(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    }
    return hash;
}
