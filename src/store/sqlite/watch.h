/* SPDX-License-Identifier: MIT */
/* Watches the files of an open database and its write-ahead log. A name may no longer belong to the
 * file that SQLite has open, or a file may no longer hold what SQLite wrote. Then another process
 * has removed, renamed, replaced, cut off or overwritten it. In memory there is nothing to watch.
 * The thread that has the connection. */
#ifndef STORE_SQLITE_WATCH_H
#define STORE_SQLITE_WATCH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* The header of a database file. */
#define SQLITE_WATCH_HEAD 100

struct sqlite_watch_file {
    const char *path;   /* SQLite's; NULL: there is no file */
    sqlite3_file *file; /* SQLite's */
    dev_t device;
    ino_t inode;
    struct timespec changed; /* when the file last changed, as far as we know */
    sqlite3_int64 size;      /* at least */
    size_t head_size;        /* how much of head is known */
    unsigned char head[SQLITE_WATCH_HEAD];
};

struct sqlite_watch {
    struct sqlite_watch_file database, log;
};

/* What the open files have lost, whatever their names are now. */
enum sqlite_watch_loss {
    WATCH_LOST_NOTHING,
    WATCH_LOST_LOG,    /* the end of the log; SQLite may still have those pages in memory */
    WATCH_LOST_UNKNOWN /* some of the database, or either was overwritten */
};

/* Begins, once nothing of the log is left in front of the database. False when another process has
 * taken one of the files meanwhile. The watch lives as long as the connection at most. */
bool sqlite_watch_begin(struct sqlite_watch *watch, sqlite3 *handle);
/* SQLite has just written into the database: the file holds what it should. */
void sqlite_watch_accept(struct sqlite_watch *watch);
/* Returns what happened to one of the files, as the end of a sentence that begins with its path; or
 * NULL when they are as they should be. Costs a stat of each file. */
const char *sqlite_watch_look(struct sqlite_watch *watch, const char **ret_path);
/* Reads what the open files hold. */
enum sqlite_watch_loss sqlite_watch_loss(const struct sqlite_watch *watch);

#endif
