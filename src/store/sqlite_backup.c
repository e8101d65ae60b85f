/* SPDX-License-Identifier: MIT */
/* In: an open database, a path. Out: a whole copy there, or nothing. */
#include "store/sqlite_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void backup_init(struct sqlite_backup *backup, const char *path)
{
    memset(backup, 0, sizeof(*backup));
    backup->path = path;
}

static void copy_close(struct sqlite_backup *backup)
{
    sqlite3_backup_finish(backup->steps);
    sqlite3_close(backup->copy);
    backup->steps = NULL;
    backup->copy = NULL;
}

void backup_abort(struct sqlite_backup *backup, const char *fault)
{
    snprintf(backup->fault, sizeof(backup->fault), "%s: %s", backup->path, fault);
    copy_close(backup);
    if (backup->partial_path[0] != '\0') {
        unlink(backup->partial_path);
    }
    backup->state = BACKUP_FAILED;
}

/* Creates the file under its growing name, which nobody else may have. */
static bool partial_create(struct sqlite_backup *backup)
{
    char path[sizeof(backup->partial_path)];
    int n = snprintf(path, sizeof(path), "%s-partial", backup->path);
    int fd;

    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (access(backup->path, F_OK) == 0) {
        errno = EEXIST;
        return false;
    }
    unlink(path); /* of a backup that was killed */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    close(fd);
    memcpy(backup->partial_path, path, sizeof(path));
    return true;
}

static void backup_begin(struct sqlite_backup *backup, struct sqlite_db *db)
{
    if (!partial_create(backup)) {
        backup_abort(backup, strerror(errno));
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
