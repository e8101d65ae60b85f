/* SPDX-License-Identifier: MIT */
/* How a process that has a store to itself is asked for a backup: a Unix socket beside its file,
 * for its own user only. One request a connection, one at a time: a line "backup PATH"; the answer
 * is lines "DONE TOTAL", as often as it goes on, and at the end "ok" or "fault TEXT". */
#ifndef CONTROL_H
#define CONTROL_H

#include "discount/engine.h"

struct control;

/* Listens for a started engine, on a thread of its own. NULL where there is no such socket to be
 * had, which the log explains, or none is needed. */
struct control *control_open(struct store_engine *engine);
/* Ends what is being asked for, the thread and the socket; before the engine is closed. NULL is
 * nothing. */
void control_close(struct control *control);

enum control_answer {
    CONTROL_DONE,
    CONTROL_FAILED, /* ret_fault says why */
    CONTROL_NOBODY  /* no process serves this store */
};

/* Asks the process behind `control_path` to write a backup to `file`, an absolute path, and waits.
 */
enum control_answer control_backup(const char *control_path, const char *file,
                                   store_progress_fn progress, void *argument,
                                   char ret_fault[STORE_FAULT]);

#endif
