/* SPDX-License-Identifier: MIT */
/* The listening sockets: one for each worker, all bound to DISCOUNT_LISTEN with SO_REUSEPORT, so
 * that the kernel spreads connections over the workers (docs/adr/0001). Called once, by main. */
#ifndef SERVICE_BIND_H
#define SERVICE_BIND_H

#include <stdbool.h>

#include "service/config.h"

/* Binds config->workers sockets, which do not listen yet and are the caller's. False, with the
 * reason in the log, when the address is in use, also by another discountd, or cannot be bound. */
bool bind_all(const struct config *config, int *ret_fds);

#endif
