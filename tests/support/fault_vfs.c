/* SPDX-License-Identifier: MIT */
#include "support/fault_vfs.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "support/clock.h"

struct fault {
    unsigned after, times;
    int code;
};

/* An open file of SQLite, which passes calls on to the system's file. */
struct file {
    sqlite3_file base;
    enum fault_file kind;
    sqlite3_file *real; /* in the memory after this struct */
};

static sqlite3_vfs *system_vfs;
static const struct fault_watch *watcher;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t mended = PTHREAD_COND_INITIALIZER;
/* Protected by the mutex. */
static struct {
    struct fault faults[FAULT_FILES][FAULT_CALLS];
    unsigned counts[FAULT_FILES][FAULT_CALLS];
    bool hangs[FAULT_FILES];
    unsigned hanging;
    bool is_full;
    int torn, number; /* for calls that fail */
} disk;

/* ---- Faults ---- */

/* Counts a call. Returns SQLITE_OK, or the code with which it must fail. */
static int meet(enum fault_file file, enum fault_call call)
{
    struct fault *fault = &disk.faults[file][call];
    int code = SQLITE_OK;

    pthread_mutex_lock(&lock);
    disk.counts[file][call]++;
    if (fault->times > 0 && fault->after > 0) {
        fault->after--;
    } else if (fault->times > 0) {
        fault->times -= fault->times < UINT_MAX;
        code = fault->code;
    }
    while (call == FAULT_SYNC && disk.hangs[file]) {
        disk.hanging++;
        pthread_cond_wait(&mended, &lock);
        disk.hanging--;
    }
    if (code != SQLITE_OK && disk.number != 0) {
        errno = disk.number;
    }
    pthread_mutex_unlock(&lock);
    return code;
}

/* A full disk has no room for new bytes; existing ones can be overwritten. */
static bool has_room(sqlite3_file *file, sqlite3_int64 end)
{
    sqlite3_int64 size = 0;
    bool is_full;

    pthread_mutex_lock(&lock);
    is_full = disk.is_full;
    pthread_mutex_unlock(&lock);
    return !is_full || (file->pMethods->xFileSize(file, &size) == SQLITE_OK && end <= size);
}

/* Returns how much of a failing write is done: never all of it. */
static int torn_of(int n)
{
    int torn;

    pthread_mutex_lock(&lock);
    torn = disk.torn < n ? disk.torn : n - 1;
    pthread_mutex_unlock(&lock);
    return torn;
}

void fault_vfs_mend(void)
{
    pthread_mutex_lock(&lock);
    for (size_t file = 0; file < FAULT_FILES; file++) {
        disk.hangs[file] = false;
        for (size_t call = 0; call < FAULT_CALLS; call++) {
            disk.faults[file][call] = (struct fault){0};
        }
    }
    disk.is_full = false;
    disk.torn = 0;
    disk.number = 0;
    pthread_cond_broadcast(&mended);
    pthread_mutex_unlock(&lock);
}

void fault_vfs_fail(enum fault_file file, enum fault_call call, unsigned after, unsigned times,
                    int code)
{
    pthread_mutex_lock(&lock);
    disk.faults[file][call] = (struct fault){.after = after, .times = times, .code = code};
    pthread_mutex_unlock(&lock);
}

void fault_vfs_tear(int bytes)
{
    pthread_mutex_lock(&lock);
    disk.torn = bytes;
    pthread_mutex_unlock(&lock);
}

void fault_vfs_errno(int number)
{
    pthread_mutex_lock(&lock);
    disk.number = number;
    pthread_mutex_unlock(&lock);
}

void fault_vfs_fill(void)
{
    pthread_mutex_lock(&lock);
    disk.is_full = true;
    pthread_mutex_unlock(&lock);
}

void fault_vfs_hang(enum fault_file file)
{
    pthread_mutex_lock(&lock);
    disk.hangs[file] = true;
    pthread_mutex_unlock(&lock);
}

static bool is_hanging(void *argument)
{
    bool hangs;

    (void)argument; /* there is only one disk */
    pthread_mutex_lock(&lock);
    hangs = disk.hanging > 0;
    pthread_mutex_unlock(&lock);
    return hangs;
}

bool fault_vfs_wait_hanging(void)
{
    return clock_wait(is_hanging, NULL, CLOCK_PATIENCE_MS);
}

