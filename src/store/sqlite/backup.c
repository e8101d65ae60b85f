/* SPDX-License-Identifier: MIT */
/* In: an open database and a path. Out: a complete copy at the path, or nothing. */
#include "store/sqlite/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/store_name.h"

void sqlite_backup_init(struct sqlite_backup *backup, const char *path)
{
    memset(backup, 0, sizeof(*backup));
    backup->path = path;
    sqlite_partial_init(&backup->partial);
}

/* Closes SQLite's part, which writes the last pages. */
static void copy_close(struct sqlite_backup *backup)
{
    sqlite3_backup_finish(backup->steps);
    sqlite3_close(backup->copy);
    backup->steps = NULL;
    backup->copy = NULL;
}

void sqlite_backup_abort(struct sqlite_backup *backup, const char *error)
{
    snprintf(backup->error, sizeof(backup->error), "%s: %.900s", error, backup->path);
    copy_close(backup);
    sqlite_partial_remove(&backup->partial);
    backup->state = BACKUP_FAILED;
}

/* Makes a name from the copy's and an ending; false when it is too long. */
static bool name_beside(const struct sqlite_backup *backup, const char *ending, char *ret_name)
{
    int n = snprintf(ret_name, SQLITE_PARTIAL_PATH, "%s%s", backup->path, ending);

    return n > 0 && (size_t)n < SQLITE_PARTIAL_PATH;
}

/* Returns what makes the backup impossible, or NULL. SQLite would use a left-over log or journal as
 * the copy's own when it opens the copy. */
static const char *obstacle(const struct sqlite_backup *backup)
{
    static const struct {
        const char *ending, *error;
    } others[] = {
        {"", "the file exists already"},
        {STORE_NAME_WAL,
         "there is a -wal file beside it, the log of another database of this name"},
        {STORE_NAME_JOURNAL,
         "there is a -journal file beside it, the journal of another database of this name"},
    };
    char name[SQLITE_PARTIAL_PATH];
    struct stat about;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!name_beside(backup, others[i].ending, name)) {
            return "the path is too long";
        }
        if (lstat(name, &about) == 0) {
            return others[i].error;
        }
    }
    return NULL;
}

/* ---- The partial copy ---- */

static void backup_begin(struct sqlite_backup *backup, struct sqlite_db *db)
{
    const char *error = obstacle(backup);

    if (error == NULL) {
        error = sqlite_partial_make(&backup->partial, backup->path);
    }
    if (error != NULL) {
        sqlite_backup_abort(backup, error);
        return;
    }
    /* A half-written copy is thrown away as a whole, so it needs no journal. It is used by this
     * process only, so it needs no locks of SQLite either. */
    if (sqlite3_open_v2(backup->partial.path, &backup->copy, SQLITE_OPEN_READWRITE, "unix-none") !=
            SQLITE_OK ||
        sqlite3_exec(backup->copy, "PRAGMA journal_mode = OFF", NULL, NULL, NULL) != SQLITE_OK) {
        sqlite_backup_abort(backup, sqlite3_errmsg(backup->copy));
        return;
    }
    backup->steps = sqlite3_backup_init(backup->copy, "main", db->handle, "main");
    if (backup->steps == NULL) {
        sqlite_backup_abort(backup, sqlite3_errmsg(backup->copy));
    }
}

/* ---- The final name ---- */

/* Renames the file to a name that does not exist. False with EEXIST when it does. */
static bool rename_to_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return true;
    }
    /* This file system cannot rename without replacing. link() never replaces a file. */
    if ((errno != EINVAL && errno != ENOSYS) || link(from, to) != 0) {
        return false;
    }
    unlink(from); /* if this fails, the next backup to this name removes it */
    return true;
}

bool sqlite_backup_sync_name(const char *path)
{
    char directory[SQLITE_PARTIAL_PATH];
    bool is_durable;
    int fd;

    snprintf(directory, sizeof(directory), "%s", path);
    fd = open(dirname(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    is_durable = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_durable;
}

static bool name_it(const struct sqlite_backup *backup)
{
    if (!rename_to_new(backup->partial.path, backup->path)) {
        return false;
    }
    if (!sqlite_backup_sync_name(backup->path)) {
        unlink(backup->path);
        return false;
    }
    return true;
}

static void backup_end(struct sqlite_backup *backup)
{
    copy_close(backup);
    if (name_it(backup)) {
        sqlite_partial_remove(&backup->partial);
        backup->state = BACKUP_DONE;
    } else {
        sqlite_backup_abort(backup, strerror(errno));
    }
}

/* Whether a step failed because of the store and not of the copy, of which it only writes. */
static bool is_of_reading(int code)
{
    return (code & 0xFF) == SQLITE_CORRUPT || code == SQLITE_IOERR_READ ||
           code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS;
}

void sqlite_backup_step(struct sqlite_backup *backup, struct sqlite_db *db, int pages)
{
    int code;

    if (backup->steps == NULL) {
        backup_begin(backup, db);
    }
    if (backup->state == BACKUP_FAILED) {
        return;
    }
    code = sqlite3_backup_step(backup->steps, pages);
    backup->total = (uint64_t)sqlite3_backup_pagecount(backup->steps);
    backup->done = backup->total - (uint64_t)sqlite3_backup_remaining(backup->steps);
    if (code == SQLITE_DONE) {
        backup_end(backup);
    } else if (code != SQLITE_OK) {
        backup->is_unreadable = is_of_reading(code);
        sqlite_backup_abort(backup, sqlite3_errstr(code));
    }
}

void sqlite_backup_settle(struct sqlite_backup *backup)
{
    if (backup->partial.fd >= 0 && fdatasync(backup->partial.fd) != 0) {
        /* The last step reports the error: it syncs again. */
        return;
    }
}
