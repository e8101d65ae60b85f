/* SPDX-License-Identifier: MIT */
/* The command "backup": a copy of the store while it serves, or at rest. */
#ifndef COMMANDS_BACKUP_H
#define COMMANDS_BACKUP_H

#include "discount/engine.h"

/* Writes a copy of the data of an engine that is not started to `file`, which must not be there
 * yet, and says so on stdout or why not on stderr. The process's exit code. Blocks. */
int command_backup(struct store_engine *engine, const char *file);

#endif
