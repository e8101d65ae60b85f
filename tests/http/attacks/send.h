/* SPDX-License-Identifier: MIT */
/* Sends the bytes of an attack and describes the answers. On the test's own thread. */
#ifndef HTTP_ATTACKS_SEND_H
#define HTTP_ATTACKS_SEND_H

#include "http/attacks/attack.h"
#include "support/raw_http.h"

/* Room for the description of everything that a client received. */
#define ATTACK_RESULT 1024

/* How long a client may take to send a request to discountd here. */
#define ATTACK_DEADLINE_MS 3000

/* What the answers said was made: ids of discounts, and users who were granted the given discount.
 * Both are in order, with a newline after each. */
struct attack_made {
    char *discounts, *users; /* owned */
};

void attack_made_add(char **list, const char *name);
void attack_made_fini(struct attack_made *made);

/* Returns the bytes to send, for a discount with this id and a sweep's length. The caller frees
 * them. */
char *attack_bytes(const struct attack *attack, const char *id, int run_all, size_t *ret_size);

/* An attack that has been sent. */
struct attack_sent {
    struct http_connection connection;
    bool is_head, ends;
    int64_t since_ms;
    bool lingers; /* the server waits for the client to close first */
};

/* Sends the bytes to this port. Unless the attack ends, a harmless request follows. */
void attack_send(struct attack_sent *sent, int port, const char *bytes, size_t size, bool ends);
/* Receives until the end. Describes the answers as attack.h says, and adds what was made to `made`.
 * */
void attack_receive(struct attack_sent *sent, struct attack_made *made,
                    char ret_result[ATTACK_RESULT]);

#endif
