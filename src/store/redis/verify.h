/* SPDX-License-Identifier: MIT */
/* Checks all data of this service in a Redis, while replicas may go on serving from it. It changes
 * nothing. */
#ifndef STORE_REDIS_VERIFY_H
#define STORE_REDIS_VERIFY_H

#include "discount/engine.h"
#include "store/redis/address.h"

/* Checks everything; blocks. False, with a text in ret_error, when Redis could not be queried for
 * all of it. SCAN may return a key twice while it grows; its findings are then reported twice.
 * Discounts and grants are counted once. */
bool redis_verify_at(const struct redis_address *address, struct store_audit *audit,
                     char ret_error[STORE_ERROR_SIZE]);

#endif
