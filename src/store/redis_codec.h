/* SPDX-License-Identifier: MIT */
/* Operations as Redis commands, replies as results. It knows the keys (docs/design.md, "Data") and
 * the scripts, but no connection. Pure; on the worker's thread. */
#ifndef STORE_REDIS_CODEC_H
#define STORE_REDIS_CODEC_H

#include <hiredis/hiredis.h>

#include "discount/limits.h"
#include "discount/store.h"

/* EVALSHA sha numkeys, two keys and a wallet each, the id and a user each. */
#define REDIS_ARGUMENTS (3 + 2 + 1 + 2 * LIMIT_GRANTS_PER_CALL)
/* A wallet's key for each user is the most there is to write. */
#define REDIS_SCRATCH (LIMIT_GRANTS_PER_CALL * (LIMIT_USER_ID + 24) + 1024)

struct redis_command {
    int argc;
    const char *argv[REDIS_ARGUMENTS];
    size_t sizes[REDIS_ARGUMENTS];
    char scratch[REDIS_SCRATCH]; /* the arguments that had to be put together */
    size_t scratch_used;
};

/* The command for `count` operations of one verb: grants of one discount, or one operation of any
 * other verb. The arguments borrow from the operations. With `whole_script` the script's text is
 * sent and not its hash. */
void codec_encode(struct store_op *const *ops, size_t count, bool whole_script,
                  struct redis_command *ret_command);

/* Puts what the i-th of `count` operations is to know of the reply into it, and returns its status.
 * A reply that no script of ours gives is CORRUPT. */
enum status codec_decode(const redisReply *reply, size_t i, size_t count, struct store_op *op);

/* What an error reply means for an operation: UNAVAILABLE when Redis refused to execute the
 * command, CORRUPT when a key is not what we write. */
enum status codec_error(const redisReply *reply);
/* Whether it says that the script is not loaded. */
bool codec_is_noscript(const redisReply *reply);
/* The words in which Redis refused `count` operations of this verb, or some of them; n == 0: it did
 * not. Borrowed from the reply. */
struct str codec_refusal(enum store_verb verb, size_t count, const redisReply *reply);
/* Whether they say that this Redis will go on refusing, so that a new connection may find a better
 * one: it has become a replica. */
bool codec_is_readonly(struct str refusal);

#endif
