/* SPDX-License-Identifier: MIT */
/* The asking end of the control socket: how `backup`, `verify` and a second start find the process
 * that serves a store. Any thread; the calls block. */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <limits.h>
#include <sys/types.h>

#include "discount/engine.h"

/* The path of the file whose socket this is; false when it is too long. */
bool control_client_store_path(const char *control_path, char ret_path[PATH_MAX]);

/* The process that serves a store, as a client sees it. */
struct control_peer {
    int fd;    /* the connection, owned */
    uid_t uid; /* of the process */
    gid_t gid;
};

enum control_answer {
    CONTROL_THERE,     /* the caller ends the peer with control_client_hang_up */
    CONTROL_UNTRUSTED, /* ret_error says why */
    CONTROL_NOBODY     /* no process serves this store */
};

/* Whether a process listens there that may have the store. It does so as long as it serves, also
 * when its file has been moved away by now, where no lock shows it. */
bool control_client_is_served(const char *control_path);
/* Connects to the process that listens at `control_path`, if it may have the store. That process
 * waits only a few seconds for the request. */
enum control_answer control_client_connect(const char *control_path, struct control_peer *ret_peer,
                                           char ret_error[STORE_ERROR_SIZE]);
/* Asks it to write a backup to `file`, an absolute path, and waits; once a connection. False with a
 * text in ret_error. */
bool control_client_backup(const struct control_peer *peer, const char *file,
                           store_progress_fn progress, void *argument,
                           char ret_error[STORE_ERROR_SIZE]);
void control_client_hang_up(const struct control_peer *peer);

#endif
