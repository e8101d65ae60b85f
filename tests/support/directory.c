/* SPDX-License-Identifier: MIT */
#include "support/directory.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void directory_make(struct directory *ret_directory)
{
    strcpy(ret_directory->path, "/tmp/discount-test-XXXXXX");
    if (mkdtemp(ret_directory->path) == NULL) {
        perror("mkdtemp");
        abort();
    }
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about; /* files and directories alike are removed */
    (void)kind;
    (void)where;
    return remove(path);
}

void directory_remove(const struct directory *directory)
{
    nftw(directory->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
