/* SPDX-License-Identifier: MIT */
/* The properties of each verb of the store contract that do not depend on the backend: one row per
 * verb, in op.c. A new verb begins there. No other code decides by the verb what these functions
 * say, except the verbs.c of each backend. Any thread; an operation belongs to the caller's
 * thread. */
#ifndef STORE_OP_H
#define STORE_OP_H

#include "discount/store.h"

/* Returns the verb's name for a log line, a static text. */
const char *op_name(enum store_verb verb);

/* Returns whether the verb may change something. */
bool op_is_write(enum store_verb verb);

/* Returns the status to report when the reply to an operation was lost: UNKNOWN if its verb may
 * change something, else UNAVAILABLE. */
enum status op_status_if_reply_lost(const struct store_op *op);

/* Returns whether an overloaded store may refuse the operation. It may not refuse a ping, which
 * asks whether the store works. It may not refuse the next page of a list either: the list would be
 * cut off in the middle. */
bool op_may_be_put_off(const struct store_op *op);

/* Returns why an attempt may be executed late, after other operations, without harm. This happens
 * when its connection was lost and the store reads the attempt later. A static text, for docs and
 * tests. */
const char *op_late_reason(enum store_verb verb);

/* Replaces the borrowed texts of the operation's inputs with copies in its arena. False without
 * memory. */
bool op_copy_inputs(struct store_op *op);

/* Copies the outcome of `from`, an executed copy of an operation, to `to`. If its status is OK
 * these are the results, else what the refusal says about the discount. Texts go into the arena of
 * `to`. False without memory. */
bool op_copy_results(const struct store_op *from, struct store_op *to);

/* Returns OK, or CORRUPT when the results of a successful operation are not what this service
 * writes. The log then says which discount is damaged. */
enum status op_validate(const struct store_op *op);

#endif
