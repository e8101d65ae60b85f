/* SPDX-License-Identifier: MIT */
/* Makes the copy. A process that serves the file has locked it, so that process is asked for the
 * copy. A file that no process serves is copied here. */
#include "commands/backup.h"

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interruption.h"
#include "base/progress.h"
#include "base/store_name.h"
#include "control/client.h"

/* Makes the path absolute: the serving process may have another working directory. */
static bool absolute(const char *file, char ret_path[PATH_MAX])
{
    char directory[PATH_MAX];
    int n;

    if (file[0] == '/') {
        n = snprintf(ret_path, PATH_MAX, "%s", file);
    } else if (getcwd(directory, sizeof(directory)) == NULL) {
        return false;
    } else {
        n = snprintf(ret_path, PATH_MAX, "%s/%s", directory, file);
    }
    return n > 0 && n < PATH_MAX;
}

/* ---- Where the copy must not go ---- */

/* Returns whether both names are the same file of the same directory, also if the paths differ. */
static bool is_same_name(const char *path, const char *other)
{
    char copies[2][PATH_MAX + 16];
    struct stat directory, other_directory;

    if (strcmp(strrchr(path, '/'), strrchr(other, '/')) != 0) {
        return false;
    }
    snprintf(copies[0], sizeof(copies[0]), "%s", path);
    snprintf(copies[1], sizeof(copies[1]), "%s", other);
    return stat(dirname(copies[0]), &directory) == 0 &&
           stat(dirname(copies[1]), &other_directory) == 0 &&
           directory.st_dev == other_directory.st_dev && directory.st_ino == other_directory.st_ino;
}

/* Returns whether the path is one that this store uses or will use. */
static bool is_beside(const char *store, const char *path)
{
    static const char *const endings[] = {STORE_NAME_CONTROL, STORE_NAME_JOURNAL, STORE_NAME_SHM,
                                          STORE_NAME_WAL};
    char name[PATH_MAX + 16];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", store, endings[i]);
        if (is_same_name(name, path)) {
            return true;
        }
    }
    return false;
}

/* SQLite's own files are beside the database. The socket is beside the name that the store was
 * given, which may be a link. */
static bool belongs_to_store(const char *control_path, const char *path)
{
    char given[PATH_MAX], store[PATH_MAX], real[PATH_MAX];

    return control_path != NULL && control_client_store_path(control_path, given) &&
           absolute(given, store) &&
           (is_beside(store, path) || (realpath(store, real) != NULL && is_beside(real, path)));
}

/* Whether a service could not start on a copy of this name, or would take it for a rescued one. */
static bool is_reserved(const char *path)
{
    const char *rescued = strstr(path, STORE_NAME_RESCUED);

    while (rescued != NULL && !store_name_is_rescued(rescued)) {
        rescued = strstr(rescued + 1, STORE_NAME_RESCUED);
    }
    return rescued != NULL || store_name_ending(path) != NULL;
}

/* ---- The copy ---- */

/* A copy in progress, and the signals that end the command. */
struct making {
    struct progress *progress;
    sigset_t signals;
    int number; /* number of the signal that came, or 0 */
};

static bool go_on(void *argument, uint64_t done, uint64_t total)
{
    struct making *making = argument;

    making->number = interruption_take(&making->signals);
    return making->number == 0 && progress_show(making->progress, done, total);
}

/* Makes the copy. A signal takes effect after a step; then the copy is complete, or nothing of it
 * is left. */
static bool copy_here(struct store_engine *engine, const char *path, struct progress *progress,
                      char *ret_error)
{
    struct making making = {.progress = progress};
    bool is_done;

    interruption_block(&making.signals);
    is_done = store_engine_backup(engine, path, go_on, &making, ret_error);
    if (!is_done && making.number != 0) {
        progress_end(progress);
        interruption_die(&making.signals, making.number);
    }
    interruption_unblock(&making.signals);
    return is_done;
}

static bool copy(struct store_engine *engine, const char *path, struct progress *progress,
                 char *ret_error)
{
    const char *control_path = store_engine_control_path(engine);
    struct control_peer peer;
    enum control_answer answer = control_path == NULL
                                     ? CONTROL_NOBODY
                                     : control_client_connect(control_path, &peer, ret_error);
    bool is_done;

    if (answer != CONTROL_THERE) {
        return answer == CONTROL_NOBODY && copy_here(engine, path, progress, ret_error);
    }
    is_done = control_client_backup(&peer, path, progress_show, progress, ret_error);
    control_client_hang_up(&peer);
    return is_done;
}

int command_backup(struct store_engine *engine, const char *file)
{
    char path[PATH_MAX], error[STORE_ERROR_SIZE] = "";
    struct progress progress;
    bool is_done;

    if (!absolute(file, path)) {
        fputs("discountd: the path of the backup is too long\n", stderr);
        return EXIT_FAILURE;
    }
    if (belongs_to_store(store_engine_control_path(engine), path)) {
        fprintf(stderr, "discountd: no backup: %s belongs to the store\n", path);
        return EXIT_FAILURE;
    }
    if (is_reserved(path)) {
        fprintf(stderr, "discountd: no backup: %s has a name that a store gives to its own files\n",
                path);
        return EXIT_FAILURE;
    }
    progress_init(&progress, "backup");
    is_done = copy(engine, path, &progress, error);
    progress_end(&progress);
    if (!is_done) {
        fprintf(stderr, "discountd: no backup: %s\n", error);
        return EXIT_FAILURE;
    }
    printf("%s is a whole backup; start on it with DISCOUNT_STORE=sqlite:%s\n", path, path);
    return EXIT_SUCCESS;
}
