/* SPDX-License-Identifier: MIT */
/* The conformance suite on a SQLite file. */
#include <stdio.h>

#include "store/conformance.h"
#include "support/directory.h"

static char url_text[256];

static const char *url(void)
{
    return url_text;
}

int main(void)
{
    static const struct conformance_backend sqlite = {.name = "sqlite file", .url = url};
    struct directory directory;
    int failed;

    directory_make(&directory);
    snprintf(url_text, sizeof(url_text), "sqlite:%s/discount.db", directory.path);
    failed = conformance_run(&sqlite);
    directory_remove(&directory);
    return failed;
}
