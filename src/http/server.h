/* SPDX-License-Identifier: MIT */
/* One worker's HTTP/1.1 server: bytes on sockets become struct request, answers become bytes. It
 * belongs to the worker's thread and does nothing on its own: its sockets wake the loop, and the
 * worker's turn calls server_run. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "discount/request.h"

struct server;

struct server_options {
    const struct route *routes; /* borrowed, for the server's life */
    size_t route_count;
    struct store *store;         /* borrowed, for the server's life; the next too */
    struct metrics_board *board; /* joined */
    unsigned connection_limit;
    uint64_t client_deadline_ms; /* to send a whole request; to take a piece of an answer */
};

/* NULL when there is no memory or no file descriptor for it. */
struct server *server_open(uv_loop_t *loop, const struct server_options *options);

/* Starts accepting from a listening socket, which belongs to the server from now on. */
bool server_listen(struct server *server, int fd);

/* Sends what is to be sent, takes in what came, and calls the handlers. Once per turn. */
void server_run(struct server *server);

/* Whether server_run has more to do without waiting for an event. */
bool server_is_busy(struct server *server);

/* Stops accepting. From now on every answer closes its connection. A client that keeps a connection
 * open has `grace_ms` to send one more request; one that takes its answer for ever is cut some
 * seconds after that. */
void server_drain(struct server *server, uint64_t grace_ms);

/* No request is in progress, and every connection has ended or had its grace. */
bool server_is_drained(struct server *server);

/* Closes every connection. No request may be waiting for its handler's answer. The memory goes with
 * the handles: run the loop until it is empty, then server_free. */
void server_close(struct server *server);
void server_free(struct server *server);

#endif
