/* SPDX-License-Identifier: MIT */
/* In: a connection. Out: whether its files are its own. A look costs a stat of each file; only when
 * a file has changed since, its header is read too. It never writes. */
#include "store/sqlite/watch.h"

#include <string.h>
#include <sys/stat.h>

#include "store/sqlite/wal_vfs.h"

/* ---- One file ---- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int head_read(const struct sqlite_watch_file *at, size_t size, unsigned char *ret_head)
{
    return size == 0 ? SQLITE_OK : at->file->pMethods->xRead(at->file, ret_head, (int)size, 0);
}

static bool has_head(const struct sqlite_watch_file *at)
{
    unsigned char head[SQLITE_WATCH_HEAD];

    return head_read(at, at->head_size, head) == SQLITE_OK &&
           memcmp(head, at->head, at->head_size) == 0;
}

static bool is_named(const struct sqlite_watch_file *at, const struct stat *named)
{
    return at->device == named->st_dev && at->inode == named->st_ino;
}

static const char *look_at(struct sqlite_watch_file *at)
{
    struct stat now;

    if (stat(at->path, &now) != 0) {
        return "was removed or renamed";
    }
    if (!is_named(at, &now)) {
        return "was replaced by another file";
    }
    if (now.st_size < at->size) {
        return "was cut off";
    }
    if (is_same_time(&at->changed, &now.st_ctim)) {
        return NULL;
    }
    at->changed = now.st_ctim;
    return has_head(at) ? NULL : "was overwritten";
}

/* ---- The two of them ---- */

/* What the log must hold is known to its VFS. Returns whether it was cut off before a write. */
static bool log_expect(struct sqlite_watch_file *log)
{
    struct sqlite_wal_vfs_log about;

    if (!sqlite_wal_vfs_describe(log->file, &about)) {
        return false;
    }
    log->size = about.size;
    log->head_size = about.has_head ? sizeof(about.head) : 0;
    memcpy(log->head, about.head, sizeof(about.head));
    return about.is_cut;
}

/* The file that has the name is the one that SQLite has open. */
static bool is_open_as_named(const struct sqlite_watch_file *at)
{
    int has_moved = 0;

    at->file->pMethods->xFileControl(at->file, SQLITE_FCNTL_HAS_MOVED, &has_moved);
    return has_moved == 0;
}

static bool file_begin(struct sqlite_watch_file *at, const char *path)
{
    struct stat named;

    if (stat(path, &named) != 0) {
        return false;
    }
    at->path = path;
    at->device = named.st_dev;
    at->inode = named.st_ino;
    return is_open_as_named(at);
}

bool sqlite_watch_begin(struct sqlite_watch *watch, sqlite3 *handle)
{
    const char *path = sqlite3_db_filename(handle, "main");
    struct sqlite_wal_vfs_log about;

    *watch = (struct sqlite_watch){0};
    if (path == NULL || path[0] == '\0') {
        return true;
    }
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &watch->database.file);
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &watch->log.file);
    if (!file_begin(&watch->database, path) || !sqlite_wal_vfs_describe(watch->log.file, &about) ||
        !file_begin(&watch->log, sqlite3_filename_wal(path))) {
        return false;
    }
    sqlite_watch_accept(watch);
    return true;
}

void sqlite_watch_accept(struct sqlite_watch *watch)
{
    struct sqlite_watch_file *at = &watch->database;
    struct stat now;

    if (at->path == NULL || stat(at->path, &now) != 0 || !is_named(at, &now)) {
        return; /* the next look says so */
    }
    at->size = now.st_size;
    at->changed = now.st_ctim;
    at->head_size = now.st_size < SQLITE_WATCH_HEAD ? 0 : SQLITE_WATCH_HEAD;
    if (head_read(at, at->head_size, at->head) != SQLITE_OK) {
        at->head_size = 0;
    }
}

const char *sqlite_watch_look(struct sqlite_watch *watch, const char **ret_path)
{
    const char *change;

    if (watch->database.path == NULL) {
        return NULL;
    }
    *ret_path = watch->database.path;
    change = look_at(&watch->database);
    if (change == NULL) {
        bool is_cut = log_expect(&watch->log);

        *ret_path = watch->log.path;
        change = is_cut ? "was cut off" : look_at(&watch->log);
    }
    return change;
}

/* ---- What is left ---- */

static bool is_long_enough(const struct sqlite_watch_file *at)
{
    sqlite3_int64 size;

    return at->file->pMethods->xFileSize(at->file, &size) == SQLITE_OK && size >= at->size;
}

/* A header that was cut off cannot be read; one that was overwritten can. */
static bool has_other_head(const struct sqlite_watch_file *at)
{
    unsigned char head[SQLITE_WATCH_HEAD];

    return head_read(at, at->head_size, head) == SQLITE_OK &&
           memcmp(head, at->head, at->head_size) != 0;
}

enum sqlite_watch_loss sqlite_watch_loss(const struct sqlite_watch *watch)
{
    struct sqlite_watch_file log = watch->log;
    bool is_cut = log_expect(&log);

    if (!is_long_enough(&watch->database) || !has_head(&watch->database) || has_other_head(&log)) {
        return WATCH_LOST_UNKNOWN;
    }
    return is_cut || !is_long_enough(&log) || !has_head(&log) ? WATCH_LOST_LOG : WATCH_LOST_NOTHING;
}
