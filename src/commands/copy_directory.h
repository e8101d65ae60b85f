/* SPDX-License-Identifier: MIT */
/* The directory in which a verify has its copy of a store that another process serves: beside the
 * file, where there is room or nowhere, and for that process's user alone. Whoever works with one
 * holds a lock on it, so one that nobody holds was left by a verify that was killed. */
#ifndef COMMANDS_COPY_DIRECTORY_H
#define COMMANDS_COPY_DIRECTORY_H

#include <limits.h>
#include <stdbool.h>

#include "control/control.h"

/* What the copy is called in it. */
#define COPY_NAME "copy"

struct copy_directory {
    char path[PATH_MAX];
    int fd; /* owned; it has the lock */
};

/* Makes one, with nothing in it, in which the peer can write. False with errno. */
bool copy_directory_make(const char *control_path, const struct control_peer *peer,
                         struct copy_directory *ret_directory);
/* Removes it with all that a copy leaves. Any thread, once. */
void copy_directory_remove(const struct copy_directory *directory);

/* Removes those beside this store that nobody holds: our own, and those of the user that the file
 * belongs to. What cannot be removed stays. */
void copy_directory_remove_leftovers(const char *control_path);

#endif
