/* SPDX-License-Identifier: MIT */
/* Operations as SQL. On the thread that has the connection. */
#ifndef STORE_SQLITE_VERBS_H
#define STORE_SQLITE_VERBS_H

#include "discount/store.h"
#include "store/sqlite/db.h"

struct sqlite_verbs; /* the prepared statements of a connection */

/* Prepares the statements. Borrows the connection. NULL when one cannot be prepared; the
 * connection's error says why. */
struct sqlite_verbs *sqlite_verbs_open(struct sqlite_db *db);
void sqlite_verbs_close(struct sqlite_verbs *verbs);

/* Runs one operation and returns its status. The results are in its arena. */
enum status sqlite_verbs_run(struct sqlite_verbs *verbs, struct store_op *op);
/* Returns whether SQLite failed in the last operation, so that its transaction must be rolled back.
 * With any other status, even CORRUPT or OVERLOADED, the operation has written all or nothing. */
bool sqlite_verbs_have_failed(const struct sqlite_verbs *verbs);

/* Begins a transaction. After a false, and after a commit that was not OK, call
 * sqlite_verbs_rollback. */
bool sqlite_verbs_begin(struct sqlite_verbs *verbs);
/* OK, UNAVAILABLE (certainly not applied) or UNKNOWN (what is on the disk is not known). */
enum status sqlite_verbs_commit(struct sqlite_verbs *verbs);
void sqlite_verbs_rollback(struct sqlite_verbs *verbs);

#endif
