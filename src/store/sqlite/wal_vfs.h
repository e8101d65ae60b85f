/* SPDX-License-Identifier: MIT */
/* SQLite's write-ahead log, written in pieces of many pages. SQLite writes each page of a commit
 * with two calls: 24 bytes, then the page. Here these writes are collected until SQLite calls any
 * other function of the log. The latest is the sync that ends the commit. docs/adr/0017 has the
 * measurements. */
#ifndef STORE_SQLITE_WAL_VFS_H
#define STORE_SQLITE_WAL_VFS_H

/* Registers the VFS (SQLite, "The OS Interface") and returns its name. It runs on top of the VFS
 * that was the default at the first call, and passes all other files on to that. A write beyond a
 * disk quota or the largest file size allowed fails with SQLITE_FULL, as on a full disk. NULL,
 * which means the default VFS, when it cannot be registered. Any thread. */
const char *sqlite_wal_vfs(void);

#endif
