/* SPDX-License-Identifier: MIT */
/* How far a command is: one line on a terminal, written over itself, and nothing anywhere else. On
 * the thread of the command. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label; /* borrowed */
    bool is_terminal;  /* standard error is */
    bool is_shown;     /* the line is there */
    int64_t shown_ms;
};

/* Shows nothing yet. */
void progress_init(struct progress *progress, const char *label);
/* A store_progress_fn whose argument is a struct progress. Called as often as one likes: it writes
 * a few times a second only. Always true. */
bool progress_show(void *progress, uint64_t done, uint64_t total);
/* Takes the line away: at the end, and before anything else is written. The next progress_show
 * brings it back. */
void progress_end(struct progress *progress);

/* Room for a number with its separators and a NUL. */
#define PROGRESS_NUMBER 27

/* "1,234,567". */
void progress_number(uint64_t number, char ret_text[PROGRESS_NUMBER]);

#endif
