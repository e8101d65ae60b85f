/* SPDX-License-Identifier: MIT */
/* What the HTTP client of the tests was answered, kept for the contract test (tests/contract): when
 * the environment variable DISCOUNT_EXCHANGES names a directory, each exchange is one line of JSON
 * in a file of the process there, written before the answer is looked at. Else nothing is kept. Any
 * thread, one at a time for each record. */
#ifndef SUPPORT_RECORD_H
#define SUPPORT_RECORD_H

#include <stddef.h>

/* Answers with a longer body are kept without it. */
#define RECORD_BODY_MOST 65536

/* What was sent over a connection and has not been answered yet. {0} is nothing. */
struct record {
    char *sent; /* owned */
    size_t n;
};

void record_sent(struct record *record, const void *bytes, size_t n);
/* The answer to the first of the requests that were sent; `head` is its status line and headers. */
void record_answer(struct record *record, const char *head, const char *body, size_t body_size);
void record_fini(struct record *record);

#endif
