/* SPDX-License-Identifier: MIT */
/* Sends the bytes of an attack and says what came back. On the test's own thread. */
#ifndef HTTP_ATTACKS_SEND_H
#define HTTP_ATTACKS_SEND_H

#include "http/attacks/attack.h"
#include "support/raw_http.h"

/* Room for all that a client saw, as text. */
#define ATTACK_RESULT 1024

/* How long a client may take to send a request to discountd here. */
#define ATTACK_DEADLINE_MS 3000

/* What the service says that it has made: ids of discounts, users who were granted the one that
 * there was, each in its order and with a line's end behind it. */
struct attack_made {
    char *discounts, *users; /* owned */
};

void attack_made_add(char **list, const char *name);
void attack_made_fini(struct attack_made *made);

/* The bytes as they are sent, for a discount of this id; the caller's. */
char *attack_bytes(const struct attack *attack, const char *id, size_t *ret_size);

/* An attack that was sent. */
struct attack_sent {
    struct http_connection connection;
    bool is_head, ends;
    int64_t since_ms;
    bool lingers; /* the server waits for the client's end before its own */
};

/* Sends the bytes to this port, and a harmless request behind them unless the attack ends. */
void attack_send(struct attack_sent *sent, int port, const char *bytes, size_t size, bool ends);
/* Receives to the end. What came is written as attack.h says, what was made is added to `made`. */
void attack_receive(struct attack_sent *sent, struct attack_made *made,
                    char ret_result[ATTACK_RESULT]);

#endif
