/* SPDX-License-Identifier: MIT */
/* A copy of a database in the making, step by step. What the connection it is made through writes
 * between two steps goes into the copy too (SQLite, "Online Backup API"), so it is a state of the
 * moment of the last step. It grows under a name of its own, behind which is "-partial", and gets
 * its real one when it is whole and on the disk. Whoever makes it holds a lock on it (flock); one
 * that nobody holds was left by a process that was killed, and the next backup to the name removes
 * it. */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/sqlite/db.h"

/* What one step copies, 1 MiB: about a millisecond, in which a store that serves does nothing else.
 */
#define BACKUP_PAGES 512

enum backup_state { BACKUP_GOING_ON, BACKUP_DONE, BACKUP_FAILED };

struct sqlite_backup {
    const char *path; /* borrowed; nothing must be there, nor a log or journal of that name */
    enum backup_state state;
    uint64_t done, total; /* pages */
    char error[STORE_ERROR_SIZE];

    /* Its own, of the thread that has the connection. */
    sqlite3 *copy;
    sqlite3_backup *steps;
    int fd; /* of the copy; it has the lock */
    char partial_path[4200];
};

/* Sets up a backup to `path`; nothing is opened yet. */
void sqlite_backup_init(struct sqlite_backup *backup, const char *path);
/* Copies up to `pages` more; begins at the first call. It sets `state`; after DONE and FAILED
 * nothing of it is left open. */
void sqlite_backup_step(struct sqlite_backup *backup, struct sqlite_db *db, int pages);
/* Between two steps, on any thread: waits until what was copied is on the disk, so that the last
 * step does not have to wait for all of it. */
void sqlite_backup_settle(struct sqlite_backup *backup);
/* Gives it up: FAILED with this fault. */
void sqlite_backup_abort(struct sqlite_backup *backup, const char *error);

#endif
