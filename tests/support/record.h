/* SPDX-License-Identifier: MIT */
/* Records the exchanges of the tests' HTTP client for the contract test (tests/contract). If the
 * environment variable DISCOUNT_EXCHANGES names a directory, each process appends to a file there.
 * Each exchange is one line of JSON, written before the test checks the answer. Without the
 * variable nothing is recorded. Any thread, one at a time for each record. */
#ifndef SUPPORT_RECORD_H
#define SUPPORT_RECORD_H

#include <stddef.h>

/* Answers with a longer body are recorded without it. */
#define RECORD_BODY_MOST 65536

/* The bytes sent over a connection that have no answer yet. {0} is empty. */
struct record {
    char *sent; /* owned */
    size_t n;
};

void record_sent(struct record *record, const void *bytes, size_t n);
/* Records the answer to the first unanswered request; `head` is its status line and headers. */
void record_answer(struct record *record, const char *head, const char *body, size_t body_size);
void record_fini(struct record *record);

#endif
