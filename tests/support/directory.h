/* SPDX-License-Identifier: MIT */
/* A fresh directory of a test's own. Any thread. */
#ifndef SUPPORT_DIRECTORY_H
#define SUPPORT_DIRECTORY_H

struct directory {
    char path[32];
};

/* Makes one below /tmp, which must work. */
void directory_make(struct directory *ret_directory);
/* Removes it and everything in it. */
void directory_remove(const struct directory *directory);

#endif
