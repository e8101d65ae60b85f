/* SPDX-License-Identifier: MIT */
/* Whether what was read is what this service writes: the rule is that of discount/discount.h, for
 * every backend. What is not is told in one line of the log. Any thread. */
#ifndef STORE_VALIDATE_H
#define STORE_VALIDATE_H

#include "discount/store.h"

/* OK for the results of an operation that went well, or CORRUPT, and then the log names the first
 * of them that is not sound. */
enum status validate_results(const struct store_op *op);

/* The same for one discount, from `at` on (discount_next_error). */
enum status validate_discount(const struct discount *discount, size_t at);

/* Tells the log what is wrong with the discount of this id, and is CORRUPT. */
enum status validate_failed(struct str id, const char *error);

#endif
