/* SPDX-License-Identifier: MIT */
/* In: an open database, a path. Out: a whole copy there, or nothing. */
#include "store/sqlite_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void backup_init(struct sqlite_backup *backup, const char *path)
{
    memset(backup, 0, sizeof(*backup));
    backup->path = path;
    backup->fd = -1;
}

static void copy_close(struct sqlite_backup *backup)
{
    sqlite3_backup_finish(backup->steps);
    sqlite3_close(backup->copy);
    if (backup->fd >= 0) {
        close(backup->fd);
    }
    backup->steps = NULL;
    backup->copy = NULL;
    backup->fd = -1;
}

void backup_abort(struct sqlite_backup *backup, const char *fault)
{
    snprintf(backup->fault, sizeof(backup->fault), "%s: %.900s", fault, backup->path);
    copy_close(backup);
    if (backup->partial_path[0] != '\0') {
        unlink(backup->partial_path);
    }
    backup->state = BACKUP_FAILED;
}

/* Puts a name beside the copy's together; false when it is too long. */
static bool name_beside(const struct sqlite_backup *backup, const char *ending, char *ret_name)
{
    int n = snprintf(ret_name, sizeof(backup->partial_path), "%s%s", backup->path, ending);

    return n > 0 && (size_t)n < sizeof(backup->partial_path);
}

/* What makes the backup impossible, or NULL. A log or a journal that was left would be taken for
 * the copy's own by whoever opens it; a copy that grows may be another backup's. */
static const char *obstacle(const struct sqlite_backup *backup)
{
    static const struct {
        const char *ending, *fault;
    } others[] = {
        {"", "it exists already"},
        {"-wal", "there is a log beside it (-wal), of another file of this name"},
        {"-journal", "there is a journal beside it (-journal), of another file of this name"},
        {"-partial", "another backup to it goes on, or was killed: then remove its -partial file"},
    };
    char name[sizeof(backup->partial_path)];
    struct stat about;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!name_beside(backup, others[i].ending, name)) {
            return "the path is too long";
        }
        if (lstat(name, &about) == 0) {
            return others[i].fault;
        }
    }
    return NULL;
}

/* Creates the file under its growing name, which nobody else has. */
static bool partial_create(struct sqlite_backup *backup)
{
    const char *fault = obstacle(backup);
    char path[sizeof(backup->partial_path)];

    if (fault != NULL || !name_beside(backup, "-partial", path)) {
        backup_abort(backup, fault);
        return false;
    }
    backup->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (backup->fd < 0) {
        backup_abort(backup, strerror(errno));
        return false;
    }
    memcpy(backup->partial_path, path, sizeof(path));
    return true;
}

static void backup_begin(struct sqlite_backup *backup, struct sqlite_db *db)
{
    if (!partial_create(backup)) {
        return;
    }
    /* What is half done is thrown away as a whole, so it needs no journal. */
    if (sqlite3_open_v2(backup->partial_path, &backup->copy, SQLITE_OPEN_READWRITE, NULL) !=
            SQLITE_OK ||
        sqlite3_exec(backup->copy, "PRAGMA journal_mode = OFF", NULL, NULL, NULL) != SQLITE_OK) {
        backup_abort(backup, sqlite3_errmsg(backup->copy));
        return;
    }
    backup->steps = sqlite3_backup_init(backup->copy, "main", db->handle, "main");
    if (backup->steps == NULL) {
        backup_abort(backup, sqlite3_errmsg(backup->copy));
    }
}

/* Gives the copy its name: a name is on the disk when its directory is. */
static bool name_it(struct sqlite_backup *backup)
{
    char directory[sizeof(backup->partial_path)];
    bool is_durable;
    int fd;

    if (renameat2(AT_FDCWD, backup->partial_path, AT_FDCWD, backup->path, RENAME_NOREPLACE) != 0) {
        return false;
    }
    memcpy(directory, backup->partial_path, sizeof(directory));
    fd = open(dirname(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    is_durable = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (!is_durable) {
        unlink(backup->path);
    }
    return is_durable;
}

static void backup_end(struct sqlite_backup *backup)
{
    copy_close(backup);
    if (name_it(backup)) {
        backup->state = BACKUP_DONE;
    } else {
        backup_abort(backup, strerror(errno));
    }
}

void backup_step(struct sqlite_backup *backup, struct sqlite_db *db, int pages)
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
        backup_abort(backup, sqlite3_errstr(code));
    }
}

void backup_settle(struct sqlite_backup *backup)
{
    if (backup->fd >= 0 && fdatasync(backup->fd) != 0) {
        /* The last step will say so: it waits for the disk itself. */
        return;
    }
}
