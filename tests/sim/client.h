/* SPDX-License-Identifier: MIT */
/* One client of a simulation. It sends its script in pieces, may read, may leave at any time, and
 * checks everything that it receives. On the world's thread. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "sim/script.h"
#include "sim/world.h"

enum client_kind {
    CLIENT_STAYS,  /* sends everything, reads everything */
    CLIENT_LEAVES, /* closes at some point: with FIN, with RST, or only its own side */
    CLIENT_STOPS,  /* from some byte on it neither sends nor reads, but does not leave */
};

struct client {
    enum client_kind kind;
    struct world *world; /* borrowed, as is the next */
    struct chance *chance;
    struct script script;
    int fd;        /* -1: not connected */
    bool has_been; /* whether it was ever connected */
    bool has_ended_its_side, has_stopped, is_over;
    size_t sent;
    size_t stop_at; /* bytes sent before it may leave or stop */
    char *bytes;    /* owned; received but not yet checked */
    size_t used, room;
    unsigned answered;
    bool is_closing;        /* an answer said that it is the last */
    uint64_t drain_over_ms; /* requests are accepted until then; UINT64_MAX: no drain */
};

/* Makes a client whose requests carry the numbers from `first` on. */
void client_init(struct client *client, struct world *world, struct chance *chance, unsigned first);

/* Does one thing: connects, sends a piece, reads a piece, or leaves. */
void client_act(struct client *client);
/* Reads what is there, unless the client has stopped reading. */
void client_read(struct client *client);

/* Returns whether it has received everything that it can expect. */
bool client_is_content(const struct client *client);
/* Closes the connection if it is open. At the end of a world's life, when nothing more comes. */
void client_fini(struct client *client);

/* Returns the wish of this number, or NULL. */
struct wish *client_wish(struct client *client, long number);
/* Checks that a client that reads has every answer that is ready, after all activity has ended. */
void client_check_settled(const struct client *client);

#endif
