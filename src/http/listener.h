/* SPDX-License-Identifier: MIT */
/* Accepts connections from a listening socket on a worker's loop. On the worker's thread. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Takes ownership of a new, non-blocking socket. */
typedef void (*listener_accept_fn)(void *context, int fd, const struct sockaddr_storage *peer,
                                   socklen_t peer_size);

struct listener {
    uv_poll_t poll;
    int fd; /* owned; -1: not listening */
    bool paused;
    uint64_t lack_said_ms; /* when a lack of descriptors was last logged; 0: never */
    listener_accept_fn accepted;
    void *context;
};

void listener_init(struct listener *listener, listener_accept_fn accepted, void *context);

/* Starts accepting from `fd`, which must be listening and non-blocking. The listener owns it from
 * now on. Returns false if the loop refuses it. */
bool listener_start(struct listener *listener, uv_loop_t *loop, int fd);

/* Pauses accepting while there is no room or no file descriptor, and resumes it. */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

/* Refuses new handshakes; those in progress go on and are accepted. Call it some time before
 * closing. Otherwise a handshake in progress would be reset, with a request that the client may
 * already have sent. */
void listener_refuse(struct listener *listener);

/* Accepts all connections that wait in the kernel's queue, so that none is reset, and closes the
 * socket. If there is not enough room for all of them it stays open; then call this again. */
void listener_finish(struct listener *listener);
/* Does the same, but resets connections that find no room. */
void listener_close(struct listener *listener);

#endif
