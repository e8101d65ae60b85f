/* SPDX-License-Identifier: MIT */
/* A SQLite file, or memory, that is ours alone: locked against every other process, recovered, and
 * of this version's schema. Used by one thread at a time. A struct sqlite_db does not move while it
 * is open. */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "discount/engine.h"
#include "discount/status.h"

struct sqlite_db {
    sqlite3 *handle;
    bool is_new;            /* it was empty when it was opened */
    bool is_damaged;        /* which is why it could not be */
    int log_pages;          /* how long the write-ahead log was after the last commit */
    bool has_grown;         /* it is longer than sqlite_db_checkpoint has seen it */
    bool checkpoint_failed; /* and the operator was told */
};

/* The way from an empty file to today's schema: step i, SQL text, makes version i + 1 of version i.
 */
struct sqlite_db_schema {
    const char *const *steps;
    size_t count;
};

extern const struct sqlite_db_schema sqlite_db_schema;

enum db_existence { DB_MUST_EXIST, DB_MAY_BE_NEW };

/* Opens `path` (":memory:" is memory), locks it and, if it may be new, brings it to the schema in
 * one transaction. False with a text for the operator in ret_error: in use by another process, not
 * ours, of a later version, or of an earlier one where it must exist, not writable, damaged, which
 * ret_db then says. The file's content is as it was. Whoever is in the way is waited for, a quarter
 * of a second. */
bool sqlite_db_open(const char *path, enum db_existence existence,
                    const struct sqlite_db_schema *schema, struct sqlite_db *ret_db,
                    char ret_error[STORE_ERROR_SIZE]);
/* Whether the path names another file than the one that is open, or none: it was moved, removed or
 * replaced, and nobody who opens it will find what is written from now on. */
bool sqlite_db_has_moved(const struct sqlite_db *db);
/* Writes the log into the file, wherever that has been moved to, and leaves it empty: a file that
 * has come into this one's place would be given it. As far as that can be. */
void sqlite_db_empty_log(const struct sqlite_db *db);
/* The same, and closes. Every statement must
 * be finalized before. */
void sqlite_db_close(struct sqlite_db *db);

/* What the last failed call means for an operation whose transaction is rolled back: CORRUPT when
 * the file is damaged, else UNAVAILABLE. One line in the log, but for a full disk, where there
 * would be one for each operation. */
enum status sqlite_db_status(const struct sqlite_db *db);

/* Writes the log into the file when it has become long, or longer than there is room. False when
 * the disk says that it lost what was written before. */
bool sqlite_db_checkpoint(struct sqlite_db *db);

#endif
