/* SPDX-License-Identifier: MIT */
/* Clients that ask for one discount at the same time. They are several threads, each with its own
 * loop and store, and they all ask for the same users. Called on the test's own thread. */
#ifndef STORE_CONCURRENT_CLIENTS_H
#define STORE_CONCURRENT_CLIENTS_H

#include "store/store_fixture.h"

/* The maximum number of threads. */
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
    /* The answer to each thread about each user. */
    struct client_answer answered[CONCURRENT_CLIENTS_THREADS][CONCURRENT_CLIENTS_USERS];
    const char *broken; /* the first error in any thread, or NULL */
};

/* Returns the id of a user, written to `text`. */
struct str concurrent_clients_user(size_t user, char text[16]);

/* Runs the clients, and waits until every thread has one answer for each user. Each thread begins
 * with another user. The struct is large; the caller frees it. */
struct concurrent_clients *concurrent_clients_run(struct store_engine *engine,
                                                  struct str discount_id, size_t threads,
                                                  size_t users, size_t handful);

#endif
