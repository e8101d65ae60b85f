#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a quota that is used up, or a limit on the size of files, is SQLITE_FULL like a full disk.
# What happens: only ENOSPC is SQLITE_FULL. EDQUOT and EFBIG are SQLITE_IOERR_WRITE, like a disk that breaks.
# Why it matters: who stops at I/O errors and waits at a full disk stops where waiting would have done.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libsqlite3-0=3.40.1-2+deb12u2 libsqlite3-dev=3.40.1-2+deb12u2
program quota libsqlite3.so.0 <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static int fault;

static ssize_t faulty_pwrite(int fd, const void *data, size_t length, off64_t at) {
    if (!fault) return pwrite64(fd, data, length, at);
    errno = fault;
    return -1;
}

static void try(sqlite3 *db, const char *name, int number) {
    fault = number;
    int code = sqlite3_exec(db, "BEGIN IMMEDIATE; INSERT INTO t VALUES(1); COMMIT", 0, 0, 0);
    printf("%s: code %d, %s, transaction still open: %s\n", name, sqlite3_extended_errcode(db), sqlite3_errstr(code),
           sqlite3_get_autocommit(db) ? "no" : "yes");
    fault = 0;
    sqlite3_exec(db, "ROLLBACK", 0, 0, 0);
}

int main(int argc, char **argv) {
    sqlite3 *db;
    if (argc < 2 || sqlite3_initialize()) return 1;
    sqlite3_vfs *vfs = sqlite3_vfs_find(0);
    if (vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)faulty_pwrite) ||
        vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)faulty_pwrite)) return 1;
    if (sqlite3_open(argv[1], &db) || sqlite3_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a)", 0, 0, 0)) return 1;
    printf("SQLite %s\n", sqlite3_libversion());
    try(db, "ENOSPC", ENOSPC);
    try(db, "EDQUOT", EDQUOT);
    try(db, "EFBIG", EFBIG);
    return sqlite3_close(db);
}
C
observe "$(cat <<'T'
SQLite 3.40.1
ENOSPC: code 13, database or disk is full, transaction still open: no
EDQUOT: code 778, disk I/O error, transaction still open: no
EFBIG: code 778, disk I/O error, transaction still open: no
T
)" "$("$temp/quota" "$temp/db")"
