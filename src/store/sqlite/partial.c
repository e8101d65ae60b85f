/* SPDX-License-Identifier: MIT */
/* In: where a backup is to be. Out: an empty file beside it that nobody else has. It removes
 * nothing but a directory of our making, and only when that holds nothing but our file. */
#include "store/sqlite/partial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/store_name.h"

#define DIRECTORY_MODE 0700
/* Of the copy: it holds the names of users. */
#define FILE_MODE 0600
/* How often a directory that has just been made may be taken for one that was left. */
#define ATTEMPTS 10

static int directory_open(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Takes the lock. False when another process has it, or has removed the directory meanwhile. A file
 * system without such locks does without. */
static bool hold(int directory, const char *path)
{
    struct stat held, named;

    if (flock(directory, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return false;
    }
    return fstat(directory, &held) == 0 && lstat(path, &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* ---- What was left ---- */

static bool has_our_mode(int directory)
{
    struct stat about;

    return fstat(directory, &about) == 0 && (about.st_mode & 0777) == DIRECTORY_MODE;
}

/* Whether there is nothing in it that no backup has made. */
static bool holds_only_a_copy(const char *path)
{
    DIR *entries = opendir(path);
    const struct dirent *entry;
    bool is_only = entries != NULL;

    while (is_only && (entry = readdir(entries)) != NULL) {
        is_only = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                  strcmp(entry->d_name, STORE_NAME_COPY) == 0;
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return is_only;
}

static void remove_both(int directory, const char *path)
{
    unlinkat(directory, STORE_NAME_COPY, 0);
    rmdir(path);
}

/* Returns NULL when it is gone, or why it is not. */
static const char *leftover_remove(const char *path)
{
    const char *error = NULL;
    int directory = directory_open(path);

    if (directory < 0 && errno == ENOENT) {
        return NULL;
    }
    if (directory < 0 || !has_our_mode(directory) || !holds_only_a_copy(path)) {
        error = "there is a " STORE_NAME_PARTIAL " beside it that no backup has made";
    } else if (flock(directory, LOCK_EX | LOCK_NB) != 0) {
        error = "another backup to this path is in progress and has its " STORE_NAME_PARTIAL;
    } else if (hold(directory, path)) {
        remove_both(directory, path);
    }
    if (directory >= 0) {
        close(directory);
    }
    return error;
}

/* ---- One's own ---- */

/* False with errno, which is EEXIST when the name is taken. */
static bool directory_make(struct sqlite_partial *partial)
{
    int directory;

    if (mkdir(partial->directory_path, DIRECTORY_MODE) != 0) {
        return false;
    }
    directory = directory_open(partial->directory_path);
    if (directory < 0 || !hold(directory, partial->directory_path)) {
        if (directory >= 0) {
            close(directory);
        }
        errno = EEXIST; /* another process took it for one that was left */
        return false;
    }
    partial->directory = directory;
    return true;
}

static const char *copy_make(struct sqlite_partial *partial)
{
    const char *error;

    partial->fd = openat(partial->directory, STORE_NAME_COPY,
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (partial->fd >= 0) {
        return NULL;
    }
    error = strerror(errno);
    sqlite_partial_remove(partial);
    return error;
}

void sqlite_partial_init(struct sqlite_partial *partial)
{
    partial->fd = -1;
    partial->directory = -1;
}

const char *sqlite_partial_make(struct sqlite_partial *partial, const char *file)
{
    int n = snprintf(partial->path, sizeof(partial->path),
                     "%s" STORE_NAME_PARTIAL "/" STORE_NAME_COPY, file);
    const char *error = NULL;

    if (n < 0 || (size_t)n >= sizeof(partial->path)) {
        return "the path is too long";
    }
    snprintf(partial->directory_path, sizeof(partial->directory_path), "%s" STORE_NAME_PARTIAL,
             file);
    for (int i = 0; error == NULL && i < ATTEMPTS; i++) {
        if (directory_make(partial)) {
            return copy_make(partial);
        }
        error = errno == EEXIST ? leftover_remove(partial->directory_path) : strerror(errno);
    }
    return error == NULL ? "other backups to this path are in progress" : error;
}

void sqlite_partial_remove(struct sqlite_partial *partial)
{
    if (partial->directory >= 0 && hold(partial->directory, partial->directory_path)) {
        remove_both(partial->directory, partial->directory_path);
    }
    if (partial->fd >= 0) {
        close(partial->fd);
    }
    if (partial->directory >= 0) {
        close(partial->directory);
    }
    sqlite_partial_init(partial);
}
