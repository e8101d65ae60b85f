/* SPDX-License-Identifier: MIT */
/* In: an open database and a path. Out: a complete copy at the path, or nothing. */
#include "store/sqlite/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mode of the copy: it contains user ids, so only its owner may read it. */
#define MODE (S_IRUSR | S_IWUSR)
/* Attempts to create the copy's file: other backups may remove it before it is locked, as if it
 * were left over. */
#define ATTEMPTS 10

void sqlite_backup_init(struct sqlite_backup *backup, const char *path)
{
    memset(backup, 0, sizeof(*backup));
    backup->path = path;
    backup->fd = -1;
}

static bool is_named(int fd, const char *path)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

/* Closes SQLite's part, which writes the last pages. */
static void copy_close(struct sqlite_backup *backup)
{
    sqlite3_backup_finish(backup->steps);
    sqlite3_close(backup->copy);
    backup->steps = NULL;
    backup->copy = NULL;
}

/* Call it only when the copy has its final name or none: a -partial file without a lock counts as
 * left over. */
static void lock_release(struct sqlite_backup *backup)
{
    if (backup->fd >= 0) {
        close(backup->fd);
    }
    backup->fd = -1;
}

void sqlite_backup_abort(struct sqlite_backup *backup, const char *error)
{
    snprintf(backup->error, sizeof(backup->error), "%s: %.900s", error, backup->path);
    copy_close(backup);
    if (backup->fd >= 0 && is_named(backup->fd, backup->partial_path)) {
        unlink(backup->partial_path);
    }
    lock_release(backup);
    backup->state = BACKUP_FAILED;
}

/* Makes a name from the copy's and an ending; false when it is too long. */
static bool name_beside(const struct sqlite_backup *backup, const char *ending, char *ret_name)
{
    int n = snprintf(ret_name, sizeof(backup->partial_path), "%s%s", backup->path, ending);

    return n > 0 && (size_t)n < sizeof(backup->partial_path);
}

/* Returns what makes the backup impossible, or NULL. SQLite would use a left-over log or journal as
 * the copy's own when it opens the copy. */
static const char *obstacle(const struct sqlite_backup *backup)
{
    static const struct {
        const char *ending, *error;
    } others[] = {
        {"", "the file exists already"},
        {"-wal", "there is a -wal file beside it, the log of another database of this name"},
        {"-journal",
         "there is a -journal file beside it, the journal of another database of this name"},
    };
    char name[sizeof(backup->partial_path)];
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

/* Returns whether a backup made this file: a regular file that only its owner may use. */
static bool is_partial(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0777) == MODE;
}

/* Returns whether a process has it open as a database. */
static bool is_in_use(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

/* Removes the partial copy of a backup that was killed; nobody holds its lock. Returns NULL when it
 * is gone, or else why it is not. */
static const char *left_remove(const char *path)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const char *error = NULL;

    if (fd < 0) {
        return errno == ENOENT ? NULL : "there is a -partial file beside it that cannot be removed";
    }
    if (!is_partial(fd)) {
        error = "there is a -partial file beside it that no backup has made";
    } else if (is_in_use(fd) || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = "another backup to this path is in progress and has its -partial file";
    } else if (is_named(fd, path) && unlink(path) != 0) {
        error = strerror(errno);
    }
    close(fd);
    return error;
}

/* Creates a file and locks it. -1 with errno on failure. EEXIST means that the name is taken, or
 * that another backup took our new file for a left-over one. On a file system without locks it is
 * not locked. */
static int partial_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);

    if (fd >= 0 &&
        ((flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) || !is_named(fd, path))) {
        close(fd);
        errno = EEXIST;
        fd = -1;
    }
    return fd;
}

/* Returns whether the path is the store's own file. It does not open the file: closing it again
 * would end SQLite's locks on it. */
static bool is_store(const struct sqlite_db *db, const char *path)
{
    const char *store = sqlite3_db_filename(db->handle, "main");
    struct stat named, own;

    return store != NULL && stat(path, &named) == 0 && stat(store, &own) == 0 &&
           named.st_dev == own.st_dev && named.st_ino == own.st_ino;
}

/* Creates the partial copy under a name that no other file has. */
static bool partial_create(struct sqlite_backup *backup, const struct sqlite_db *db)
{
    const char *error = obstacle(backup);
    char path[sizeof(backup->partial_path)];

    if (error == NULL && !name_beside(backup, "-partial", path)) {
        error = "the path is too long";
    }
    if (error == NULL && is_store(db, path)) {
        error = "its -partial file would be the store itself";
    }
    for (int i = 0; error == NULL && backup->fd < 0 && i < ATTEMPTS; i++) {
        backup->fd = partial_open(path);
        if (backup->fd < 0) {
            error = errno == EEXIST ? left_remove(path) : strerror(errno);
        }
    }
    if (backup->fd < 0) {
        sqlite_backup_abort(backup,
                            error == NULL ? "other backups to this path are in progress" : error);
        return false;
    }
    memcpy(backup->partial_path, path, sizeof(path));
    return true;
}

static void backup_begin(struct sqlite_backup *backup, struct sqlite_db *db)
{
    if (!partial_create(backup, db)) {
        return;
    }
    /* A half-written copy is thrown away as a whole, so it needs no journal. It is used by this
     * process only, so it needs no locks of SQLite either. On a network file system these would
     * conflict with the lock above. */
    if (sqlite3_open_v2(backup->partial_path, &backup->copy, SQLITE_OPEN_READWRITE, "unix-none") !=
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

/* A name is durable when its directory is synced. */
static bool directory_sync(const char *path)
{
    char directory[sizeof(((struct sqlite_backup *)NULL)->partial_path)];
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
    if (!rename_to_new(backup->partial_path, backup->path)) {
        return false;
    }
    if (!directory_sync(backup->path)) {
        unlink(backup->path);
        return false;
    }
    return true;
}

static void backup_end(struct sqlite_backup *backup)
{
    copy_close(backup);
    if (name_it(backup)) {
        lock_release(backup);
        backup->state = BACKUP_DONE;
    } else {
        sqlite_backup_abort(backup, strerror(errno));
    }
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
        sqlite_backup_abort(backup, sqlite3_errstr(code));
    }
}

void sqlite_backup_settle(struct sqlite_backup *backup)
{
    if (backup->fd >= 0 && fdatasync(backup->fd) != 0) {
        /* The last step reports the error: it syncs again. */
        return;
    }
}
