/* SPDX-License-Identifier: MIT */
/* Collects the findings of a verify. On the test's own thread. */
#ifndef STORE_FINDINGS_H
#define STORE_FINDINGS_H

#include <stdbool.h>

#include "discount/engine.h"

struct findings {
    struct store_audit audit;
    bool is_whole;                /* the verify returned true */
    char fault[STORE_ERROR_SIZE]; /* the error, if it did not */
    char *lines;                  /* owned; each finding and a newline */
    uint64_t answered;            /* how many */
    uint64_t shown;               /* how often progress was reported */
    bool is_progress_valid;       /* it never went backward or beyond the total */
    uint64_t done, total;         /* as reported last */
};

/* Verifies the store at this URL. */
void findings_take(const char *url, struct findings *ret_findings);
void findings_drop(struct findings *findings);

/* Requires that everything was verified, without a finding, and these counts. */
void findings_none(const char *url, uint64_t discounts, uint64_t grants);
/* Requires that everything was verified. A finding must begin with `begin` and contain `text`;
 * either may be "". */
void findings_hold(const char *url, const char *begin, const char *text);
/* Requires that it is the only finding. */
void findings_one(const char *url, const char *begin, const char *text);

#endif
