/* SPDX-License-Identifier: MIT */
/* One client of a simulation: it sends its script in pieces, reads or does not, leaves when it
 * likes, and checks whatever comes back. On the world's thread. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "sim/script.h"
#include "sim/world.h"

enum client_kind {
    CLIENT_STAYS,  /* sends everything, reads everything */
    CLIENT_LEAVES, /* closes somewhere: with FIN, with RST, or only its own side */
    CLIENT_STOPS,  /* at some byte it sends no more and reads no more, and does not leave */
};

struct client {
    enum client_kind kind;
    struct world *world; /* borrowed, like the next */
    struct chance *chance;
    struct script script;
    int fd;        /* -1: not connected */
    bool has_been; /* connected */
    bool has_ended_its_side, has_stopped, is_over;
    size_t sent;
    size_t stop_at; /* bytes sent: from there on it may leave, or stops */
    char *bytes;    /* owned; came and not looked at yet */
    size_t used, room;
    unsigned answered;
    bool is_closing;        /* an answer said that it is the last */
    uint64_t drain_over_ms; /* until then requests are taken; UINT64_MAX: no drain */
};

/* Its script carries the numbers from `first` on. */
void client_init(struct client *client, struct world *world, struct chance *chance, unsigned first);

/* One thing that a client does: connect, send a piece, read a piece, leave. */
void client_act(struct client *client);
/* Reads what is there, if it is one that reads. */
void client_read(struct client *client);

/* Whether it has all that it can expect. */
bool client_is_content(const struct client *client);
/* Closes, if need be. At the end of a world's life, when nothing more comes. */
void client_fini(struct client *client);

/* The wish of this number, or NULL. */
struct wish *client_wish(struct client *client, long number);
/* A client that reads must have the answers that are ready, now that nothing moves any more. */
void client_check_settled(const struct client *client);

#endif
