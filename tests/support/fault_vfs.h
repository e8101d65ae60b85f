/* SPDX-License-Identifier: MIT */
/* A disk that fails on command. Everything that SQLite writes to databases and their write-ahead
 * logs passes through it; other calls go straight to the system. Any thread; faults apply to the
 * whole process. */
#ifndef SUPPORT_FAULT_VFS_H
#define SUPPORT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_file { FAULT_DATABASE, FAULT_LOG, FAULT_FILES };
/* FAULT_LOCK: a request for the exclusive lock of the file. */
enum fault_call { FAULT_WRITE, FAULT_SYNC, FAULT_LOCK, FAULT_CALLS };

/* Installs the disk. Every database that is opened from now on is on it; it has no faults yet. */
void fault_vfs_install(void);
/* Removes all faults. Calls that hang go on. */
void fault_vfs_mend(void);

/* Lets the next `after` calls pass; the `times` calls after them fail with this SQLite code. */
void fault_vfs_fail(enum fault_file file, enum fault_call call, unsigned after, unsigned times,
                    int code);
/* From now on a failing write writes this many of its bytes, until the disk is mended. */
void fault_vfs_tear(int bytes);
/* From now on a failing call sets errno to this number, until the disk is mended. */
void fault_vfs_errno(int number);
/* Fills the disk: no file can grow. */
void fault_vfs_fill(void);

/* From now on a sync of this file does not return until the disk is mended. */
void fault_vfs_hang(enum fault_file file);
/* Waits until a sync hangs. Returns false after the time is over. */
bool fault_vfs_wait_hanging(void);

/* Returns how many calls there were since the disk was installed. */
unsigned fault_vfs_count(enum fault_file file, enum fault_call call);

/* Callbacks for what the disk has done, on the thread of the call. */
struct fault_watch {
    void *context;
    void (*wrote)(void *context, enum fault_file file, const void *bytes, int n, int64_t at);
    void (*truncated)(void *context, enum fault_file file, int64_t size);
    void (*synced)(void *context, enum fault_file file);
};

/* Sets the watch, which the caller keeps alive until the next call; NULL removes it. No file may be
 * in use. */
void fault_vfs_watch(const struct fault_watch *watch);

#endif
