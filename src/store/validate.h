/* SPDX-License-Identifier: MIT */
/* Checks whether data that was read is what this service writes. The rules are those of
 * discount/discount.h, for every backend. The log has a line for each breach. Any thread. */
#ifndef STORE_VALIDATE_H
#define STORE_VALIDATE_H

#include "discount/store.h"

/* For the rows of op.c. Each returns OK or CORRUPT for the results of a successful operation of its
 * verb. When it is CORRUPT, the log names the first result that is not valid. */
enum status validate_create(const struct store_op *op);
enum status validate_get(const struct store_op *op);
enum status validate_list(const struct store_op *op);
enum status validate_grant(const struct store_op *op); /* also for STORE_GRANT_GET */
enum status validate_grants(const struct store_op *op);
enum status validate_wallet(const struct store_op *op);

/* The same for one discount, from check `at` (discount_next_error). */
enum status validate_discount(const struct discount *discount, size_t at);

/* Logs the error of the discount with this id; returns CORRUPT. */
enum status validate_failed(struct str id, const char *error);

#endif
