/* SPDX-License-Identifier: MIT */
/* Random numbers from a seed. The seed is printed, so that a run can be repeated. */
#ifndef SUPPORT_SEED_H
#define SUPPORT_SEED_H

#include <stdint.h>

/* Returns the seed in the environment variable `name`, or a random one; never 0. Prints it. */
uint32_t seed_choose(const char *name);

/* Returns the next number; *state is the seed at first. */
uint32_t random_next(uint32_t *state);

#endif
