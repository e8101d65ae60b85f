/* SPDX-License-Identifier: MIT */
/* Accepts connections from a listening socket. It never blocks and never spins: when the process
 * has no file descriptor left, it pauses until it is resumed. */
#include "http/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

#include "discount/log.h"

/* Few enough that a flood of new connections does not delay the existing ones. */
#define ACCEPTS_PER_TURN 32
/* A lack of descriptors recurs after every pause and every connection that ends, so not each is
 * logged. */
#define LACK_SAID_EVERY_MS 60000

static void log_shortage(struct listener *listener, int cause)
{
    uint64_t now_ms = uv_now(listener->poll.loop);

    if (listener->lack_said_ms == 0 || now_ms - listener->lack_said_ms >= LACK_SAID_EVERY_MS) {
        listener->lack_said_ms = now_ms;
        log_write(LOG_ERROR, "http: cannot accept a connection: %s", strerror(cause));
    }
}

/* Returns false if no connection is waiting, or none can be accepted now. */
static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof(peer);
    int fd =
        accept4(listener->fd, (struct sockaddr *)&peer, &peer_size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        listener->accepted(listener->context, fd, &peer, peer_size);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log_shortage(listener, errno);
        listener_pause(listener);
        return false;
    }
    /* If a waiting connection has gone away, others may still be in the queue. */
    return errno == ECONNABORTED || errno == EINTR;
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;

    (void)events; /* only UV_READABLE was asked for */
    for (int i = 0; status == 0 && i < ACCEPTS_PER_TURN && !listener->paused; i++) {
        if (!accept_one(listener)) {
            break;
        }
    }
}

void listener_init(struct listener *listener, listener_accept_fn accepted, void *context)
{
    *listener = (struct listener){.fd = -1, .accepted = accepted, .context = context};
}

bool listener_start(struct listener *listener, uv_loop_t *loop, int fd)
{
    if (uv_poll_init(loop, &listener->poll, fd) != 0) {
        return false;
    }
    listener->fd = fd;
    listener->poll.data = listener;
    listener->paused = true;
    listener_resume(listener);
    return !listener->paused;
}

void listener_pause(struct listener *listener)
{
    if (listener->fd >= 0 && !listener->paused) {
        uv_poll_stop(&listener->poll);
        listener->paused = true;
    }
}

void listener_resume(struct listener *listener)
{
    if (listener->fd >= 0 && listener->paused) {
        listener->paused = uv_poll_start(&listener->poll, UV_READABLE, readable) != 0;
    }
}

void listener_refuse(struct listener *listener)
{
    /* Drops packets with the SYN flag, bit 1 of byte 13 of a TCP header (RFC 9293, section 3.1).
     * The later packets of a handshake pass. */
    struct sock_filter no_syn[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    const struct sock_fprog program = {.len = 4, .filter = no_syn};

    if (listener->fd >= 0 &&
        setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0) {
        log_write(LOG_WARNING, "http: cannot refuse new handshakes: %s", strerror(errno));
    }
}

void listener_finish(struct listener *listener)
{
    while (listener->fd >= 0 && !listener->paused && accept_one(listener)) {
    }
    if (!listener->paused) {
        listener_close(listener);
    }
}

void listener_close(struct listener *listener)
{
    if (listener->fd < 0) {
        return;
    }
    while (accept_one(listener)) {
    }
    uv_close((uv_handle_t *)&listener->poll, NULL);
    close(listener->fd);
    listener->fd = -1;
}
