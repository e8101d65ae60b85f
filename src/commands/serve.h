/* SPDX-License-Identifier: MIT */
/* discountd without arguments: serves until SIGTERM, SIGINT or SIGHUP. */
#ifndef COMMANDS_SERVE_H
#define COMMANDS_SERVE_H

#include "discount/engine.h"
#include "service/config.h"

/* On main's thread, once in a process. Lowers config->connections where the limit of open files
 * allows no more. Returns the exit code: 0 after a drain. */
int command_serve(struct config *config, struct store_engine *engine);

#endif
