/* SPDX-License-Identifier: MIT */
/* A fresh directory for a test. Any thread. */
#ifndef SUPPORT_DIRECTORY_H
#define SUPPORT_DIRECTORY_H

struct directory {
    char path[32];
};

/* Makes a directory below /tmp; a failure ends the process. */
void directory_make(struct directory *ret_directory);
/* Removes the directory and everything in it. */
void directory_remove(const struct directory *directory);

#endif
