/* SPDX-License-Identifier: MIT */
#include "support/seed.h"

#include <stdlib.h>
#include <sys/random.h>

#include "support/test.h"

uint32_t seed_choose(const char *name)
{
    const char *given = getenv(name);
    uint32_t seed = 0;

    if (given != NULL) {
        seed = (uint32_t)strtoul(given, NULL, 10);
    } else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
        abort();
    }
    seed += seed == 0; /* a state of 0 would only give zeros */
    print_message("%s=%u\n", name, seed);
    return seed;
}

uint32_t random_next(uint32_t *state)
{
    /* xorshift32 (Marsaglia) */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}
