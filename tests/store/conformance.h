/* SPDX-License-Identifier: MIT */
/* What every backend must do, whatever its data lies on: the store contract (discount/store.h) as
 * cases that are run once per backend. On the test's own thread. */
#ifndef STORE_CONFORMANCE_H
#define STORE_CONFORMANCE_H

#include <stdbool.h>

struct conformance_backend {
    const char *name; /* stands before every failure */
    /* A URL that store_engine_open takes. Called by each case, from its test function, so it may
     * skip; the data behind it is the suite's alone and may outlive a case. The directory is fresh
     * and goes with the suite. */
    const char *(*url)(const char *directory);
    bool forgets; /* the data goes with its engine */
};

/* Runs every case; how many failed. */
int conformance_run(const struct conformance_backend *backend);

#endif
