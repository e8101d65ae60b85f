/* SPDX-License-Identifier: MIT */
/* The directory in which a verify keeps its copy of a store that another process serves. It is
 * beside the file, where there is enough space or nowhere. Only the user of the serving process may
 * enter it. A verify holds a lock on its directory; an unlocked one was left by a verify that was
 * killed. */
#ifndef COMMANDS_COPY_DIRECTORY_H
#define COMMANDS_COPY_DIRECTORY_H

#include <limits.h>
#include <stdbool.h>

#include "base/store_name.h"
#include "control/client.h"

/* Name of the copy in the directory. */
#define COPY_NAME STORE_NAME_COPY

struct copy_directory {
    char path[PATH_MAX];
    int fd; /* owned; holds the lock */
};

/* Makes an empty directory in which the peer can write. Returns false with errno. */
bool copy_directory_make(const char *control_path, const struct control_peer *peer,
                         struct copy_directory *ret_directory);
/* Removes the directory and all files of a copy. Any thread, once. */
void copy_directory_remove(const struct copy_directory *directory);

/* Removes unlocked directories beside this store that belong to this user or to the file's owner. A
 * directory that cannot be removed stays. */
void copy_directory_remove_leftovers(const char *control_path);

#endif
