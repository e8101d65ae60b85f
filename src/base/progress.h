/* SPDX-License-Identifier: MIT */
/* Progress of a command: one line on a terminal, which each update overwrites. Nothing is written
 * where standard error is no terminal. On the command's thread. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label; /* borrowed */
    bool is_terminal;  /* standard error is a terminal */
    bool is_shown;     /* the line is on the screen */
    int64_t shown_ms;
};

/* Initializes the progress; shows nothing yet. */
void progress_init(struct progress *progress, const char *label);
/* A store_progress_fn whose argument is a struct progress. It may be called at any rate: it writes
 * a few times a second only. Always returns true. */
bool progress_show(void *progress, uint64_t done, uint64_t total);
/* Removes the line: at the end, and before anything else is written. The next progress_show shows
 * it again. */
void progress_end(struct progress *progress);

/* Size of a number with its separators and a NUL. */
#define PROGRESS_NUMBER 27

/* Writes a number in the form "1,234,567". */
void progress_number(uint64_t number, char ret_text[PROGRESS_NUMBER]);

#endif
