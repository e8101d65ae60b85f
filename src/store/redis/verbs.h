/* SPDX-License-Identifier: MIT */
/* Encodes operations as Redis commands, and decodes replies as results. It knows the keys
 * (docs/design.md, "Data") and the scripts, but no connection. Pure; on the worker's thread. */
#ifndef STORE_REDIS_VERBS_H
#define STORE_REDIS_VERBS_H

#include <hiredis/hiredis.h>

#include "discount/limits.h"
#include "discount/store.h"

/* The largest command: EVALSHA sha numkeys, and up to one discount for each grant. A discount takes
 * two keys, its id and its number of users; a grant takes a wallet and a user. */
#define REDIS_ARGUMENTS (3 + 6 * LIMIT_GRANTS_PER_BATCH)
/* Room for their keys, and for a number each. */
#define REDIS_SCRATCH (LIMIT_GRANTS_PER_BATCH * (LIMIT_USER_ID + 160) + 1024)

struct redis_command {
    int argc;
    const char *argv[REDIS_ARGUMENTS];
    size_t sizes[REDIS_ARGUMENTS];
    char scratch[REDIS_SCRATCH]; /* arguments that were put together */
    size_t scratch_used;
};

/* Operations of one verb in one command: up to LIMIT_GRANTS_PER_BATCH grants of one discount, or
 * one operation of any other verb. */
struct redis_group {
    struct store_op *const *ops;
    size_t count;
};

/* Encodes one group, or several groups of grants with at most LIMIT_GRANTS_PER_BATCH operations in
 * all. The arguments borrow from the operations. With `whole_script`, the script's text is sent
 * instead of its hash. */
void redis_verbs_encode(const struct redis_group *groups, size_t count, bool whole_script,
                        struct redis_command *ret_command);

/* Puts the results in the reply into the operation, and returns its status. A reply that is in no
 * form of our scripts is CORRUPT. */
enum status redis_verbs_decode(const redisReply *reply, struct store_op *op);

/* Returns the id of the discount for which a reply was CORRUPT; n == 0 when it is unknown. Borrowed
 * from the operation and its arena. */
struct str redis_verbs_failing_id(const struct store_op *op);

/* The outcomes of one group of grants, to be read token by token. */
struct redis_outcomes {
    const redisReply *reply; /* NULL: it does not have the form of grant.lua's replies */
    size_t at;               /* where the group begins in the reply */
    int64_t now_us;
    struct str tokens; /* not read yet */
};

/* Returns the outcomes of the group at index `group` of a command. `users`: the number of its
 * users. */
struct redis_outcomes redis_verbs_outcomes(const redisReply *reply, size_t group, size_t users);
/* Reads the next outcome into `op`, as redis_verbs_decode does. With op NULL it is skipped, because
 * that operation is past its deadline. */
enum status redis_verbs_outcome(struct redis_outcomes *outcomes, struct store_op *op);

/* Returns the error of a whole group: the reply itself or one within it. NULL: none. */
const redisReply *redis_verbs_error_in(enum store_verb verb, const redisReply *reply, size_t group);

/* Status to report for an error, which may be one within a reply: UNAVAILABLE when Redis refused to
 * execute the command, CORRUPT when a key is not what we write. Any other error is UNKNOWN if
 * something may have been written before it, else UNAVAILABLE. */
enum status redis_verbs_error_status(const redisReply *error, bool may_have_written);
/* Whether it says that the script is not loaded. */
bool redis_verbs_is_noscript(const redisReply *reply);
/* Returns the text with which Redis refused some or all operations of a command with this many
 * groups; n == 0: none was refused. Borrowed from the reply. */
struct str redis_verbs_refusal(enum store_verb verb, size_t groups, const redisReply *reply);
/* Returns whether this Redis has become a replica, and so will go on refusing. A new connection may
 * reach a better one. */
bool redis_verbs_is_readonly(struct str refusal);
/* Whether they say that the clock of Redis is wrong, so that it stores nothing. */
bool redis_verbs_is_clock(struct str refusal);

#endif
