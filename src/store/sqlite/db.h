/* SPDX-License-Identifier: MIT */
/* A SQLite database, in a file or in memory, with exclusive access: locked against every other
 * process, recovered, and migrated to this version's schema. Used by one thread at a time. A struct
 * sqlite_db must not move while it is open. */
#ifndef STORE_SQLITE_DB_H
#define STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "discount/engine.h"
#include "discount/status.h"
#include "store/sqlite/watch.h"

struct sqlite_db {
    sqlite3 *handle;
    bool is_new;            /* it was empty before it was opened */
    bool is_damaged;        /* the open failed because it is damaged */
    int log_pages;          /* length of the write-ahead log after the last commit */
    bool has_grown;         /* the log has grown since the last sqlite_db_checkpoint */
    bool checkpoint_failed; /* and this was logged */
    struct sqlite_watch watch;
};

/* The schema, as steps from an empty file. Step i is SQL text that migrates from version i to the
 * next. */
struct sqlite_db_schema {
    const char *const *steps;
    size_t count;
};

extern const struct sqlite_db_schema sqlite_db_schema;

enum db_existence { DB_MUST_EXIST, DB_MAY_BE_NEW };

/* Opens `path` (":memory:" is memory) and locks it. If it may be new, it is migrated to the schema
 * in one transaction. Another process that has it is waited for, up to a quarter of a second.
 *
 * False, with a text for the operator in ret_error, when the file
 *   - is in use by another process or cannot be written,
 *   - belongs to another program,
 *   - has a later version, or an earlier one where it must exist,
 *   - is damaged, which ret_db then says.
 * On failure the file's content is unchanged. */
bool sqlite_db_open(const char *path, enum db_existence existence,
                    const struct sqlite_db_schema *schema, struct sqlite_db *ret_db,
                    char ret_error[STORE_ERROR_SIZE]);
/* Writes the log into the file, wherever that is now, and empties the log. Otherwise SQLite would
 * apply the log to a file that has taken this one's place. False when that failed. */
bool sqlite_db_empty_log(const struct sqlite_db *db);
/* As sqlite_db_empty_log, then closes. Every statement must be finalized before. */
void sqlite_db_close(struct sqlite_db *db);

/* Returns the status for the last failed call, whose transaction is rolled back: CORRUPT when the
 * file is damaged, else UNAVAILABLE. It logs one line, except for a full disk, which would give a
 * line for each operation. */
enum status sqlite_db_status(const struct sqlite_db *db);

/* Writes the log into the file when the log has become long, or longer than the free room. False
 * when the disk reports that it lost earlier writes. */
bool sqlite_db_checkpoint(struct sqlite_db *db);

#endif
