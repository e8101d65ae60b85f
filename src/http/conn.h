/* SPDX-License-Identifier: MIT */
/* The clients' connections of one server: what each is doing and since when, so that those whose
 * clients dawdle can be cut. libmicrohttpd's own timeout knows inactivity only, and a byte a second
 * is activity. Belongs to the worker's thread. The sockets are libmicrohttpd's. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/queue.h"

enum conn_phase {
    CONN_IDLE,    /* between requests */
    CONN_NEW,     /* connected, and no request line yet */
    CONN_READING, /* a request is coming in */
    CONN_WORKING, /* its handler has it, which has deadlines of its own */
    CONN_SENDING, /* the answer goes out */
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
    uint64_t since_ms; /* the phase's begin, or the last progress in it */
};

void conns_init(struct conns *conns, uv_loop_t *loop, uint64_t idle_ms, uint64_t client_ms);

/* A new connection, CONN_NEW; NULL without memory. */
struct conn *conn_new(struct conns *conns, int fd);
void conn_free(struct conn *conn);

/* Enters a phase, or starts the time of the one it is in anew. */
void conn_enter(struct conn *conn, enum conn_phase phase);

/* Shuts the sockets of those that are late; libmicrohttpd sees that and ends them. An answer that
 * is not taken is dropped with the connection. */
void conns_cut_late(struct conns *conns);
/* The same, of all. */
void conns_cut_all(struct conns *conns);

/* Whether a client has sent something that nobody has read yet. */
bool conns_have_unread(const struct conns *conns);

#endif
