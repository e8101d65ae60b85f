/* SPDX-License-Identifier: MIT */
/* One connection to one Redis, kept up. It resolves, connects, logs in and loads the scripts. After
 * a failure it does so again, with back-off and jitter. redis_link_flush sends all queued commands
 * in one write. It belongs to one worker's thread. */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "discount/queue.h"
#include "store/redis/address.h"
#include "store/redis/settings.h"

struct redis_link;

/* A command in flight. The caller embeds it. It belongs to the link from redis_link_send until the
 * reply function is called. */
struct redis_sent {
    struct redis_link *link;
    struct queue queue; /* in link->sent, in the order of the replies */
    uint64_t sent_ms;
    uint64_t end; /* position of its last byte in all bytes queued on this connection */
};

enum redis_loss {
    REDIS_LOSS_NONE,   /* there is a reply */
    REDIS_LOSS_UNSENT, /* not completely written, so certainly not executed */
    REDIS_LOSS_SENT,   /* it may have been executed */
};

/* Called exactly once per command sent, never inside redis_link_send. The reply belongs to the
 * link. It is NULL unless the loss is NONE. */
typedef void (*redis_reply_fn)(struct redis_sent *sent, const redisReply *reply,
                               enum redis_loss loss);

/* Opens a link and starts to connect. When the oldest command has had no reply for `deadline_ms`,
 * the connection takes no more commands. After twice that time it is given up. The handshake on a
 * new connection may take as long. The address is borrowed. NULL without memory. */
struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_address *address,
                                   struct redis_settings_log *settings_log, redis_reply_fn replied,
                                   uint64_t deadline_ms);

/* How many settings of this Redis weaken a promise; the log names them. 0 while there is none. */
unsigned redis_link_warnings(const struct redis_link *link);

/* Connected, logged in, settings and rights fit, scripts loaded, and the oldest command has its
 * reply or is not overdue. */
bool redis_link_is_ready(const struct redis_link *link);
/* Returns how long it has not been ready; 0: it is. */
uint64_t redis_link_outage_ms(const struct redis_link *link);

/* Queues a command and copies its arguments. False, and nothing queued, when the link is not
 * ready. */
bool redis_link_send(struct redis_link *link, struct redis_sent *sent, int argc, const char **argv,
                     const size_t *sizes);

/* Writes the queued commands. */
void redis_link_flush(struct redis_link *link);

/* Gives the connection up in the next redis_link_flush, when Redis sent an error that a new
 * connection may avoid. Reply functions call this, because they must not disconnect. */
void redis_link_mark_broken(struct redis_link *link, const char *why);

/* Disconnects. The reply function is called for every command. Call redis_link_free after the loop
 * has closed the link's handles. */
void redis_link_close(struct redis_link *link);
void redis_link_free(struct redis_link *link);

#endif
