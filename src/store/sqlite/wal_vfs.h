/* SPDX-License-Identifier: MIT */
/* SQLite's write-ahead log, written in pieces of many pages. SQLite writes each page of a commit
 * with two calls: 24 bytes, then the page. Here these writes are collected until SQLite calls any
 * other function of the log. The latest is the sync that ends the commit. docs/adr/0017 has the
 * measurements. */
#ifndef STORE_SQLITE_WAL_VFS_H
#define STORE_SQLITE_WAL_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

/* The header of a log, which SQLite writes anew whenever it begins the log anew. */
#define SQLITE_WAL_VFS_HEAD 32

/* Registers the VFS (SQLite, "The OS Interface") and returns its name. It runs on top of the VFS
 * that was the default at the first call, and passes all other files on to that. A write beyond a
 * disk quota or the largest file size allowed fails with SQLITE_FULL, as on a full disk. NULL,
 * which means the default VFS, when it cannot be registered. Any thread. */
const char *sqlite_wal_vfs(void);

/* What a log holds as long as nobody else changes it. */
struct sqlite_wal_vfs_log {
    sqlite3_int64 size; /* at least */
    bool has_head;
    unsigned char head[SQLITE_WAL_VFS_HEAD]; /* if has_head */
    /* Another process had made the log shorter when SQLite wrote into it again. What was cut off is
     * a hole now, which a read reports as a short read. */
    bool is_cut;
};

/* False when `file` is no open log of this VFS. The thread that has the connection. */
bool sqlite_wal_vfs_describe(const sqlite3_file *file, struct sqlite_wal_vfs_log *ret_log);

#endif
