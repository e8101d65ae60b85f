/* SPDX-License-Identifier: MIT */
/* SQLite's write-ahead log, written in pieces of many pages. SQLite writes each page of a commit
 * with two calls, 24 bytes and the page; here they gather until it asks for anything else of the
 * log, at the latest for the sync that ends the commit. docs/adr/0017 has the figures. */
#ifndef STORE_SQLITE_WAL_VFS_H
#define STORE_SQLITE_WAL_VFS_H

/* The name of a VFS (SQLite, "The OS Interface") that does this above the one which was the default
 * when this was called first, and leaves all other files to it. A write that finds its quota used
 * up, or a file as long as the process may make it, says SQLITE_FULL there, as on a full disk.
 * NULL, which is the default VFS, when it cannot be registered. Any thread. */
const char *sqlite_wal_vfs(void);

#endif
