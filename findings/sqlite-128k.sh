#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: xWrite of SQLite's own file system layer writes as many bytes as its int says.
# What happens: 128 KiB at once writes nothing and is SQLITE_FULL on a disk with room. One byte less works.
# Why it matters: a layer on top that gathers writes sees a full disk that is none, as soon as a piece has that length.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libsqlite3-0=3.40.1-2+deb12u2 libsqlite3-dev=3.40.1-2+deb12u2
program big libsqlite3.so.0 <<'C'
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static char data[128 * 1024];

int main(int argc, char **argv) {
    static const int lengths[] = {131071, 131072};
    int flags = SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB;
    if (argc < 2 || sqlite3_initialize()) return 1;
    printf("SQLite %s\n", sqlite3_libversion());
    for (int i = 0; i < 2; i++) {
        sqlite3_vfs *vfs = sqlite3_vfs_find(0);
        sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
        sqlite3_int64 size = -1;
        if (vfs->xOpen(vfs, argv[1], file, flags, 0)) return 1;
        file->pMethods->xTruncate(file, 0);
        int code = file->pMethods->xWrite(file, data, lengths[i], 0);
        file->pMethods->xFileSize(file, &size);
        printf("%d bytes: %s, the file has %lld\n", lengths[i], sqlite3_errstr(code), size);
        file->pMethods->xClose(file);
        free(file);
    }
    return 0;
}
C
observe "$(cat <<'T'
SQLite 3.40.1
131071 bytes: not an error, the file has 131071
131072 bytes: database or disk is full, the file has 0
T
)" "$("$temp/big" "$temp/file")"
