/* SPDX-License-Identifier: MIT */
/* discountd verify: checks whether the data keep the promises. For every discount, the grants are
 * at most the stock, and all counts and indexes agree. */
#ifndef COMMANDS_VERIFY_H
#define COMMANDS_VERIFY_H

#include "discount/engine.h"
#include "service/config.h"

/* Verifies the store of an engine that is not started. If another process has locked the store, it
 * is asked for a copy, which is verified instead. Prints each finding, up to a thousand, and a
 * summary on stdout. Returns the exit code: 0 for no finding; 1 for findings; 2 if not everything
 * could be verified, with the reason on stderr. */
int command_verify(const struct config *config, struct store_engine *engine);

#endif
