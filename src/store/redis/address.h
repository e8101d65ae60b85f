/* SPDX-License-Identifier: MIT */
/* The address of a Redis and its login, from redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]. Pure; any
 * thread. */
#ifndef STORE_REDIS_ADDRESS_H
#define STORE_REDIS_ADDRESS_H

#include <stdbool.h>

#define REDIS_ADDRESS_TEXT 256

struct redis_address {
    char host[REDIS_ADDRESS_TEXT]; /* a name or an IP address; IPv6 without brackets */
    char port[6];
    char user[REDIS_ADDRESS_TEXT];     /* "": the default user */
    char password[REDIS_ADDRESS_TEXT]; /* "": none */
    char db[6];                        /* a number; "0" when the URL names none */
};

/* Parses the URL. User and password are percent-decoded. False, with a static text for the operator
 * in ret_error, when the URL does not have this form. */
bool redis_address_parse(const char *url, struct redis_address *ret_address,
                         const char **ret_error);

#endif
