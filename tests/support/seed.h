/* SPDX-License-Identifier: MIT */
/* Numbers drawn from a seed, which is told, so that a run can be repeated. */
#ifndef SUPPORT_SEED_H
#define SUPPORT_SEED_H

#include <stdint.h>

/* The seed that the environment variable `name` gives, or one that nobody chose; never 0. Printed.
 */
uint32_t seed_choose(const char *name);

/* The next number; *state is the seed at first. */
uint32_t random_next(uint32_t *state);

#endif
