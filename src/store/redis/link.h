/* SPDX-License-Identifier: MIT */
/* One connection to one Redis, kept up: it resolves, connects, logs in, loads the scripts, and
 * after a failure does so again, with back-off and jitter. Commands go out when redis_link_flush is
 * called, all in one write. It belongs to one worker's thread. */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "discount/queue.h"
#include "store/redis/address.h"

struct redis_link;

/* A command on its way. The caller embeds it and gives it up to the link from redis_link_send until
 * its reply function is called. */
struct redis_sent {
    struct redis_link *link;
    struct queue queue; /* in link->sent, in the order of the replies to come */
    uint64_t sent_ms;
    uint64_t end; /* in the stream of bytes given to this connection */
};

enum redis_loss {
    REDIS_LOSS_NONE,   /* there is a reply */
    REDIS_LOSS_UNSENT, /* not all of the command was written, so it was surely not executed */
    REDIS_LOSS_SENT,   /* it may have been executed */
};

/* Called exactly once per command sent, never inside redis_link_send. The reply is NULL unless the
 * loss is NONE, and belongs to the link. */
typedef void (*redis_reply_fn)(struct redis_sent *sent, const redisReply *reply,
                               enum redis_loss loss);

/* Starts connecting. A connection whose oldest command has had no reply for `deadline_ms` takes no
 * more of them, and after two such times it is given up; so is one that is not greeted within
 * them. NULL without memory. The address is borrowed. */
struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_address *address,
                                   redis_reply_fn replied, uint64_t deadline_ms);

/* Connected, logged in, scripts loaded, and the oldest command has its reply or is not overdue. */
bool redis_link_is_ready(const struct redis_link *link);
/* For how long it has not been ready; 0: it is. */
uint64_t redis_link_outage_ms(const struct redis_link *link);

/* Queues a command; false, and nothing queued, when the link is not ready. Arguments are copied. */
bool redis_link_send(struct redis_link *link, struct redis_sent *sent, int argc, const char **argv,
                     const size_t *sizes);

/* Writes what was queued. */
void redis_link_flush(struct redis_link *link);

/* Gives the connection up, because Redis said something after which another one may do better. The
 * next redis_link_flush does it: a reply function may not. */
void redis_link_mark_broken(struct redis_link *link, const char *why);

/* Disconnects; every command gets its reply function called. redis_link_free comes after the loop
 * has closed the link's handles. */
void redis_link_close(struct redis_link *link);
void redis_link_free(struct redis_link *link);

#endif
