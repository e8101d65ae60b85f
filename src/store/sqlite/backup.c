/* SPDX-License-Identifier: MIT */
/* In: an open database, a path. Out: a whole copy there, or nothing. */
#include "store/sqlite/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the copy: it holds the names of users. */
#define MODE (S_IRUSR | S_IWUSR)
/* How often a copy that has just begun may be taken for one that was left. */
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

/* What is SQLite's: it is written then. */
static void copy_close(struct sqlite_backup *backup)
{
    sqlite3_backup_finish(backup->steps);
    sqlite3_close(backup->copy);
    backup->steps = NULL;
    backup->copy = NULL;
}

/* Only when the copy has another name or none: without the lock it is one that was left. */
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

/* Puts a name beside the copy's together; false when it is too long. */
static bool name_beside(const struct sqlite_backup *backup, const char *ending, char *ret_name)
{
    int n = snprintf(ret_name, sizeof(backup->partial_path), "%s%s", backup->path, ending);

    return n > 0 && (size_t)n < sizeof(backup->partial_path);
}

/* What makes the backup impossible, or NULL. A log or a journal that was left would be taken for
 * the copy's own by whoever opens it. */
static const char *obstacle(const struct sqlite_backup *backup)
{
    static const struct {
        const char *ending, *error;
    } others[] = {
        {"", "it exists already"},
        {"-wal", "there is a log beside it (-wal), of another file of this name"},
        {"-journal", "there is a journal beside it (-journal), of another file of this name"},
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

/* ---- The growing copy ---- */

/* Whether a backup has made it: a plain file, for its user alone. */
static bool is_partial(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0777) == MODE;
}

/* Whether a process has it as a database. */
static bool is_in_use(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

/* Removes what a backup left that was killed: nobody holds it. NULL when it is gone, or why not. */
static const char *left_remove(const char *path)
{
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const char *error = NULL;

    if (fd < 0) {
        return errno == ENOENT ? NULL : "there is a -partial beside it that cannot be removed";
    }
    if (!is_partial(fd)) {
        error = "there is a file beside it (-partial) that no backup has made";
    } else if (is_in_use(fd) || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = "another backup to it goes on, which has its -partial file";
    } else if (is_named(fd, path) && unlink(path) != 0) {
        error = strerror(errno);
    }
    close(fd);
    return error;
}

/* A new file that we hold; -1 with errno, which is EEXIST when the name is taken, also by somebody
 * who took our own for one that was left. A file system without such locks does without. */
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

/* Whether the store has this name. Only looked at: to open and close the file again would end
 * SQLite's locks on it. */
static bool is_store(const struct sqlite_db *db, const char *path)
{
    const char *store = sqlite3_db_filename(db->handle, "main");
    struct stat named, own;

    return store != NULL && stat(path, &named) == 0 && stat(store, &own) == 0 &&
           named.st_dev == own.st_dev && named.st_ino == own.st_ino;
}

/* Creates the file under its growing name, which nobody else has. */
static bool partial_create(struct sqlite_backup *backup, const struct sqlite_db *db)
{
    const char *error = obstacle(backup);
    char path[sizeof(backup->partial_path)];

    if (error == NULL && !name_beside(backup, "-partial", path)) {
        error = "the path is too long";
    }
    if (error == NULL && is_store(db, path)) {
        error = "the store has the name that it would grow under (-partial)";
    }
    for (int i = 0; error == NULL && backup->fd < 0 && i < ATTEMPTS; i++) {
        backup->fd = partial_open(path);
        if (backup->fd < 0) {
            error = errno == EEXIST ? left_remove(path) : strerror(errno);
        }
    }
    if (backup->fd < 0) {
        sqlite_backup_abort(backup, error == NULL ? "others back up to it at this moment" : error);
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
    /* What is half done is thrown away as a whole, so it needs no journal. Nor does it need the
     * locks of SQLite: it is ours alone, and where files come over a network one would wait for the
     * other. */
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

/* ---- Its name ---- */

/* Gives it another name, which nothing has: false with EEXIST where something does. */
static bool rename_to_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return true;
    }
    /* A file system that knows only the rename that replaces; a link never does. */
    if ((errno != EINVAL && errno != ENOSYS) || link(from, to) != 0) {
        return false;
    }
    unlink(from); /* where that fails, the next backup to the name does it */
    return true;
}

/* A name is on the disk when its directory is. */
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
        /* The last step will say so: it waits for the disk itself. */
        return;
    }
}
