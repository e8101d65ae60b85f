/* SPDX-License-Identifier: MIT */
/* The configuration: environment variables, checked once at start. main reads it; it is constant
 * afterwards. */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "discount/log.h"

#define CONFIG_MOST_WORKERS 256

struct config {
    const char *store;     /* DISCOUNT_STORE, borrowed from the environment */
    char listen_host[256]; /* of DISCOUNT_LISTEN, without brackets */
    char listen_port[6];
    unsigned workers;            /* DISCOUNT_WORKERS */
    unsigned connections;        /* DISCOUNT_CONNECTIONS, per worker */
    unsigned in_flight;          /* DISCOUNT_IN_FLIGHT, per worker */
    unsigned deadline_ms;        /* DISCOUNT_DEADLINE_MS, for an operation */
    unsigned client_deadline_ms; /* DISCOUNT_CLIENT_DEADLINE_MS, for sending and receiving */
    unsigned drain_ms;           /* DISCOUNT_DRAIN_MS */
    enum log_level log_level;    /* DISCOUNT_LOG_LEVEL */
};

/* Reads the environment, with defaults for unset variables. Writes each error to `errors` as one
 * line. On an error it returns false, and ret_config holds only the valid values. Unknown variables
 * that begin with DISCOUNT_ are named too, but are no error: container platforms set such
 * variables. */
bool config_read(char *const *environment, FILE *errors, struct config *ret_config);

/* Writes the name, meaning and default of each variable. */
void config_help(FILE *out);

#endif
