/* SPDX-License-Identifier: MIT */
#include "sim/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/routes.h"
#include "sim/sim_fail.h"

#define BACKLOG 64

static int unsent_most;

/* Replaces accept4 for listener.c, so that the sockets of a world have buffers of the wanted size.
 * */
int accept4(int fd, __SOCKADDR_ARG address, socklen_t *size, int flags)
{
    int accepted = (int)syscall(SYS_accept4, fd, address.__sockaddr__, size, flags);

    if (accepted >= 0 && unsent_most > 0) {
        setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &unsent_most, sizeof(unsent_most));
    }
    return accepted;
}

/* ---- Sockets ---- */

/* Returns the open descriptors among the first ones, one bit for each. */
static uint64_t open_fds(void)
{
    uint64_t fds = 0;

    for (int fd = 0; fd < 64; fd++) {
        fds |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    }
    return fds;
}

/* Listens on a port of the kernel's choice, or on an abstract name without a file. */
static int listen_begin(struct world *world)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    bool is_tcp = world->options.is_tcp;
    int fd = socket(is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    world->address_size = sizeof(world->address);
    if (fd < 0 ||
        bind(fd, is_tcp ? (struct sockaddr *)&tcp : (struct sockaddr *)&local,
             is_tcp ? sizeof(tcp) : (socklen_t)sizeof(sa_family_t)) != 0 ||
        listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&world->address, &world->address_size) != 0) {
        sim_fail("there is no socket to listen on: %s", strerror(errno));
    }
    return fd;
}

int world_connect(const struct world *world)
{
    /* Each connection has its own address, so that it need not wait for those that have ended. */
    static uint32_t host;
    const int yes = 1;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f010000 + host++ % 0xfe0000)};
    int fd;

    if (world->options.is_tcp && world->is_draining) {
        return -1; /* no handshake can begin any more, and trying takes real time */
    }
    fd = socket(world->options.is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        (world->options.is_tcp && bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)) {
        sim_fail("there is no socket to connect: %s", strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)&world->address, world->address_size) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (world->options.is_tcp) {
        /* Otherwise a piece may wait for an acknowledgement, which takes real time. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    }
    return fd;
}

/* ---- The turn ---- */

static void nothing(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle keeps the poll from waiting; it does nothing else */
}

static void close_all(struct world *world)
{
    server_close(world->server);
    store_close(world->store);
    store_deliver(world->store);
    uv_close((uv_handle_t *)&world->after_poll, NULL);
    uv_close((uv_handle_t *)&world->no_wait, NULL);
    world->is_closed = true;
}

/* As in worker.c. */
static void after_poll(uv_check_t *check)
{
    struct world *world = check->data;

    store_deliver(world->store);
    server_run(world->server);
    store_flush(world->store);
    if (atomic_load(&world->metrics.numbers[METRIC_CONNECTIONS]) >= world->options.connections) {
        world->was_full = true;
    }
    if (server_is_busy(world->server)) {
        uv_idle_start(&world->no_wait, nothing);
    } else {
        uv_idle_stop(&world->no_wait);
    }
    if (server_is_drained(world->server)) {
        close_all(world);
    }
}

void world_turn(struct world *world)
{
    if (!world->is_closed) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
}

bool world_is_busy(const struct world *world)
{
    return !world->is_closed && uv_backend_timeout(&world->loop) == 0;
}

void world_drain(struct world *world, uint64_t grace_ms)
{
    world->is_draining = true;
    server_drain(world->server, grace_ms);
}

/* ---- The world's life ---- */

void world_open(struct world *world, struct chance *chance, const struct world_options *options)
{
    struct store_engine *engine;

    *world = (struct world){.options = *options, .board = {&world->metrics, 1, 0}};
    unsent_most = options->unsent_most;
    engine = fake_store_init(&world->fake, chance);
    uv_loop_init(&world->loop); /* the first loop opens descriptors that libuv never closes */
    world->open_fds = open_fds();
    world->store =
        store_open(engine, &world->loop,
                   (struct store_limits){options->store_deadline_ms, options->in_flight});
    world->server = server_open(&world->loop, &(struct server_options){
                                                  .routes = routes_table,
                                                  .route_count = routes_count,
                                                  .store = world->store,
                                                  .board = &world->board,
                                                  .connection_limit = options->connections,
                                                  .client_deadline_ms = options->client_deadline_ms,
                                              });
    uv_check_init(&world->loop, &world->after_poll);
    uv_idle_init(&world->loop, &world->no_wait);
    world->after_poll.data = world;
    uv_check_start(&world->after_poll, after_poll);
    if (!server_listen(world->server, listen_begin(world))) {
        sim_fail("the server does not listen");
    }
}

void world_check_end(struct world *world)
{
    uv_run(&world->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&world->loop) != 0) {
        sim_fail("a handle of the loop is left open");
    }
    store_free(world->store);
    server_free(world->server);
    if (world->fake.submitted_count != world->fake.delivered_count) {
        sim_fail("%zu operations were submitted and %zu delivered", world->fake.submitted_count,
                 world->fake.delivered_count);
    }
    if ((open_fds() & ~world->open_fds) != 0) {
        sim_fail("a file descriptor is left open");
    }
}
