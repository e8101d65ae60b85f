/* SPDX-License-Identifier: MIT */
/* Makes a directory beside a store's control socket, and removes those that were left there.
 *
 * Other users may write to the parent directory, so a name may mean something else a moment later.
 * Therefore descriptors, not names, are locked, given away and emptied. Only files with the names
 * that a copy has are removed. */
#include "commands/copy_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "verify-"
#define RANDOM "XXXXXX" /* mkdtemp replaces it */
#define ALPHANUMERICS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
/* How often a new directory may be removed by another process before it is locked. */
#define ATTEMPTS 10

/* ---- Common ---- */

/* Returns the directory of the file, with links resolved. */
static bool parent_of(const char *control_path, char ret_parent[PATH_MAX])
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s", control_path) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return realpath(dirname(path), ret_parent) != NULL;
}

static int open_in(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Removes the rest of an interrupted backup, SQLite's log, and last the copy. The copy comes last
 * because a backup in progress may give it its name at this moment. */
static void empty(int fd)
{
    static const char *const endings[] = {STORE_NAME_JOURNAL, STORE_NAME_WAL, ""};
    char name[64];

    unlinkat(fd, COPY_NAME STORE_NAME_PARTIAL "/" STORE_NAME_COPY, 0);
    unlinkat(fd, COPY_NAME STORE_NAME_PARTIAL, AT_REMOVEDIR);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(name, sizeof(name), COPY_NAME "%s", endings[i]);
        unlinkat(fd, name, 0);
    }
}

/* ---- Making one ---- */

/* Takes the lock. Returns false if another process removes the directory, or has removed it. A file
 * system without such locks has no process that could take the directory for a leftover. */
static bool hold(const struct copy_directory *directory)
{
    struct stat held, named;

    if (flock(directory->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return false;
    }
    return fstat(directory->fd, &held) == 0 && lstat(directory->path, &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* Makes an empty directory for this user alone, and locks it. */
static bool make(const char *parent, struct copy_directory *directory)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (snprintf(directory->path, PATH_MAX, "%s/" NAME RANDOM, parent) >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return false;
        }
        if (mkdtemp(directory->path) == NULL) {
            return false;
        }
        directory->fd = open_in(AT_FDCWD, directory->path);
        if (directory->fd >= 0) {
            if (hold(directory)) {
                return true;
            }
            close(directory->fd);
        }
    }
    errno = EAGAIN;
    return false;
}

/* Gives the directory to the user of the serving process, which writes the copy. If root runs the
 * verify, that user may own neither the file nor the parent directory. */
static bool give(int fd, const struct control_peer *peer)
{
    return peer->uid == geteuid() || fchown(fd, peer->uid, peer->gid) == 0;
}

bool copy_directory_make(const char *control_path, const struct control_peer *peer,
                         struct copy_directory *ret_directory)
{
    char parent[PATH_MAX];

    if (!parent_of(control_path, parent) || !make(parent, ret_directory)) {
        return false;
    }
    if (!give(ret_directory->fd, peer)) {
        int number = errno;

        copy_directory_remove(ret_directory);
        errno = number;
        return false;
    }
    return true;
}

void copy_directory_remove(const struct copy_directory *directory)
{
    empty(directory->fd);
    rmdir(directory->path);
    close(directory->fd);
}

/* ---- Removing leftovers ---- */

static bool is_name(const char *name)
{
    size_t n = strlen(NAME);

    return strncmp(name, NAME, n) == 0 && strlen(name) == n + strlen(RANDOM) &&
           strspn(name + n, ALPHANUMERICS) == strlen(RANDOM);
}

/* Returns whether it is private to one user: this one, or the file's owner. */
static bool is_ours(int fd, uid_t owner)
{
    struct stat about;

    return fstat(fd, &about) == 0 && (about.st_mode & 0777) == 0700 &&
           (about.st_uid == geteuid() || about.st_uid == owner);
}

static void leftover_remove(int parent, const char *name, uid_t owner)
{
    int fd = open_in(parent, name);

    if (fd < 0) {
        return;
    }
    if (is_ours(fd, owner) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        empty(fd);
        unlinkat(parent, name, AT_REMOVEDIR);
    }
    close(fd);
}

/* Without a file, only this user is trusted. */
static uid_t owner_of(const char *control_path)
{
    char path[PATH_MAX];
    struct stat about;

    return control_client_store_path(control_path, path) && stat(path, &about) == 0 ? about.st_uid
                                                                                    : geteuid();
}

void copy_directory_remove_leftovers(const char *control_path)
{
    char parent[PATH_MAX];
    uid_t owner = owner_of(control_path);
    const struct dirent *entry;
    DIR *entries = parent_of(control_path, parent) ? opendir(parent) : NULL;

    if (entries == NULL) {
        return;
    }
    while ((entry = readdir(entries)) != NULL) {
        if (is_name(entry->d_name)) {
            leftover_remove(dirfd(entries), entry->d_name, owner);
        }
    }
    closedir(entries);
}
