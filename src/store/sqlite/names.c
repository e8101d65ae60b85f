/* SPDX-License-Identifier: MIT */
#include "store/sqlite/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/store_name.h"

#define NAME_SIZE 4200
/* What a database of SQLite begins with. */
#define MAGIC "SQLite format 3"

/* ---- Its own name ---- */

static bool is_own(const char *path, char *ret_error)
{
    const char *ending = store_name_ending(path);

    if (ending != NULL) {
        snprintf(ret_error, STORE_ERROR_SIZE,
                 "%.800s: the name of a store cannot end in %s: that is a file of another store",
                 path, ending);
    }
    return ending == NULL;
}

/* ---- What is beside it ---- */

static bool is_database(const char *path)
{
    char magic[sizeof(MAGIC)] = "";
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool is_read = fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic);

    if (fd >= 0) {
        close(fd);
    }
    return is_read && memcmp(magic, MAGIC, sizeof(MAGIC)) == 0;
}

/* SQLite would write over another store that has the name of the log, and would remove one that has
 * the name of the journal. */
static bool is_free_of_others(const char *file, char *ret_error)
{
    static const char *const endings[] = {STORE_NAME_WAL, STORE_NAME_JOURNAL};
    char name[NAME_SIZE + 16];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", file, endings[i]);
        if (is_database(name)) {
            snprintf(ret_error, STORE_ERROR_SIZE,
                     "%.800s is a database, and has a name that this store needs: move it", name);
            return false;
        }
    }
    return true;
}

/* SQLite would make a new database and remove the log, which has answered grants of the old one. */
static bool is_log_without_database(const char *file, char *ret_error)
{
    char log[NAME_SIZE + 16];
    struct stat about;
    bool is_there = stat(file, &about) == 0 && about.st_size > 0;

    snprintf(log, sizeof(log), "%s" STORE_NAME_WAL, file);
    if (is_there || stat(log, &about) != 0 || about.st_size == 0) {
        return false;
    }
    snprintf(ret_error, STORE_ERROR_SIZE,
             "%.400s is missing, but its log %.400s is there: put the database back, or move the "
             "log away",
             file, log);
    return true;
}

/* ---- What was rescued ---- */

static bool has_rescued(const char *file, char *ret_error)
{
    char directory[NAME_SIZE];
    const char *name = strrchr(file, '/') + 1;
    const struct dirent *entry;
    bool is_found = false;
    DIR *entries;

    snprintf(directory, sizeof(directory), "%s", file);
    entries = opendir(dirname(directory));
    if (entries == NULL) {
        return false;
    }
    while (!is_found && (entry = readdir(entries)) != NULL) {
        is_found = strncmp(entry->d_name, name, strlen(name)) == 0 &&
                   store_name_is_rescued(entry->d_name + strlen(name));
        if (is_found) {
            snprintf(ret_error, STORE_ERROR_SIZE,
                     "%.400s: its files were taken while it was served, and %.250s beside it has "
                     "what was answered: start on that one, or put it in the place of the file, or "
                     "move it elsewhere",
                     file, entry->d_name);
        }
    }
    closedir(entries);
    return is_found;
}

/* ---- Both questions ---- */

/* Links are followed as SQLite does it: its files are beside the file itself. False when there is
 * no such file to ask about: it is memory, or opening it will say why it is no path. */
static bool file_of(const char *path, char ret_file[NAME_SIZE])
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    return strcmp(path, ":memory:") != 0 && vfs != NULL &&
           (vfs->xFullPathname(vfs, path, NAME_SIZE, ret_file) & 0xFF) == SQLITE_OK;
}

bool sqlite_names_allow_open(const char *path, char ret_error[STORE_ERROR_SIZE])
{
    char file[NAME_SIZE];

    return !file_of(path, file) ||
           (is_free_of_others(file, ret_error) && !is_log_without_database(file, ret_error));
}

bool sqlite_names_allow_service(const char *path, char ret_error[STORE_ERROR_SIZE])
{
    char file[NAME_SIZE];

    return !file_of(path, file) ||
           (is_own(path, ret_error) && is_own(file, ret_error) && !has_rescued(file, ret_error));
}
