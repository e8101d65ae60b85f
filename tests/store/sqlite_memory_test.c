/* SPDX-License-Identifier: MIT */
/* The conformance suite on SQLite in memory. */
#include "store/conformance.h"

static const char *url(void)
{
    return "sqlite::memory:";
}

int main(void)
{
    return conformance_run(&(struct conformance_backend){.name = "sqlite in memory", .url = url});
}
