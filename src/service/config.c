/* SPDX-License-Identifier: MIT */
/* Reads the environment into struct config, and reports all errors at once. */
#include "service/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "DISCOUNT_"

/* One row per variable. The value is a number from `least` to `most`, stored at offset `number`. A
 * variable with `take` is read by that function instead. */
struct variable {
    const char *name; /* without the prefix */
    const char *fallback;
    size_t number; /* offset of an unsigned in struct config */
    unsigned least, most;
    /* Reads the value into the configuration. Returns what the value must be, or NULL if it is
     * valid. */
    const char *(*take)(struct config *config, const char *value);
    const char *help;
};

/* ---- Values ---- */

/* Returns whether the whole text is a decimal number from `least` to `most`. */
static bool number_read(const char *text, unsigned least, unsigned most, unsigned *ret_number)
{
    unsigned long number;

    if (text[0] == '\0' || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    number = strtoul(text, NULL, 10);
    if (number < least || number > most) {
        return false;
    }
    *ret_number = (unsigned)number;
    return true;
}

static const char *take_store(struct config *config, const char *value)
{
    config->store = value;
    return NULL; /* store_engine_open checks it */
}

static const char *take_listen(struct config *config, const char *value)
{
    static const char form[] = "must be HOST:PORT or [IPV6]:PORT";
    const char *colon = strrchr(value, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - value);
    unsigned port;

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
    snprintf(config->listen_port, sizeof(config->listen_port), "%u", port);
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
    return number_read(value, 1, CONFIG_MOST_WORKERS, &config->workers)
               ? NULL
               : "must be auto or an integer from 1 to 256";
}

static const char *take_log_level(struct config *config, const char *value)
{
    return log_level_parse(value, &config->log_level) ? NULL
                                                      : "must be debug, info, warning or error";
}

#define TAKEN_BY(function) 0, 0, 0, function
#define NUMBER(member, least, most) offsetof(struct config, member), least, most, NULL

static const struct variable variables[] = {
    {"STORE", "sqlite:discount.db", TAKEN_BY(take_store),
     "where the data is: sqlite:PATH or redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
    {"LISTEN", "127.0.0.1:8080", TAKEN_BY(take_listen),
     "HOST:PORT to serve on; port 0 takes a free one, which the log names"},
    {"WORKERS", "auto", TAKEN_BY(take_workers), "threads; auto: one per processor"},
    {"CONNECTIONS", "4096", NUMBER(connections, 1, 65536),
     "most client connections per worker; further ones wait"},
    {"IN_FLIGHT", "4096", NUMBER(in_flight, 1, 65536),
     "most operations per worker that wait for the store; beyond it: 503 overloaded"},
    {"DEADLINE_MS", "2000", NUMBER(deadline_ms, 10, 60000),
     "how long an operation may wait for the store"},
    {"CLIENT_DEADLINE_MS", "10000", NUMBER(client_deadline_ms, 100, 600000),
     "how long a client may take to send a request or to take a piece of an answer"},
    {"DRAIN_MS", "1000", NUMBER(drain_ms, 0, 60000),
     "how long idle connections are still served after the process is told to stop"},
    {"LOG_LEVEL", "info", TAKEN_BY(take_log_level), "debug, info, warning or error"},
};

#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))

/* ---- Reading ---- */

/* Returns the value of PREFIX + name, or NULL. */
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

/* Reads a value. If it is not valid, writes a line to `errors` and returns false. */
static bool variable_read(const struct variable *variable, const char *value, FILE *errors,
                          struct config *config)
{
    const char *must_be;
    unsigned number;

    if (variable->take != NULL) {
        must_be = variable->take(config, value);
        if (must_be != NULL) {
            fprintf(errors, "discountd: " PREFIX "%s %s\n", variable->name, must_be);
        }
        return must_be == NULL;
    }
    if (!number_read(value, variable->least, variable->most, &number)) {
        fprintf(errors, "discountd: " PREFIX "%s must be an integer from %u to %u\n",
                variable->name, variable->least, variable->most);
        return false;
    }
    memcpy((char *)config + variable->number, &number, sizeof(number));
    return true;
}

bool config_read(char *const *environment, FILE *errors, struct config *ret_config)
{
    struct config config = {0};
    bool is_valid = true;

    name_strangers(environment, errors);
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const char *value = value_of(environment, variables[i].name);

        is_valid = variable_read(&variables[i], value == NULL ? variables[i].fallback : value,
                                 errors, &config) &&
                   is_valid;
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
