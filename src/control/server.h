/* SPDX-License-Identifier: MIT */
/* How a process that has a store to itself is asked for a backup: a Unix socket beside its file,
 * for its own user only. One request a connection, one at a time: a line "backup PATH"; the answer
 * is lines "DONE TOTAL", as often as it goes on, and at the end "ok" or "fault TEXT". */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <limits.h>
#include <sys/types.h>

#include "discount/engine.h"

struct control;

/* Listens for a started engine, on a thread of its own. NULL where there is no such socket to be
 * had, which the log explains, or none is needed. */
struct control *control_open(struct store_engine *engine);
/* Ends what is being asked for, the thread and the socket; before the engine is closed. NULL is
 * nothing. */
void control_close(struct control *control);

/* The path of the file whose socket this is; false when it is too long. */
bool control_store_path(const char *control_path, char ret_path[PATH_MAX]);

/* The process that serves a store, as whoever asks it sees it. */
struct control_peer {
    int fd;    /* the connection, owned */
    uid_t uid; /* whose process it is */
    gid_t gid;
};

enum control_answer {
    CONTROL_THERE,     /* the peer is the caller's to control_hang_up */
    CONTROL_UNTRUSTED, /* ret_error says why */
    CONTROL_NOBODY     /* no process serves this store */
};

/* Whether a process listens there that may have the store. It does so as long as it serves, also
 * when its file lies somewhere else by now, where no lock tells of it. */
bool control_is_served(const char *control_path);
/* Connects to the process behind `control_path`, if it may have the store. Whoever is there waits
 * for what it wants a few seconds only. */
enum control_answer control_connect(const char *control_path, struct control_peer *ret_peer,
                                    char ret_error[STORE_ERROR_SIZE]);
/* Asks it to write a backup to `file`, an absolute path, and waits; once a connection. False with a
 * text in ret_error. */
bool control_backup(const struct control_peer *peer, const char *file, store_progress_fn progress,
                    void *argument, char ret_error[STORE_ERROR_SIZE]);
void control_hang_up(const struct control_peer *peer);

#endif
