/* SPDX-License-Identifier: MIT */
/* Clients that ask for one discount at the same time: several threads, each with a loop and a store
 * of its own, ask for the same users at the same time. Called on the test's own thread. */
#ifndef STORE_CONCURRENT_CLIENTS_H
#define STORE_CONCURRENT_CLIENTS_H

#include "store/store_fixture.h"

/* The most that there may be. */
#define CONCURRENT_CLIENTS_THREADS 20
#define CONCURRENT_CLIENTS_USERS 1000

struct client_answer {
    enum status status;
    bool replayed;
    int64_t granted_at_us;
};

struct concurrent_clients {
    size_t threads, users;
    size_t handful; /* how many users a thread asks for in one turn */
    /* What each thread was told about each user. */
    struct client_answer answered[CONCURRENT_CLIENTS_THREADS][CONCURRENT_CLIENTS_USERS];
    const char *broken; /* what went wrong in one of the threads, or NULL */
};

/* The name of a user. The text has to hold it. */
struct str concurrent_clients_user(size_t user, char text[16]);

/* Rushes, and waits until every thread has all its answers: one from each for each user. Each
 * begins with another user. The struct is large; the caller's to free. */
struct concurrent_clients *concurrent_clients_run(struct store_engine *engine,
                                                  struct str discount_id, size_t threads,
                                                  size_t users, size_t handful);

#endif
