/* SPDX-License-Identifier: MIT */
/* The conformance suite on a SQLite file. */
#include <stdio.h>

#include "store/conformance.h"

static const char *url(const char *directory)
{
    static char text[256];

    snprintf(text, sizeof(text), "sqlite:%s/discount.db", directory);
    return text;
}

int main(void)
{
    return conformance_run(&(struct conformance_backend){.name = "sqlite file", .url = url});
}
