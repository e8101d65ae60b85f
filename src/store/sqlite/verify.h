/* SPDX-License-Identifier: MIT */
/* Looks at everything in a SQLite file, and changes nothing of it but what every start changes: a
 * log that was left is written into the file, an older version's schema is brought to this one's.
 */
#ifndef STORE_SQLITE_VERIFY_H
#define STORE_SQLITE_VERIFY_H

#include "discount/engine.h"

/* Damage is a fault in the audit, however bad. False, with a text in ret_error, when the file could
 * not be looked at: in use, not there, not ours, an error of the disk. */
bool sqlite_verify_file(const char *path, struct store_audit *audit,
                        char ret_error[STORE_ERROR_SIZE]);

#endif
