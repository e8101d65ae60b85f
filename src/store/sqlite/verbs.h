/* SPDX-License-Identifier: MIT */
/* Operations as SQL. On the thread that has the connection. */
#ifndef STORE_SQLITE_VERBS_H
#define STORE_SQLITE_VERBS_H

#include "discount/store.h"
#include "store/sqlite/db.h"

struct sqlite_verbs; /* the statements of a connection, prepared once */

/* Borrows the connection. NULL when a statement cannot be prepared, which the connection's error
 * explains. */
struct sqlite_verbs *sqlite_verbs_open(struct sqlite_db *db);
void sqlite_verbs_close(struct sqlite_verbs *verbs);

/* Runs one operation and returns its status; its results are in its arena. */
enum status sqlite_verbs_run(struct sqlite_verbs *verbs, struct store_op *op);
/* Whether SQLite failed in it, so that the transaction around it must be rolled back. Any other
 * status, CORRUPT and OVERLOADED too, has written nothing or all of it. */
bool sqlite_verbs_have_failed(const struct sqlite_verbs *verbs);

/* The transaction. After a false, and after a commit that was not OK, comes sqlite_verbs_rollback.
 */
bool sqlite_verbs_begin(struct sqlite_verbs *verbs);
/* OK, or UNAVAILABLE: surely not applied, or UNKNOWN: nobody can say what is on the disk. */
enum status sqlite_verbs_commit(struct sqlite_verbs *verbs);
void sqlite_verbs_rollback(struct sqlite_verbs *verbs);

#endif
