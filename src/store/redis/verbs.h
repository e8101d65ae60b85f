/* SPDX-License-Identifier: MIT */
/* Operations as Redis commands, replies as results. It knows the keys (docs/design.md, "Data") and
 * the scripts, but no connection. Pure; on the worker's thread. */
#ifndef STORE_REDIS_VERBS_H
#define STORE_REDIS_VERBS_H

#include <hiredis/hiredis.h>

#include "discount/limits.h"
#include "discount/store.h"

/* EVALSHA sha numkeys, and at most for each grant a discount of its own: two keys, its id, how many
 * users; a wallet and a user. */
#define REDIS_ARGUMENTS (3 + 6 * LIMIT_GRANTS_PER_BATCH)
/* Their keys, and a number. */
#define REDIS_SCRATCH (LIMIT_GRANTS_PER_BATCH * (LIMIT_USER_ID + 160) + 1024)

struct redis_command {
    int argc;
    const char *argv[REDIS_ARGUMENTS];
    size_t sizes[REDIS_ARGUMENTS];
    char scratch[REDIS_SCRATCH]; /* the arguments that had to be put together */
    size_t scratch_used;
};

/* Operations of one verb that a command takes together: grants of one discount, at most
 * LIMIT_GRANTS_PER_BATCH, or one operation of any other verb. */
struct redis_group {
    struct store_op *const *ops;
    size_t count;
};

/* The command for one group, or for several of grants, LIMIT_GRANTS_PER_BATCH in all. The arguments
 * borrow from the operations. With `whole_script` the script's text is sent and not its hash. */
void redis_verbs_encode(const struct redis_group *groups, size_t count, bool whole_script,
                        struct redis_command *ret_command);

/* Puts what the operation is to know of the reply into it, and returns its status. A reply that no
 * script of ours gives is CORRUPT. */
enum status redis_verbs_decode(const redisReply *reply, struct store_op *op);

/* The id of the discount that a reply was CORRUPT for; n == 0 when it does not say. Borrowed from
 * the operation and its arena. */
struct str redis_verbs_failing_id(const struct store_op *op);

/* What became of the users of one group of grants, to be read word by word. */
struct redis_outcomes {
    const redisReply *reply; /* NULL: it is not of the form that grant.lua gives */
    size_t at;               /* where in it the group begins */
    int64_t now_us;
    struct str tokens; /* those not read yet */
};

/* The outcomes of the group at this place among those of the command, which has so many users. */
struct redis_outcomes redis_verbs_outcomes(const redisReply *reply, size_t group, size_t users);
/* The next one, which is that of `op`, as redis_verbs_decode does; op NULL: of one that nobody
 * waits for.
 */
enum status redis_verbs_outcome(struct redis_outcomes *outcomes, struct store_op *op);

/* The error with which all of a group went wrong, the reply itself or one within; NULL: none. */
const redisReply *redis_verbs_error_in(enum store_verb verb, const redisReply *reply, size_t group);

/* What an error reply means for an operation: UNAVAILABLE when Redis refused to execute the
 * command, CORRUPT when a key is not what we write. */
enum status redis_verbs_error_status(const redisReply *reply);
/* Whether it says that the script is not loaded. */
bool redis_verbs_is_noscript(const redisReply *reply);
/* The tokens in which Redis refused operations of this verb, in so many groups, or some of them;
 * n == 0: it did not. Borrowed from the reply. */
struct str redis_verbs_refusal(enum store_verb verb, size_t groups, const redisReply *reply);
/* Whether they say that this Redis will go on refusing, so that a new connection may find a better
 * one: it has become a replica. */
bool redis_verbs_is_readonly(struct str refusal);

#endif
