/* SPDX-License-Identifier: MIT */
/* The conformance suite: the store contract (discount/store.h) as cases that run once for each
 * backend, whatever stores its data. On the test's own thread. */
#ifndef STORE_CONFORMANCE_H
#define STORE_CONFORMANCE_H

#include <stdbool.h>

struct conformance_backend {
    const char *name; /* printed before every failure */
    /* Returns a URL for store_engine_open. Each case calls it from its test function, so it may
     * skip. Only this suite uses the data, which may outlive a case. The directory is fresh and is
     * removed after the suite. */
    const char *(*url)(const char *directory);
    bool forgets; /* the data are lost when the engine is closed */
};

/* Runs every case. Returns how many failed. */
int conformance_run(const struct conformance_backend *backend);

#endif
