/* SPDX-License-Identifier: MIT */
/* In: SQLite's writes into its log. Out: the same bytes at the same positions, in larger pieces.
 * They are written before SQLite does anything else with the log. */
#include "store/sqlite/wal_vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define VFS_NAME "discount"
/* About 30 pages. It must stay below 128 KiB: the system's VFS writes less than that in one call
 * (SQLite 3.40, os_unix.c, seekAndWriteFd). A call that gets 128 KiB reports a full disk. */
#define PIECE_SIZE 65536

struct wal {
    sqlite3_file base;
    sqlite3_file *below; /* in the memory after this struct */
    char *piece;         /* owned; the bytes to be written at `at` */
    size_t n;
    sqlite3_int64 at;
    struct sqlite_wal_vfs_log log;
    sqlite3_int64 hole_at, hole_end; /* what others cut off; empty if nothing was */
};

/* Set once, before the first file is opened. */
static sqlite3_vfs *system_vfs;

static struct wal *wal_of(sqlite3_file *base)
{
    return (struct wal *)base;
}

/* ---- Writing ---- */

/* Another process may have made the log shorter: then what was cut off becomes a hole. The write
 * goes on, because a commit that fails would drop the pages that SQLite still has in memory. */
static void notice_cut(struct wal *wal)
{
    sqlite3_int64 size;

    if (wal->below->pMethods->xFileSize(wal->below, &size) != SQLITE_OK || size >= wal->log.size) {
        return;
    }
    wal->hole_at = wal->log.is_cut && wal->hole_at < size ? wal->hole_at : size;
    wal->hole_end = wal->log.size;
    wal->log.is_cut = true;
}

/* Remembers what the log holds now. */
static void note_written(struct wal *wal, const void *bytes, size_t n, sqlite3_int64 at)
{
    if (at + (sqlite3_int64)n > wal->log.size) {
        wal->log.size = at + (sqlite3_int64)n;
    }
    if (at < SQLITE_WAL_VFS_HEAD) {
        wal->log.has_head = at == 0 && n >= SQLITE_WAL_VFS_HEAD;
    }
    if (at == 0 && wal->log.has_head) {
        memcpy(wal->log.head, bytes, SQLITE_WAL_VFS_HEAD);
    }
}

/* SQLite maps one errno to SQLITE_FULL. These two also mean that the disk takes no more, and that
 * nothing of the rest was written. */
static int put(struct wal *wal, const void *bytes, size_t n, sqlite3_int64 at)
{
    int code;

    notice_cut(wal);
    errno = 0;
    code = wal->below->pMethods->xWrite(wal->below, bytes, (int)n, at);
    if (code == SQLITE_OK) {
        note_written(wal, bytes, n, at);
    } else if (at < SQLITE_WAL_VFS_HEAD) {
        wal->log.has_head = false; /* some of it may be there */
    }
    return code == SQLITE_IOERR_WRITE && (errno == EDQUOT || errno == EFBIG) ? SQLITE_FULL : code;
}

/* Writes the collected bytes. Nothing is left to write afterwards, even on failure: SQLite then
 * gives the transaction up and begins the next one at the same position. */
static int settle(struct wal *wal)
{
    size_t n = wal->n;

    wal->n = 0;
    return n == 0 ? SQLITE_OK : put(wal, wal->piece, n, wal->at);
}

static int wal_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    struct wal *wal = wal_of(base);
    size_t size = (size_t)n;

    if (wal->n > 0 && (at != wal->at + (sqlite3_int64)wal->n || wal->n + size > PIECE_SIZE)) {
        int code = settle(wal);

        if (code != SQLITE_OK) {
            return code;
        }
    }
    if (size > PIECE_SIZE) {
        return put(wal, bytes, size, at);
    }
    if (wal->n == 0) {
        wal->at = at;
    }
    memcpy(wal->piece + wal->n, bytes, size);
    wal->n += size;
    return SQLITE_OK;
}

/* ---- Calls that write the collected bytes first ---- */

static int wal_sync(sqlite3_file *base, int flags)
{
    struct wal *wal = wal_of(base);
    int code = settle(wal);

    return code != SQLITE_OK ? code : wal->below->pMethods->xSync(wal->below, flags);
}

static int wal_read(sqlite3_file *base, void *ret_bytes, int n, sqlite3_int64 at)
{
    struct wal *wal = wal_of(base);
    int code = settle(wal);

    if (code == SQLITE_OK && at < wal->hole_end && at + n > wal->hole_at) {
        memset(ret_bytes, 0, (size_t)n);
        return SQLITE_IOERR_SHORT_READ;
    }
    return code != SQLITE_OK ? code : wal->below->pMethods->xRead(wal->below, ret_bytes, n, at);
}

