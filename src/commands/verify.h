/* SPDX-License-Identifier: MIT */
/* discountd verify: whether the data hold what the service promises. For every discount, grants are
 * no more than the stock, and all counts and indexes agree. */
#ifndef COMMANDS_VERIFY_H
#define COMMANDS_VERIFY_H

#include "discount/engine.h"
#include "service/config.h"

/* Verifies what this engine, which is not started, would serve; if another process has it to
 * itself, a copy that this process is asked for. Each fault is a line on standard output, up to a
 * thousand, and so is the sum at the end. Returns the exit code: 0, no fault; 1, faults; 2, not all
 * could be looked at, which standard error explains. */
int command_verify(const struct config *config, struct store_engine *engine);

#endif