void fault_vfs_watch(const struct fault_watch *watch)
{
    watcher = watch;
}

unsigned fault_vfs_count(enum fault_file file, enum fault_call call)
{
    unsigned count;

    pthread_mutex_lock(&lock);
    count = disk.counts[file][call];
    pthread_mutex_unlock(&lock);
    return count;
}

/* ---- Files ---- */

static sqlite3_file *real_of(sqlite3_file *base)
{
    return ((struct file *)base)->real;
}

static int file_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    enum fault_file kind = ((struct file *)base)->kind;
    int code = meet(kind, FAULT_WRITE), number = errno;
    int done;

    if (code == SQLITE_OK && !has_room(real_of(base), at + n)) {
        code = SQLITE_FULL;
    }
    done = code == SQLITE_OK ? n : torn_of(n);
    if (done > 0 && real_of(base)->pMethods->xWrite(real_of(base), bytes, done, at) != SQLITE_OK) {
        return SQLITE_IOERR_WRITE;
    }
    if (done > 0 && watcher != NULL) {
        watcher->wrote(watcher->context, kind, bytes, done, at);
    }
    errno = number;
    return code;
}

static int file_sync(sqlite3_file *base, int flags)
{
    enum fault_file kind = ((struct file *)base)->kind;
    int code = meet(kind, FAULT_SYNC);

    if (code == SQLITE_OK) {
        code = real_of(base)->pMethods->xSync(real_of(base), flags);
    }
    if (code == SQLITE_OK && watcher != NULL) {
        watcher->synced(watcher->context, kind);
    }
    return code;
}

static int file_close(sqlite3_file *base)
{
    return real_of(base)->pMethods->xClose(real_of(base));
}

static int file_read(sqlite3_file *base, void *bytes, int n, sqlite3_int64 at)
{
    return real_of(base)->pMethods->xRead(real_of(base), bytes, n, at);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int code = real_of(base)->pMethods->xTruncate(real_of(base), size);

    if (code == SQLITE_OK && watcher != NULL) {
        watcher->truncated(watcher->context, ((struct file *)base)->kind, size);
    }
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    return real_of(base)->pMethods->xFileSize(real_of(base), ret_size);
}

static int file_lock(sqlite3_file *base, int level)
{
    int code =
        level == SQLITE_LOCK_EXCLUSIVE ? meet(((struct file *)base)->kind, FAULT_LOCK) : SQLITE_OK;

    return code != SQLITE_OK ? code : real_of(base)->pMethods->xLock(real_of(base), level);
}

static int file_unlock(sqlite3_file *base, int level)
{
    return real_of(base)->pMethods->xUnlock(real_of(base), level);
}

static int file_check_lock(sqlite3_file *base, int *ret_is_locked)
{
    return real_of(base)->pMethods->xCheckReservedLock(real_of(base), ret_is_locked);
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
    return real_of(base)->pMethods->xFileControl(real_of(base), operation, argument);
}

static int file_sector_size(sqlite3_file *base)
{
    return real_of(base)->pMethods->xSectorSize(real_of(base));
}

static int file_characteristics(sqlite3_file *base)
{
    return real_of(base)->pMethods->xDeviceCharacteristics(real_of(base));
}

/* Version 1 has no shared memory, so a log works only for a connection with an exclusive lock. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                     int *ret_flags)
{
    struct file *file = (struct file *)base;
    int code;

    (void)vfs; /* always this one */
    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) {
        return system_vfs->xOpen(system_vfs, name, base, flags, ret_flags);
    }
    *file = (struct file){.kind = (flags & SQLITE_OPEN_WAL) != 0 ? FAULT_LOG : FAULT_DATABASE,
                          .real = (sqlite3_file *)(file + 1)};
    code = system_vfs->xOpen(system_vfs, name, file->real, flags, ret_flags);
    if (code == SQLITE_OK) {
        file->base.pMethods = &methods;
    }
    return code;
}

void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;

    if (system_vfs == NULL) {
        system_vfs = sqlite3_vfs_find(NULL);
        vfs = *system_vfs;
        vfs.zName = "fault";
        vfs.szOsFile += (int)sizeof(struct file);
        vfs.pNext = NULL;
        vfs.xOpen = disk_open;
        if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) {
            abort();
        }
    }
}
