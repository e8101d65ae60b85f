/* SPDX-License-Identifier: MIT */
/* discountd: configuration, store, workers, signals, drain. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/routes.h"
#include "commands/backup.h"
#include "commands/healthcheck.h"
#include "commands/verify.h"
#include "control/server.h"
#include "discount/engine.h"
#include "discount/log.h"
#include "service/bind.h"
#include "service/config.h"
#include "service/worker.h"

#define EXIT_BAD_CONFIG 2
/* Descriptors of a worker besides its clients', and of the process besides its workers'. */
#define DESCRIPTORS_PER_WORKER 16
#define DESCRIPTORS_SPARE 64

extern char **environ;

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

/* Waits for one of the signals, which every thread blocks. After it all do what they do by default,
 * so that a second one ends a drain that takes too long. */
static void wait_for_stop(const sigset_t *signals)
{
    int number = 0;

    while (sigwait(signals, &number) != 0) {
    }
    log_write(LOG_INFO, "main: signal %d, draining", number);
    sigprocmask(SIG_UNBLOCK, signals, NULL);
}

/* Whoever serves has the file locked; but somebody may have put another into its place. */
static bool is_free(const struct store_engine *engine)
{
    const char *control_path = store_engine_control_path(engine);
    char path[PATH_MAX];

    if (control_path == NULL || !control_is_served(control_path) ||
        !control_store_path(control_path, path)) {
        return true;
    }
    log_write(LOG_ERROR, "main: %s is in use by another process", path);
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
    struct control *control;

    if (board.workers == NULL || !is_free(engine) || !store_engine_start(engine) ||
        !bind_all(config, fds)) {
        free(board.workers);
        return EXIT_FAILURE;
    }
    control = control_open(engine);
    for (unsigned i = 0; i < config->workers; i++) {
        workers[i] = worker_start(config, engine, &board, routes_table, routes_count, fds[i]);
        if (workers[i] == NULL) {
            log_write(LOG_ERROR, "main: cannot start worker %u", i);
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
    control_close(control);
    free(board.workers);
    log_write(LOG_INFO, "main: drained");
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

static int serve(struct config *config, struct store_engine *engine, const char *operand)
{
    sigset_t signals;

    (void)operand; /* there is none */
    log_set_level(config->log_level);
    if (!descriptors_reserve(config)) {
        log_write(LOG_ERROR, "main: the limit of open files is too low for %u workers",
                  config->workers);
        return EXIT_FAILURE;
    }
    routes_init();
    signals_block(&signals);
    return serve_until(&signals, config, engine);
}

/* ---- The commands ---- */

static int back_up(struct config *config, struct store_engine *engine, const char *file)
{
    (void)config; /* the engine was opened from it */
    return command_backup(engine, file);
}

static int verify_all(struct config *config, struct store_engine *engine, const char *operand)
{
    (void)operand; /* there is none */
    return command_verify(config, engine);
}

static int check_config(struct config *config, struct store_engine *engine, const char *operand)
{
    (void)config; /* it is sound, or this would not be reached */
    (void)engine;
    (void)operand;
    return EXIT_SUCCESS;
}

static int ask_health(struct config *config, struct store_engine *engine, const char *operand)
{
    (void)engine; /* whoever serves has it */
    (void)operand;
    return command_healthcheck(config) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const struct command {
    const char *name;
    const char *operand; /* what its operand is called, or NULL */
    const char *help;
    int (*run)(struct config *config, struct store_engine *engine, const char *operand);
} commands[] = {
    {"", NULL, "serve", serve},
    {"backup", "FILE", "copy a sqlite store into a new file, also while it serves", back_up},
    {"verify", NULL, "look at all the data and say what is wrong with them", verify_all},
    {"--check-config", NULL, "check the environment and say what is wrong with it", check_config},
    {"--healthcheck", NULL, "exit 0 if the one that serves here is ready", ask_health},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void help(void)
{
    puts("discountd " DISCOUNT_VERSION
         ": grants discounts, one for each user, while stock lasts.\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *at = &commands[i];
        const char *operand = at->operand == NULL ? "" : at->operand;
        int width = 16 - (int)strlen(at->name);

        printf("  discountd %s %-*s %s\n", at->name, width, operand, at->help);
    }
    puts("  discountd --version\n\nThe environment configures it:\n");
    config_help(stdout);
}

static const struct command *command_find(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0 &&
            argc == (argc > 1) + 1 + (commands[i].operand != NULL)) {
            return &commands[i];
        }
    }
    return NULL;
}

static int run(const struct command *command, const char *operand)
{
    const char *error = NULL;
    struct config config;
    bool is_valid = config_read(environ, stderr, &config);
    struct store_engine *engine = store_engine_open(config.store, &error);
    int code;

    if (engine == NULL) {
        fprintf(stderr, "discountd: DISCOUNT_STORE %s\n", error);
    }
    code = is_valid && engine != NULL ? command->run(&config, engine, operand) : EXIT_BAD_CONFIG;
    if (engine != NULL) {
        store_engine_close(engine);
    }
    return code;
}

/* What is true of all commands. Whoever reads what they write may be gone, and a limit on the size
 * of files is a disk that takes no more: both are heard of as a write that failed. Files are for
 * their own user alone, for they hold the names of users; one that is there keeps its mode. */
static void process_init(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    umask(S_IRWXG | S_IRWXO);
}

/* An operand that begins with '-' is an option that somebody expects to be there. */
static bool is_operand_odd(const struct command *command, char **argv)
{
    return command->operand != NULL && argv[2][0] == '-';
}

int main(int argc, char **argv)
{
    const struct command *command = command_find(argc, argv);

    process_init();
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        help();
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("discountd " DISCOUNT_VERSION);
        return EXIT_SUCCESS;
    }
    if (command == NULL) {
        fputs("discountd: unknown command; see discountd --help\n", stderr);
        return EXIT_BAD_CONFIG;
    }
    if (is_operand_odd(command, argv)) {
        fprintf(stderr, "usage: discountd %s %s (one that begins with '-' is written ./-)\n",
                command->name, command->operand);
        return EXIT_BAD_CONFIG;
    }
    return run(command, command->operand == NULL ? NULL : argv[2]);
}
