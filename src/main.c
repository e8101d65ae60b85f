/* SPDX-License-Identifier: MIT */
/* discountd: the table of its commands, and what is true of all of them. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands/backup.h"
#include "commands/healthcheck.h"
#include "commands/serve.h"
#include "commands/verify.h"
#include "discount/engine.h"
#include "service/config.h"

#define EXIT_BAD_CONFIG 2

extern char **environ;

/* ---- The commands ---- */

static int serve(struct config *config, struct store_engine *engine, const char *operand)
{
    (void)operand; /* there is none */
    return command_serve(config, engine);
}

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
