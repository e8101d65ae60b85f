/* SPDX-License-Identifier: MIT */
/* The listening sockets, one for each worker. All are bound to DISCOUNT_LISTEN with SO_REUSEPORT,
 * so the kernel spreads connections over the workers (docs/adr/0001). Called once, by main. */
#ifndef SERVICE_BIND_H
#define SERVICE_BIND_H

#include <stdbool.h>

#include "service/config.h"

/* Binds config->workers sockets. They do not listen yet, and the caller owns them. Returns false,
 * and logs the reason, if the address cannot be bound or is in use, also by another discountd. */
bool bind_all(const struct config *config, int *ret_fds);

#endif
