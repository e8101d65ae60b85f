/* SPDX-License-Identifier: MIT */
/* What a verify finds, kept for a look. On the test's own thread. */
#ifndef STORE_FINDINGS_H
#define STORE_FINDINGS_H

#include <stdbool.h>

#include "discount/engine.h"

struct findings {
    struct store_audit audit;
    bool is_whole;                /* what the verify said */
    char fault[STORE_ERROR_SIZE]; /* when it is not */
    char *lines;                  /* owned; each fault with a newline behind it */
    uint64_t answered;            /* how many */
    uint64_t shown;               /* how often progress was told */
    bool is_progress_valid;       /* never backward, never past its total */
    uint64_t done, total;         /* told last */
};

/* Verifies what lies at this URL. */
void findings_take(const char *url, struct findings *ret_findings);
void findings_drop(struct findings *findings);

/* Requires that all was looked at, that there is no fault, and these counts. */
void findings_none(const char *url, uint64_t discounts, uint64_t grants);
/* Requires that all was looked at and that a fault begins with `begin` and holds `text`; both may
 * be "". */
void findings_hold(const char *url, const char *begin, const char *text);
/* The same, where it is the only one. */
void findings_one(const char *url, const char *begin, const char *text);

#endif
