/* SPDX-License-Identifier: MIT */
/* What lies beside the file of a store, before it is opened. Nothing is opened or changed here. Any
 * thread. */
#ifndef STORE_SQLITE_NAMES_H
#define STORE_SQLITE_NAMES_H

#include <stdbool.h>

#include "discount/engine.h"

/* Whether the file can be opened without harm to another one. False with a text for the operator:
 * another store has a name that would be this one's, or the log is there without its database. */
bool sqlite_names_allow_open(const char *path, char ret_error[STORE_ERROR_SIZE]);
/* Whether a service may start on it, besides. False with a text for the operator: it is a name that
 * belongs to another store, or data of it were rescued and nobody has decided about them. */
bool sqlite_names_allow_service(const char *path, char ret_error[STORE_ERROR_SIZE]);

#endif
