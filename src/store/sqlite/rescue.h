/* SPDX-License-Identifier: MIT */
/* Saves what a store holds after another process took one of its files away. SQLite still has the
 * files open, and the newest pages in memory; both end with this process. The thread that has the
 * connection, with no transaction open. */
#ifndef STORE_SQLITE_RESCUE_H
#define STORE_SQLITE_RESCUE_H

#include "store/sqlite/db.h"
#include "store/sqlite/partial.h"

struct sqlite_rescue {
    char path[SQLITE_PARTIAL_PATH]; /* of the copy: PATH-rescued-TIME */
    bool is_whole;                  /* all that was answered is in it */
    char error[STORE_ERROR_SIZE];
};

/* Copies everything into one new file beside the database, of its own user only, which is on the
 * disk afterwards. Pages that SQLite cannot read any more make it two raw copies, of the database
 * and of the log (PATH-rescued-TIME-wal), which are not whole. Then empties the log, so that no
 * database that comes into this one's place is given it. False with an error text, and then nothing
 * has changed: the caller may try again. */
bool sqlite_rescue_save(struct sqlite_db *db, struct sqlite_rescue *ret_rescue);

#endif
