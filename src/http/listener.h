/* SPDX-License-Identifier: MIT */
/* Accepts connections from a listening socket on a worker's loop. On the worker's thread. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Takes over a new, non-blocking socket. */
typedef void (*listener_accept_fn)(void *context, int fd, const struct sockaddr_storage *peer,
                                   socklen_t peer_size);

struct listener {
    uv_poll_t poll;
    int fd; /* owned; -1: not listening */
    bool paused;
    uint64_t lack_said_ms; /* when the log last heard of a lack of descriptors; 0: never */
    listener_accept_fn accepted;
    void *context;
};

void listener_init(struct listener *listener, listener_accept_fn accepted, void *context);

/* Starts accepting from `fd`, which listens, is non-blocking and belongs to the listener from now
 * on. False when the loop does not take it. */
bool listener_start(struct listener *listener, uv_loop_t *loop, int fd);

/* Stops accepting for now, for want of room or file descriptors, and starts again. */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

/* Lets no new handshake begin; those that have begun go on and are accepted. Some time before the
 * close: a handshake in progress then would be reset, with the request that its client, who holds
 * it for done, has sent by then. */
void listener_refuse(struct listener *listener);

/* Accepts what already waits in the kernel's queue, so that nobody who got through is reset, and
 * closes the socket. If there is no room for all of them it stays open: to be called again. */
void listener_finish(struct listener *listener);
/* The same, and whoever finds no room is reset. */
void listener_close(struct listener *listener);

#endif
