/* SPDX-License-Identifier: MIT */
/* The client connections of one server: the phase of each and when it began, so that slow clients
 * can be cut. libmicrohttpd's own timeout is for inactivity only, and one byte a second is
 * activity. Belongs to the worker's thread. libmicrohttpd owns the sockets. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/queue.h"

enum conn_phase {
    CONN_IDLE,    /* between requests */
    CONN_NEW,     /* connected, and no request line yet */
    CONN_READING, /* a request is being received */
    CONN_WORKING, /* its handler is working; the handler has deadlines of its own */
    CONN_SENDING, /* the answer is being sent */
};

struct conns {
    uv_loop_t *loop;
    struct queue all;
    unsigned count;
    uint64_t idle_ms;   /* how long a connection may be CONN_IDLE */
    uint64_t client_ms; /* how long it may be in another phase without progress */
};

struct conn {
    struct queue link;
    struct conns *conns;
    int fd;
    enum conn_phase phase;
    uint64_t since_ms; /* when the phase began or last made progress */
};

void conns_init(struct conns *conns, uv_loop_t *loop, uint64_t idle_ms, uint64_t client_ms);

/* Adds a connection, in CONN_NEW. Returns NULL without memory. */
struct conn *conn_new(struct conns *conns, int fd);
void conn_free(struct conn *conn);

/* Enters a phase, or restarts the clock of the present one. */
void conn_enter(struct conn *conn, enum conn_phase phase);

/* Shuts down the sockets of late connections; libmicrohttpd notices and ends them. An answer that
 * the client has not read is dropped with its connection. */
void conns_cut_late(struct conns *conns);
/* Shuts down all sockets in the same way. */
void conns_cut_all(struct conns *conns);

/* Returns whether any client has sent bytes that the server has not read yet. */
bool conns_have_unread(const struct conns *conns);

#endif
