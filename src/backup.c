/* SPDX-License-Identifier: MIT */
/* Whoever serves the file has locked it, so it is asked for the copy; a file that nobody serves is
 * copied here. */
#include "backup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "progress.h"

/* The path as any process may use it: it may have another working directory. */
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

static bool copy(struct store_engine *engine, const char *path, struct progress *progress,
                 char *ret_fault)
{
    const char *control_path = store_engine_control_path(engine);
    enum control_answer answer =
        control_path == NULL
            ? CONTROL_NOBODY
            : control_backup(control_path, path, progress_show, progress, ret_fault);

    return answer == CONTROL_DONE ||
           (answer == CONTROL_NOBODY &&
            store_engine_backup(engine, path, progress_show, progress, ret_fault));
}

int backup(struct store_engine *engine, const char *file)
{
    char path[PATH_MAX], fault[STORE_FAULT] = "";
    struct progress progress;
    bool is_done;

    if (!absolute(file, path)) {
        fputs("discountd: the path of the backup is too long\n", stderr);
        return EXIT_FAILURE;
    }
    progress_init(&progress, "backup");
    is_done = copy(engine, path, &progress, fault);
    progress_end(&progress);
    if (!is_done) {
        fprintf(stderr, "discountd: no backup: %s\n", fault);
        return EXIT_FAILURE;
    }
    printf("%s is a whole backup; start on it with DISCOUNT_STORE=sqlite:%s\n", path, path);
    return EXIT_SUCCESS;
}
