/* SPDX-License-Identifier: MIT */
/* Looks at everything that this service has in a Redis, while replicas may go on serving from it,
 * and changes nothing. */
#ifndef STORE_REDIS_VERIFY_H
#define STORE_REDIS_VERIFY_H

#include "discount/engine.h"
#include "store/redis/address.h"

/* Blocks. False, with a text in ret_error, when Redis could not be asked for all of it. A key that
 * Redis shows twice because it is growing at that moment has its faults told twice; discounts and
 * grants are counted once. */
bool redis_verify_at(const struct redis_address *address, struct store_audit *audit,
                     char ret_error[STORE_ERROR_SIZE]);

#endif
