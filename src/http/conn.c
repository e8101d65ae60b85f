/* SPDX-License-Identifier: MIT */
/* Tracks what happens on each connection and cuts those that are late. It never closes a socket. */
#include "http/conn.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "discount/log.h"

void conns_init(struct conns *conns, uv_loop_t *loop, uint64_t idle_ms, uint64_t client_ms)
{
    *conns = (struct conns){.loop = loop, .idle_ms = idle_ms, .client_ms = client_ms};
    queue_init(&conns->all);
}

struct conn *conn_new(struct conns *conns, int fd)
{
    struct conn *conn = malloc(sizeof(*conn));

    if (conn != NULL) {
        *conn = (struct conn){.conns = conns, .fd = fd};
        queue_append(&conns->all, &conn->link);
        conns->count++;
        conn_enter(conn, CONN_NEW);
    }
    return conn;
}

void conn_free(struct conn *conn)
{
    conn->conns->count--;
    queue_remove(&conn->link);
    free(conn);
}

void conn_enter(struct conn *conn, enum conn_phase phase)
{
    conn->phase = phase;
    conn->since_ms = uv_now(conn->conns->loop);
}

/* Must be more than the time between two calls of conns_cut_late. */
#define DESERTED_WITHIN_MS 2500

static bool is_late(const struct conn *conn, uint64_t now_ms)
{
    uint64_t allowed_ms = conn->phase == CONN_IDLE ? conn->conns->idle_ms : conn->conns->client_ms;

    return conn->phase != CONN_WORKING && now_ms - conn->since_ms > allowed_ms;
}

/* Makes close reset the connection. A client that does not read its answer would not read the end
 * of it either. The kernel would keep the unsent bytes and retry for minutes after the close. */
static void cut(const struct conn *conn)
{
    const struct linger reset = {.l_onoff = 1};

    if (conn->phase == CONN_SENDING &&
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0) {
        log_write(LOG_DEBUG, "http: a late connection cannot be reset");
    }
    shutdown(conn->fd, SHUT_RDWR);
}

/* Returns whether the client has closed its side and everything it sent is read. libmicrohttpd may
 * miss a close that comes with the last bytes of a request, but not a later one. So only
 * connections that have just begun to wait for their client are checked. */
static bool is_deserted(const struct conn *conn, uint64_t now_ms)
{
    char byte;

    return conn->phase != CONN_WORKING && conn->phase != CONN_SENDING &&
           now_ms - conn->since_ms <= DESERTED_WITHIN_MS &&
           recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void conns_cut_late(struct conns *conns)
{
    uint64_t now_ms = uv_now(conns->loop);

    for (struct queue *at = conns->all.next; at != &conns->all; at = at->next) {
        struct conn *conn = CONTAINER_OF(at, struct conn, link);

        if (is_late(conn, now_ms) || is_deserted(conn, now_ms)) {
            cut(conn);
        }
    }
}

void conns_cut_all(struct conns *conns)
{
    for (struct queue *at = conns->all.next; at != &conns->all; at = at->next) {
        cut(CONTAINER_OF(at, struct conn, link));
    }
}

bool conns_have_unread(const struct conns *conns)
{
    for (struct queue *at = conns->all.next; at != &conns->all; at = at->next) {
        char byte;

        if (recv(CONTAINER_OF(at, struct conn, link)->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
            return true;
        }
    }
    return false;
}
