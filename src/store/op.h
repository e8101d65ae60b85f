/* SPDX-License-Identifier: MIT */
/* What is true of each verb of the store contract whatever the backend: one row a verb, in op.c. A
 * new verb begins there; nothing outside the row and the backends' verbs.c decides by the verb what
 * these functions say. Any thread; an operation belongs to the caller's thread. */
#ifndef STORE_OP_H
#define STORE_OP_H

#include "discount/store.h"

/* The verb's name, for a log line. A static text. */
const char *op_name(enum store_verb verb);

/* Whether the verb may change something. */
bool op_is_write(enum store_verb verb);

/* Status to report when the reply to an operation was lost: UNKNOWN if its verb may change
 * something, else UNAVAILABLE. */
enum status op_status_if_reply_lost(const struct store_op *op);

/* Whether an overloaded store may refuse the operation. It may not refuse a ping, which asks
 * whether the store works, nor the next page of a list, whose client could only be told by cutting
 * it. */
bool op_may_be_put_off(const struct store_op *op);

/* Why an attempt may be executed late, after other operations, without harm: an attempt whose
 * connection was lost may still be read by the store. A static text, for docs and tests. */
const char *op_late_reason(enum store_verb verb);

/* Replaces the texts that the operation borrows as inputs with copies in its arena. False without
 * memory. */
bool op_copy_inputs(struct store_op *op);

/* Copies into `to` and its arena what its executed copy `from` has for its caller: the results if
 * its status is OK, else what a refusal says of its discount. False without memory. */
bool op_copy_results(const struct store_op *from, struct store_op *to);

/* OK, or CORRUPT when the results of a successful operation are not what this service writes; the
 * log then says which discount is damaged. */
enum status op_validate(const struct store_op *op);

#endif
