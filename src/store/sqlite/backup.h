/* SPDX-License-Identifier: MIT */
/* A backup: a copy of a database, made step by step. Pages that the same connection writes between
 * two steps go into the copy too (SQLite, "Online Backup API"). So the copy is the state at the
 * moment of the last step. It grows in a directory of its own (partial.h), and gets its final name
 * when it is complete and on the disk. */
#ifndef STORE_SQLITE_BACKUP_H
#define STORE_SQLITE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/sqlite/db.h"
#include "store/sqlite/partial.h"

/* Pages per step: 1 MiB. That takes about a millisecond, in which a serving store does nothing
 * else. */
#define BACKUP_PAGES 512

enum backup_state { BACKUP_GOING_ON, BACKUP_DONE, BACKUP_FAILED };

struct sqlite_backup {
    const char *path; /* borrowed; no file of this name may exist, nor its log or journal */
    enum backup_state state;
    uint64_t done, total; /* pages */
    char error[STORE_ERROR_SIZE];
    bool is_unreadable; /* it failed because of what it was to copy */

    /* Private, for the thread that has the connection. */
    sqlite3 *copy;
    sqlite3_backup *steps;
    struct sqlite_partial partial;
};

/* Sets up a backup to `path`; nothing is opened yet. */
void sqlite_backup_init(struct sqlite_backup *backup, const char *path);
/* Copies up to `pages` more pages; the first call begins the backup. It sets `state`. After DONE
 * and FAILED nothing is left open. */
void sqlite_backup_step(struct sqlite_backup *backup, struct sqlite_db *db, int pages);
/* Waits until the pages copied so far are on the disk, so that the last step has less to wait for.
 * Called between two steps, on any thread. */
void sqlite_backup_settle(struct sqlite_backup *backup);
/* Cancels the backup: FAILED with this error. */
void sqlite_backup_abort(struct sqlite_backup *backup, const char *error);

/* Waits until the name is on the disk, which it is when its directory is. False with errno. Any
 * thread. */
bool sqlite_backup_sync_name(const char *path);

#endif
