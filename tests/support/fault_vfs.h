/* SPDX-License-Identifier: MIT */
/* A disk that fails on command: what SQLite writes into databases and their write-ahead logs goes
 * through here, and every other call straight to the system. Any thread; the faults are the whole
 * process's. */
#ifndef SUPPORT_FAULT_VFS_H
#define SUPPORT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_file { FAULT_DATABASE, FAULT_LOG, FAULT_FILES };
/* FAULT_LOCK: somebody wants the file for himself alone. */
enum fault_call { FAULT_WRITE, FAULT_SYNC, FAULT_LOCK, FAULT_CALLS };

/* Every database that is opened from now on lies on this disk, without a fault so far. */
void fault_vfs_install(void);
/* It is sound again from now on, and whoever hangs goes on. */
void fault_vfs_mend(void);

/* From now on the calls behind the next `after` ones fail with this code of SQLite's, `times` of
 * them. */
void fault_vfs_fail(enum fault_file file, enum fault_call call, unsigned after, unsigned times,
                    int code);
/* From now on a write that fails has written this many of its bytes, until the disk is mended. */
void fault_vfs_tear(int bytes);
/* From now on whatever fails leaves this number in errno, until the disk is mended. */
void fault_vfs_errno(int number);
/* The disk is full: no file can become longer. */
void fault_vfs_fill(void);

/* From now on a sync of this file does not come back until the disk is mended. */
void fault_vfs_hang(enum fault_file file);
/* Waits until one hangs; false when the time is over. */
bool fault_vfs_wait_hanging(void);

/* How many calls there were since the disk was installed. */
unsigned fault_vfs_count(enum fault_file file, enum fault_call call);

/* Told of what the disk has done, on the thread that asked for it. */
struct fault_watch {
    void *context;
    void (*wrote)(void *context, enum fault_file file, const void *bytes, int n, int64_t at);
    void (*truncated)(void *context, enum fault_file file, int64_t size);
    void (*synced)(void *context, enum fault_file file);
};

/* From now on this one is told, which outlives that; NULL: nobody. Not while a file is in use. */
void fault_vfs_watch(const struct fault_watch *watch);

#endif
