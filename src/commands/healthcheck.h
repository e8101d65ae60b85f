/* SPDX-License-Identifier: MIT */
/* discountd --healthcheck: asks the discountd that runs with the same configuration whether it is
 * ready. For containers, whose image then needs no HTTP client. */
#ifndef COMMANDS_HEALTHCHECK_H
#define COMMANDS_HEALTHCHECK_H

#include <stdbool.h>

#include "service/config.h"

/* Blocks for at most a few seconds. True if /readyz answers 200. */
bool command_healthcheck(const struct config *config);

#endif
