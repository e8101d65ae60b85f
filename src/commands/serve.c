/* SPDX-License-Identifier: MIT */
/* In: configuration and engine. It starts the workers, waits for a signal and lets them drain. */
#include "commands/serve.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "api/routes.h"
#include "control/client.h"
#include "control/server.h"
#include "discount/log.h"
#include "service/bind.h"
#include "service/worker.h"

/* Descriptors of a worker besides its clients', and of the process besides its workers'. */
#define DESCRIPTORS_PER_WORKER 16
#define DESCRIPTORS_SPARE 64

/* Makes room for every connection the configuration allows; allows fewer where the system does not
 * give it. False when there is hardly room for any. */
static bool descriptors_reserve(struct config *config)
{
    rlim_t wanted = (rlim_t)config->workers * (config->connections + DESCRIPTORS_PER_WORKER) +
                    DESCRIPTORS_SPARE;
    rlim_t fixed = (rlim_t)config->workers * DESCRIPTORS_PER_WORKER + DESCRIPTORS_SPARE;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return false;
        }
    }
    if (limit.rlim_cur >= wanted) {
        return true;
    }
    if (limit.rlim_cur < fixed + config->workers) {
        return false;
    }
    config->connections = (unsigned)((limit.rlim_cur - fixed) / config->workers);
    log_write(LOG_WARNING, "serve: the limit of open files allows %u connections per worker only",
              config->connections);
    return true;
}

/* Waits for one of the signals, which every thread blocks. After it all do what they do by default,
 * so that a second one ends a drain that takes too long. */
static void wait_for_stop(const sigset_t *signals)
{
    int number = 0;

    while (sigwait(signals, &number) != 0) {
    }
    log_write(LOG_INFO, "serve: signal %d, draining", number);
    sigprocmask(SIG_UNBLOCK, signals, NULL);
}

/* Whoever serves has the file locked; but somebody may have put another into its place. */
static bool is_free(const struct store_engine *engine)
{
    const char *control_path = store_engine_control_path(engine);
    char path[PATH_MAX];

    if (control_path == NULL || !control_client_is_served(control_path) ||
        !control_client_store_path(control_path, path)) {
        return true;
    }
    log_write(LOG_ERROR, "serve: %s is in use by another process", path);
    return false;
}

/* Starts the workers, waits for the signal, and lets them drain. Should one of them not start, the
 * process ends there and then, because the others use the engine. */
static int serve_until(const sigset_t *signals, const struct config *config,
                       struct store_engine *engine)
{
    struct metrics_board board = {calloc(config->workers, sizeof(struct metrics)), config->workers,
                                  0};
    struct worker *workers[CONFIG_MOST_WORKERS];
    int fds[CONFIG_MOST_WORKERS];
    struct control_server *control;

    if (board.workers == NULL || !is_free(engine) || !store_engine_start(engine) ||
        !bind_all(config, fds)) {
        free(board.workers);
        return EXIT_FAILURE;
    }
    control = control_server_open(engine);
    for (unsigned i = 0; i < config->workers; i++) {
        workers[i] = worker_start(config, engine, &board, routes_table, routes_count, fds[i]);
        if (workers[i] == NULL) {
            log_write(LOG_ERROR, "serve: cannot start worker %u", i);
            exit(EXIT_FAILURE);
        }
    }
    wait_for_stop(signals);
    for (unsigned i = 0; i < config->workers; i++) {
        worker_stop(workers[i]);
    }
    for (unsigned i = 0; i < config->workers; i++) {
        worker_join(workers[i]);
    }
    control_server_close(control);
    free(board.workers);
    log_write(LOG_INFO, "serve: drained");
    return EXIT_SUCCESS;
}

/* What asks the service to end: a terminal that is closed too, unless it was started with nohup.
 * They are blocked before there is any thread, so that none of them is ever taken elsewhere than in
 * wait_for_stop. */
static void signals_block(sigset_t *ret_signals)
{
    struct sigaction hangup;

    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGTERM);
    sigaddset(ret_signals, SIGINT);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(ret_signals, SIGHUP);
    }
    sigprocmask(SIG_BLOCK, ret_signals, NULL);
}

int command_serve(struct config *config, struct store_engine *engine)
{
    sigset_t signals;

    log_set_level(config->log_level);
    if (!descriptors_reserve(config)) {
        log_write(LOG_ERROR, "serve: the limit of open files is too low for %u workers",
                  config->workers);
        return EXIT_FAILURE;
    }
    routes_init();
    signals_block(&signals);
    return serve_until(&signals, config, engine);
}
