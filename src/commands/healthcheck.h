/* SPDX-License-Identifier: MIT */
/* discountd --healthcheck: asks the discountd with the same configuration whether it is ready. It
 * is for containers: their image then needs no HTTP client. */
#ifndef COMMANDS_HEALTHCHECK_H
#define COMMANDS_HEALTHCHECK_H

#include <stdbool.h>

#include "service/config.h"

/* Returns whether /readyz answers 200. Blocks for at most a few seconds. */
bool command_healthcheck(const struct config *config);

#endif
