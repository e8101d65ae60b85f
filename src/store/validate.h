/* SPDX-License-Identifier: MIT */
/* Whether what was read is what this service writes: the rule is that of discount/discount.h, for
 * every backend. What is not is told in one line of the log. Any thread. */
#ifndef STORE_SOUNDNESS_H
#define STORE_SOUNDNESS_H

#include "discount/store.h"

/* OK for the results of an operation that went well, or CORRUPT, and then the log names the first
 * of them that is not sound. */
enum status soundness_of(const struct store_op *op);

/* The same for one discount, from `at` on (discount_fault). */
enum status soundness_of_discount(const struct discount *discount, size_t at);

/* Tells the log what is wrong with the discount of this id, and is CORRUPT. */
enum status soundness_broken(struct str id, const char *fault);

#endif
