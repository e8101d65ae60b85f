/* SPDX-License-Identifier: MIT */
/* The command "backup": copies the store, whether a process serves it or not. */
#ifndef COMMANDS_BACKUP_H
#define COMMANDS_BACKUP_H

#include "discount/engine.h"

/* Copies the data of an engine that is not started to `file`, which must not exist yet. Reports
 * success on stdout, or the error on stderr. Returns the exit code of the process. Blocks. */
int command_backup(struct store_engine *engine, const char *file);

#endif
