/* SPDX-License-Identifier: MIT */
/* A backup that is not finished: the file copy-partial, alone in a directory FILE-partial of mode
 * 0700. A store is a file, so no store can have that name. Whoever makes the copy holds a lock
 * (flock) on the directory; one that nobody holds was left by a process that was killed. Any
 * thread. */
#ifndef STORE_SQLITE_PARTIAL_H
#define STORE_SQLITE_PARTIAL_H

#include <stdbool.h>

#define SQLITE_PARTIAL_PATH 4200

struct sqlite_partial {
    char path[SQLITE_PARTIAL_PATH]; /* of the copy */
    char directory_path[SQLITE_PARTIAL_PATH];
    int fd;        /* of the copy, or -1; owned */
    int directory; /* it has the lock, or -1; owned */
};

/* There is none yet: sqlite_partial_remove has nothing to do. */
void sqlite_partial_init(struct sqlite_partial *partial);
/* Makes the directory for a backup to `file`, with an empty copy in it, and first removes one that
 * was left. Returns NULL, or why there is none. */
const char *sqlite_partial_make(struct sqlite_partial *partial, const char *file);
/* Removes what is still there of it, and the lock. */
void sqlite_partial_remove(struct sqlite_partial *partial);

#endif