static int wal_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct wal *wal = wal_of(base);
    int code = settle(wal);

    if (code == SQLITE_OK) {
        code = wal->below->pMethods->xTruncate(wal->below, size);
    }
    if (code == SQLITE_OK) {
        wal->log.size = size;
        wal->hole_end = size < wal->hole_end ? size : wal->hole_end;
        wal->log.has_head = wal->log.has_head && size >= SQLITE_WAL_VFS_HEAD;
    }
    return code;
}

static int wal_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct wal *wal = wal_of(base);
    int code = settle(wal);

    return code != SQLITE_OK ? code : wal->below->pMethods->xFileSize(wal->below, ret_size);
}

static int wal_control(sqlite3_file *base, int operation, void *argument)
{
    struct wal *wal = wal_of(base);
    int code = settle(wal);

    return code != SQLITE_OK ? code
                             : wal->below->pMethods->xFileControl(wal->below, operation, argument);
}

static int wal_close(sqlite3_file *base)
{
    struct wal *wal = wal_of(base);
    int settled = settle(wal), closed = wal->below->pMethods->xClose(wal->below);

    free(wal->piece);
    return settled != SQLITE_OK ? settled : closed;
}

/* ---- Calls passed on unchanged ---- */

static int wal_lock(sqlite3_file *base, int level)
{
    return wal_of(base)->below->pMethods->xLock(wal_of(base)->below, level);
}

static int wal_unlock(sqlite3_file *base, int level)
{
    return wal_of(base)->below->pMethods->xUnlock(wal_of(base)->below, level);
}

static int wal_check_lock(sqlite3_file *base, int *ret_is_locked)
{
    return wal_of(base)->below->pMethods->xCheckReservedLock(wal_of(base)->below, ret_is_locked);
}

static int wal_sector_size(sqlite3_file *base)
{
    return wal_of(base)->below->pMethods->xSectorSize(wal_of(base)->below);
}

static int wal_characteristics(sqlite3_file *base)
{
    return wal_of(base)->below->pMethods->xDeviceCharacteristics(wal_of(base)->below);
}

/* ---- The VFS ---- */

/* Version 1 has no shared memory, which a log does not use. */
static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_check_lock,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector_size,
    .xDeviceCharacteristics = wal_characteristics,
};

/* What lies in a log that was left. */
static int note_found(struct wal *wal)
{
    const sqlite3_io_methods *methods = wal->below->pMethods;
    int code = methods->xFileSize(wal->below, &wal->log.size);

    if (code != SQLITE_OK || wal->log.size < SQLITE_WAL_VFS_HEAD) {
        return code;
    }
    wal->log.has_head = true;
    return methods->xRead(wal->below, wal->log.head, SQLITE_WAL_VFS_HEAD, 0);
}

/* The file below and what is known of it; nothing is open when it fails. */
static int wal_begin(struct wal *wal, sqlite3_filename name, int flags, int *ret_flags)
{
    int code = system_vfs->xOpen(system_vfs, name, wal->below, flags, ret_flags);

    if (code != SQLITE_OK) {
        return code;
    }
    code = note_found(wal);
    if (code != SQLITE_OK) {
        wal->below->pMethods->xClose(wal->below);
    }
    return code;
}

static int wal_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    struct wal *wal = wal_of(base);
    int code;

    (void)vfs; /* it is this file's only VFS */
    if ((flags & SQLITE_OPEN_WAL) == 0) {
        return system_vfs->xOpen(system_vfs, name, base, flags, ret_flags);
    }
    *wal = (struct wal){.below = (sqlite3_file *)(wal + 1), .piece = malloc(PIECE_SIZE)};
    if (wal->piece == NULL) {
        return SQLITE_NOMEM;
    }
    code = wal_begin(wal, name, flags, ret_flags);
    if (code == SQLITE_OK) {
        wal->base.pMethods = &wal_methods;
    } else {
        free(wal->piece);
    }
    return code;
}

static void vfs_register(void)
{
    static sqlite3_vfs vfs;

    system_vfs = sqlite3_vfs_find(NULL);
    if (system_vfs != NULL) {
        vfs = *system_vfs;
        vfs.zName = VFS_NAME;
        vfs.szOsFile += (int)sizeof(struct wal);
        vfs.pNext = NULL;
        vfs.xOpen = wal_open;
        sqlite3_vfs_register(&vfs, 0);
    }
}

const char *sqlite_wal_vfs(void)
{
    static uv_once_t once = UV_ONCE_INIT;

    uv_once(&once, vfs_register);
    return sqlite3_vfs_find(VFS_NAME) == NULL ? NULL : VFS_NAME;
}

bool sqlite_wal_vfs_describe(const sqlite3_file *file, struct sqlite_wal_vfs_log *ret_log)
{
    if (file == NULL || file->pMethods != &wal_methods) {
        return false;
    }
    *ret_log = ((const struct wal *)file)->log;
    return true;
}
