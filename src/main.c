/* SPDX-License-Identifier: MIT */
/* discountd: configuration, store, workers, signals, drain. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "bind.h"
#include "config.h"
#include "discount/engine.h"
#include "discount/log.h"
#include "healthcheck.h"
#include "worker.h"

#define EXIT_BAD_CONFIG 2
/* Descriptors of a worker besides its clients', and of the process besides its workers'. */
#define DESCRIPTORS_PER_WORKER 16
#define DESCRIPTORS_SPARE 64

extern char **environ;

static int help(void)
{
    puts("discountd " DISCOUNT_VERSION ": grants discounts, one for each user, while stock lasts.\n"
         "\n"
         "  discountd                 serve\n"
         "  discountd --check-config  check the environment and say what is wrong with it\n"
         "  discountd --healthcheck   exit 0 if the one that serves here is ready\n"
         "  discountd --version\n"
         "\n"
         "The environment configures it:\n");
    config_help(stdout);
    return EXIT_SUCCESS;
}

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
    log_write(LOG_WARNING, "main: the limit of open files allows %u connections per worker only",
              config->connections);
    return true;
}

/* Waits for SIGTERM or SIGINT, which every thread blocks. After it both do what they do by default,
 * so that a second one ends a drain that takes too long. */
static void wait_for_stop(const sigset_t *signals)
{
    int number = 0;

    while (sigwait(signals, &number) != 0) {
    }
    log_write(LOG_INFO, "main: signal %d, draining", number);
    sigprocmask(SIG_UNBLOCK, signals, NULL);
}

/* Starts the workers, waits for the signal, and lets them drain. Whatever fails ends the process,
 * so nothing is taken back then. */
static int serve(const struct config *config, struct store_engine *engine)
{
    struct worker *workers[CONFIG_MOST_WORKERS];
    int fds[CONFIG_MOST_WORKERS];
    sigset_t signals;

    if (!bind_all(config, fds)) {
        return EXIT_FAILURE;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    for (unsigned i = 0; i < config->workers; i++) {
        workers[i] = worker_start(config, engine, api_routes, api_route_count, fds[i]);
        if (workers[i] == NULL) {
            log_write(LOG_ERROR, "main: cannot start worker %u", i);
            return EXIT_FAILURE;
        }
    }
    wait_for_stop(&signals);
    for (unsigned i = 0; i < config->workers; i++) {
        worker_stop(workers[i]);
    }
    for (unsigned i = 0; i < config->workers; i++) {
        worker_join(workers[i]);
    }
    log_write(LOG_INFO, "main: drained");
    return EXIT_SUCCESS;
}

static int run(struct config *config, struct store_engine *engine)
{
    /* Before the first line of the log: its reader may be gone. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    log_set_level(config->log_level);
    if (!descriptors_reserve(config)) {
        log_write(LOG_ERROR, "main: the limit of open files is too low for %u workers",
                  config->workers);
        return EXIT_FAILURE;
    }
    api_init();
    if (!store_engine_start(engine)) {
        return EXIT_FAILURE;
    }
    return serve(config, engine);
}

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";
    const char *fault = NULL;
    struct store_engine *engine;
    struct config config;
    bool sound;
    int code = EXIT_SUCCESS;

    if (argc > 2 || (argc == 2 && strcmp(option, "--check-config") != 0 &&
                     strcmp(option, "--healthcheck") != 0 && strcmp(option, "--version") != 0 &&
                     strcmp(option, "--help") != 0)) {
        fputs("discountd: unknown argument; see discountd --help\n", stderr);
        return EXIT_BAD_CONFIG;
    }
    if (strcmp(option, "--help") == 0) {
        return help();
    }
    if (strcmp(option, "--version") == 0) {
        puts("discountd " DISCOUNT_VERSION);
        return EXIT_SUCCESS;
    }
    sound = config_read(environ, stderr, &config);
    engine = store_engine_open(config.store, &fault);
    if (engine == NULL) {
        fprintf(stderr, "discountd: DISCOUNT_STORE %s\n", fault);
    }
    if (!sound || engine == NULL) {
        return EXIT_BAD_CONFIG;
    }
    if (strcmp(option, "--healthcheck") == 0) {
        code = healthcheck(&config) ? EXIT_SUCCESS : EXIT_FAILURE;
    } else if (strcmp(option, "--check-config") != 0) {
        code = run(&config, engine);
    }
    store_engine_close(engine);
    return code;
}
