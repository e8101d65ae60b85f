/* SPDX-License-Identifier: MIT */
/* One turn of the loop, in this order:
 *
 *   1. poll      libuv waits for sockets, timers and the stop signal, and the store reads its
 * replies
 *   2. deliver   completed operations call their `done`, which queues answers
 *   3. run       the server sends answers and reads requests; handlers submit operations
 *   4. flush     the store sends everything that was submitted, in one write
 *
 * Steps 2 to 4 run in libuv's check phase, right after polling. */
#include "service/worker.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "discount/log.h"
#include "http/server.h"

#define LISTEN_BACKLOG 4096

struct worker {
    const struct config *config;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_check_t after_poll;
    uv_idle_t no_wait; /* active while there is work that no event announces */
    uv_timer_t store_late;
    uv_async_t stop;
    struct store *store;
    struct server *server;
    int fd; /* owned until it listens; then the server owns it, and this is -1 */
};

static void nothing(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle keeps the poll from waiting; it does nothing else */
}

/* ---- Start ---- */

static void listen_now(struct worker *worker)
{
    int fd = worker->fd;

    worker->fd = -1;
    uv_timer_stop(&worker->store_late);
    if (listen(fd, LISTEN_BACKLOG) != 0 || !server_listen(worker->server, fd)) {
        log_write(LOG_ERROR, "worker: cannot listen");
        abort();
    }
}

static void store_is_late(uv_timer_t *timer)
{
    log_write(LOG_WARNING, "worker: serving although the store does not answer yet");
    listen_now(timer->data);
}

/* ---- End ---- */

static void close_all(struct worker *worker)
{
    server_close(worker->server);
    store_close(worker->store);
    store_deliver(worker->store);
    uv_close((uv_handle_t *)&worker->after_poll, NULL);
    uv_close((uv_handle_t *)&worker->no_wait, NULL);
    uv_close((uv_handle_t *)&worker->store_late, NULL);
    uv_close((uv_handle_t *)&worker->stop, NULL);
}

static void stop_asked(uv_async_t *async)
{
    struct worker *worker = async->data;

    uv_timer_stop(&worker->store_late);
    server_drain(worker->server, worker->config->drain_ms);
}

/* ---- The turn ---- */

static void after_poll(uv_check_t *check)
{
    struct worker *worker = check->data;

    store_deliver(worker->store);
    server_run(worker->server);
    store_flush(worker->store);

    if (server_is_busy(worker->server)) {
        uv_idle_start(&worker->no_wait, nothing);
    } else {
        uv_idle_stop(&worker->no_wait);
    }
    if (worker->fd >= 0 && store_is_ready(worker->store)) {
        listen_now(worker);
    }
    if (server_is_drained(worker->server)) {
        close_all(worker);
    }
}

static void worker_main(void *argument)
{
    struct worker *worker = argument;

    /* uv_run returns after close_all has closed the last handle. */
    uv_run(&worker->loop, UV_RUN_DEFAULT);
}

/* ---- The worker ---- */

static bool handles_start(struct worker *worker)
{
    uv_check_init(&worker->loop, &worker->after_poll);
    uv_idle_init(&worker->loop, &worker->no_wait);
    uv_timer_init(&worker->loop, &worker->store_late);
    worker->after_poll.data = worker;
    worker->store_late.data = worker;
    worker->stop.data = worker;
    return uv_async_init(&worker->loop, &worker->stop, stop_asked) == 0 &&
           uv_check_start(&worker->after_poll, after_poll) == 0 &&
           uv_timer_start(&worker->store_late, store_is_late, worker->config->deadline_ms, 0) == 0;
}

struct worker *worker_start(const struct config *config, struct store_engine *engine,
                            struct metrics_board *board, const struct route *routes,
                            size_t route_count, int fd)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    /* A failure here ends the process, so nothing is cleaned up. */
    if (worker == NULL || uv_loop_init(&worker->loop) != 0) {
        return NULL;
    }
    worker->config = config;
    worker->fd = fd;
    worker->store = store_open(engine, &worker->loop,
                               (struct store_limits){config->deadline_ms, config->in_flight});
    if (worker->store == NULL) {
        return NULL;
    }
    worker->server =
        server_open(&worker->loop, &(struct server_options){
                                       .routes = routes,
                                       .route_count = route_count,
                                       .store = worker->store,
                                       .board = board,
                                       .connection_limit = config->connections,
                                       .client_deadline_ms = config->client_deadline_ms,
                                   });
    if (worker->server == NULL || !handles_start(worker) ||
        uv_thread_create(&worker->thread, worker_main, worker) != 0) {
        return NULL;
    }
    return worker;
}

void worker_stop(struct worker *worker)
{
    uv_async_send(&worker->stop);
}

void worker_join(struct worker *worker)
{
    uv_thread_join(&worker->thread);
    store_free(worker->store);
    server_free(worker->server);
    uv_loop_close(&worker->loop);
    free(worker);
}
