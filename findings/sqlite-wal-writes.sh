#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a commit in WAL mode is one write of all its pages, or one write for each page.
# What happens: each page is two writes, 24 bytes of head and the page itself, however many pages the commit has.
# Why it matters: a commit of 64 small changes is over a hundred system calls, more than all else that such a service does.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libsqlite3-0=3.40.1-2+deb12u2 libsqlite3-dev=3.40.1-2+deb12u2
program writes libsqlite3.so.0 <<'C'
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static int heads, pages, others;

static ssize_t counted_pwrite(int fd, const void *data, size_t length, off64_t at) {
    if (length == 24) heads++;
    else if (length == 4096) pages++;
    else others++;
    return pwrite64(fd, data, length, at);
}

int main(int argc, char **argv) {
    sqlite3 *db;
    if (argc < 2 || sqlite3_initialize()) return 1;
    sqlite3_vfs *vfs = sqlite3_vfs_find(0);
    if (vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)counted_pwrite) ||
        vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)counted_pwrite)) return 1;
    if (sqlite3_open(argv[1], &db) ||
        sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                         "CREATE TABLE t(i INTEGER PRIMARY KEY, a TEXT);"
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64)"
                         "INSERT INTO t SELECT i, printf('%.3000c', 'x') FROM n", 0, 0, 0)) return 1;
    printf("SQLite %s\n", sqlite3_libversion());
    heads = pages = others = 0;
    if (sqlite3_exec(db, "UPDATE t SET a = printf('%.3000c', 'y')", 0, 0, 0)) return 1;
    printf("a commit of 64 pages: %d writes of 24 bytes, %d of a page, %d others\n", heads, pages, others);
    return sqlite3_close(db);
}
C
observe "$(cat <<'T'
SQLite 3.40.1
a commit of 64 pages: 64 writes of 24 bytes, 64 of a page, 0 others
T
)" "$("$temp/writes" "$temp/db")"
