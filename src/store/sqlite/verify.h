/* SPDX-License-Identifier: MIT */
/* Checks all data in a SQLite file. It changes only what every start changes: a left-over log is
 * written into the file, and an older schema is migrated to this version. */
#ifndef STORE_SQLITE_VERIFY_H
#define STORE_SQLITE_VERIFY_H

#include "discount/engine.h"

/* Damage is reported as findings, however bad it is. False, with a text in ret_error, when the file
 * could not be checked: it is in use, missing, of another program, or the disk failed. */
bool sqlite_verify_file(const char *path, struct store_audit *audit,
                        char ret_error[STORE_ERROR_SIZE]);

#endif
