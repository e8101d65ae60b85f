/* SPDX-License-Identifier: MIT */
#include "support/need.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

void need(bool is_there, const char *what)
{
    const char *all = getenv("REQUIRE_ALL");

    if (is_there) {
        return;
    }
    if (all != NULL && strcmp(all, "1") == 0) {
        fail_msg("%s is not here, and REQUIRE_ALL=1 allows no skip", what);
    }
    fprintf(stderr, "SKIPPED: %s is not here\n", what);
    skip();
}

const char *need_program(const char *name)
{
    static char found[PATH_MAX]; /* path of the program that was asked for last */
    const char *path = getenv("PATH");

    while (path != NULL && *path != '\0') {
        int n = (int)strcspn(path, ":");

        if (snprintf(found, sizeof(found), "%.*s/%s", n, path, name) < (int)sizeof(found) &&
            access(found, X_OK) == 0) {
            return found;
        }
        path += n + (path[n] == ':');
    }
    need(false, name);
    return NULL;
}
