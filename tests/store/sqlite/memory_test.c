/* SPDX-License-Identifier: MIT */
/* The conformance suite on SQLite in memory. */
#include "store/conformance.h"

static const char *url(const char *directory)
{
    (void)directory; /* nothing is on disk */
    return "sqlite::memory:";
}

int main(void)
{
    return conformance_run(
        &(struct conformance_backend){.name = "sqlite in memory", .url = url, .forgets = true});
}
