/* SPDX-License-Identifier: MIT */
/* In: the environment. Out: struct config, or everything that is wrong with it at once. */
#include "service/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "DISCOUNT_"

struct variable {
    const char *name; /* without the prefix */
    const char *fallback;
    /* Takes the value in; what it must be, or NULL. */
    const char *(*take)(struct config *config, const char *value);
    const char *help;
};

/* ---- What each variable takes ---- */

/* Whether the whole text is a decimal number from `least` to `most`. */
static bool number_read(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    uint64_t number;

    if (text[0] == '\0' || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    number = strtoul(text, NULL, 10);
    if (number < least || number > most) {
        return false;
    }
    *ret_number = number;
    return true;
}

static bool unsigned_read(const char *text, unsigned most, unsigned *ret_number)
{
    uint64_t number;

    if (!number_read(text, 1, most, &number)) {
        return false;
    }
    *ret_number = (unsigned)number;
    return true;
}

static const char *take_store(struct config *config, const char *value)
{
    config->store = value;
    return NULL; /* store_engine_open checks it; see main */
}

static const char *take_listen(struct config *config, const char *value)
{
    static const char form[] = "must be HOST:PORT or [IPV6]:PORT";
    const char *colon = strrchr(value, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - value);
    uint64_t port;

    if (n > 2 && value[0] == '[' && value[n - 1] == ']') {
        value++;
        n -= 2;
    } else if (n > 0 && memchr(value, ':', n) != NULL) {
        return form;
    }
    if (n > 0 && (memchr(value, '[', n) != NULL || memchr(value, ']', n) != NULL)) {
        return form;
    }
    if (n == 0 || n >= sizeof(config->listen_host) || !number_read(colon + 1, 0, 65535, &port)) {
        return form;
    }
    memcpy(config->listen_host, value, n);
    config->listen_host[n] = '\0';
    snprintf(config->listen_port, sizeof(config->listen_port), "%u", (unsigned)port);
    return NULL;
}

static const char *take_workers(struct config *config, const char *value)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (strcmp(value, "auto") == 0) {
        config->workers = processors < 1 ? 1 : (unsigned)processors;
        config->workers =
            config->workers > CONFIG_MOST_WORKERS ? CONFIG_MOST_WORKERS : config->workers;
        return NULL;
    }
    return unsigned_read(value, CONFIG_MOST_WORKERS, &config->workers)
               ? NULL
               : "must be auto or an integer from 1 to 256";
}

static const char *take_connections(struct config *config, const char *value)
{
    return unsigned_read(value, 65536, &config->connections) ? NULL
                                                             : "must be an integer from 1 to 65536";
}

static const char *take_in_flight(struct config *config, const char *value)
{
    return unsigned_read(value, 65536, &config->in_flight) ? NULL
                                                           : "must be an integer from 1 to 65536";
}

static const char *take_deadline(struct config *config, const char *value)
{
    return number_read(value, 10, 60000, &config->deadline_ms)
               ? NULL
               : "must be an integer from 10 to 60000";
}

static const char *take_client_deadline(struct config *config, const char *value)
{
    return number_read(value, 100, 600000, &config->client_deadline_ms)
               ? NULL
               : "must be an integer from 100 to 600000";
}

static const char *take_drain(struct config *config, const char *value)
{
    return number_read(value, 0, 60000, &config->drain_ms) ? NULL
                                                           : "must be an integer from 0 to 60000";
}

static const char *take_log_level(struct config *config, const char *value)
{
    return log_level_parse(value, &config->log_level) ? NULL
                                                      : "must be debug, info, warning or error";
}

static const struct variable variables[] = {
    {"STORE", "sqlite:discount.db", take_store,
     "where the data lies: sqlite:PATH or redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
    {"LISTEN", "127.0.0.1:8080", take_listen,
     "HOST:PORT to serve on; port 0 takes a free one, which the log names"},
    {"WORKERS", "auto", take_workers, "threads; auto: one per processor"},
    {"CONNECTIONS", "4096", take_connections, "most connections of clients per worker"},
    {"IN_FLIGHT", "4096", take_in_flight,
     "most operations per worker that wait for the store; past it 503 overloaded"},
    {"DEADLINE_MS", "2000", take_deadline, "how long an operation may wait for the store"},
    {"CLIENT_DEADLINE_MS", "10000", take_client_deadline,
     "how long a client may take to send a request or to take a piece of an answer"},
    {"DRAIN_MS", "1000", take_drain,
     "how long idle connections are still served once the process is told to stop"},
    {"LOG_LEVEL", "info", take_log_level, "debug, info, warning or error"},
};

#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))

/* ---- Reading ---- */

/* The value of PREFIX + name, or NULL. */
static const char *value_of(char *const *environment, const char *name)
{
    size_t n = strlen(name);

    for (; *environment != NULL; environment++) {
        const char *rest = *environment + sizeof(PREFIX) - 1;

        if (strncmp(*environment, PREFIX, sizeof(PREFIX) - 1) == 0 && strncmp(rest, name, n) == 0 &&
            rest[n] == '=') {
            return rest + n + 1;
        }
    }
    return NULL;
}

static bool is_ours(const char *assignment)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        size_t n = strlen(variables[i].name);
        const char *rest = assignment + sizeof(PREFIX) - 1;

        if (strncmp(rest, variables[i].name, n) == 0 && rest[n] == '=') {
            return true;
        }
    }
    return false;
}

static void name_strangers(char *const *environment, FILE *errors)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, PREFIX, sizeof(PREFIX) - 1) == 0 && !is_ours(*environment)) {
            fprintf(errors, "discountd: %.*s is not a variable of this service and is ignored\n",
                    (int)strcspn(*environment, "="), *environment);
        }
    }
}

bool config_read(char *const *environment, FILE *errors, struct config *ret_config)
{
    struct config config = {0};
    bool is_valid = true;

    name_strangers(environment, errors);
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const char *value = value_of(environment, variables[i].name);
        const char *error =
            variables[i].take(&config, value == NULL ? variables[i].fallback : value);

        if (error != NULL) {
            fprintf(errors, "discountd: " PREFIX "%s %s\n", variables[i].name, error);
            is_valid = false;
        }
    }
    *ret_config = config;
    return is_valid;
}

void config_help(FILE *out)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        fprintf(out, "  " PREFIX "%-19s %s\n  %*s (default: %s)\n", variables[i].name,
                variables[i].help, (int)sizeof(PREFIX) + 18, "", variables[i].fallback);
    }
}
