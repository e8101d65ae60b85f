/* SPDX-License-Identifier: MIT */
/* In: a connection whose files were taken away. Out: a copy beside their names.
 *
 * The copy is made as a backup is: page by page through SQLite, from its memory, else from the log,
 * else from the database. So it is one file, and there is no log that could be forgotten when it is
 * moved. */
#include "store/sqlite/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/store_name.h"
#include "store/sqlite/backup.h"

#define PIECE 65536
#define FILE_MODE 0600
/* What SQLite may keep in memory while it copies: then no page that is in memory alone has to make
 * room for another one of the same copy. */
#define CACHE_KIB_MAX (INT64_C(256) * 1024)

/* ---- Names ---- */

static bool name_choose(const char *database, char ret_path[SQLITE_PARTIAL_PATH])
{
    time_t now = time(NULL);
    struct tm utc;
    char moment[32];
    int n;

    if (gmtime_r(&now, &utc) == NULL ||
        strftime(moment, sizeof(moment), "%Y%m%dT%H%M%SZ", &utc) == 0) {
        return false;
    }
    n = snprintf(ret_path, SQLITE_PARTIAL_PATH, "%s" STORE_NAME_RESCUED "%s", database, moment);
    return n > 0 && n < SQLITE_PARTIAL_PATH - (int)sizeof(STORE_NAME_WAL);
}

/* ---- Through SQLite ---- */

static void cache_widen(const struct sqlite_db *db)
{
    char sql[64];
    int64_t kib = db->watch.database.size / 1024 * 2 + 65536;

    snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%" PRId64,
             kib < CACHE_KIB_MAX ? kib : CACHE_KIB_MAX);
    sqlite3_exec(db->handle, sql, NULL, NULL, NULL); /* without it the copy may still succeed */
}

/* False with an error text; *ret_is_unreadable when the store itself is the reason. */
static bool copy_pages(struct sqlite_db *db, struct sqlite_rescue *rescue, bool *ret_is_unreadable)
{
    struct sqlite_backup backup;

    sqlite_backup_init(&backup, rescue->path);
    while (backup.state == BACKUP_GOING_ON) {
        sqlite_backup_step(&backup, db, BACKUP_PAGES);
        sqlite_backup_settle(&backup);
    }
    memcpy(rescue->error, backup.error, sizeof(rescue->error));
    *ret_is_unreadable = backup.is_unreadable;
    return backup.state == BACKUP_DONE;
}

/* ---- Raw ---- */

static bool piece_write(int fd, const char *piece, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, piece, n);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            piece += written;
            n -= (size_t)written;
        }
    }
    return true;
}

/* Copies what can be read of the file; what cannot is filled with zeros. */
static bool bytes_copy(sqlite3_file *from, int fd)
{
    char piece[PIECE];
    sqlite3_int64 size = 0;

    if (from->pMethods->xFileSize(from, &size) != SQLITE_OK) {
        return true; /* there is nothing to be had */
    }
    for (sqlite3_int64 at = 0; at < size; at += PIECE) {
        size_t n = size - at < PIECE ? (size_t)(size - at) : PIECE;

        memset(piece, 0, n);
        from->pMethods->xRead(from, piece, (int)n, at);
        if (!piece_write(fd, piece, n)) {
            return false;
        }
    }
    return fsync(fd) == 0;
}

/* Into a new file, which does not stay when it fails; errno says why. */
static bool file_copy(sqlite3_file *from, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    bool is_done = fd >= 0 && bytes_copy(from, fd);
    int number = errno;

    if (fd >= 0) {
        close(fd);
        if (!is_done) {
            unlink(path);
        }
    }
    errno = number;
    return is_done;
}

static bool copy_raw(const struct sqlite_db *db, struct sqlite_rescue *rescue)
{
    char log[SQLITE_PARTIAL_PATH + sizeof(STORE_NAME_WAL)];

    snprintf(log, sizeof(log), "%s" STORE_NAME_WAL, rescue->path);
    if (file_copy(db->watch.log.file, log)) {
        if (file_copy(db->watch.database.file, rescue->path) &&
            sqlite_backup_sync_name(rescue->path)) {
            return true;
        }
        unlink(log);
    }
    snprintf(rescue->error, sizeof(rescue->error), "%s: %.900s", strerror(errno), rescue->path);
    return false;
}

/* ---- All of it ---- */

/* The files are whole, so the log goes into the database, whatever that is called now; or they are
 * not, and what is left of the log is in the copy. */
static void log_empty(const struct sqlite_db *db, enum sqlite_watch_loss loss)
{
    sqlite3_file *log = db->watch.log.file;

    if (loss == WATCH_LOST_NOTHING) {
        sqlite_db_empty_log(db);
    } else if (log->pMethods->xTruncate(log, 0) == SQLITE_OK) {
        log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    }
}

bool sqlite_rescue_save(struct sqlite_db *db, struct sqlite_rescue *ret_rescue)
{
    enum sqlite_watch_loss loss = sqlite_watch_loss(&db->watch);
    bool is_unreadable = false;

    if (!name_choose(db->watch.database.path, ret_rescue->path)) {
        snprintf(ret_rescue->error, sizeof(ret_rescue->error), "there is no name for the copy");
        return false;
    }
    if (loss == WATCH_LOST_LOG) {
        cache_widen(db);
    }
    if (!copy_pages(db, ret_rescue, &is_unreadable) &&
        (!is_unreadable || !copy_raw(db, ret_rescue))) {
        return false;
    }
    ret_rescue->is_whole = loss != WATCH_LOST_UNKNOWN && !is_unreadable;
    log_empty(db, loss);
    return true;
}
