/* SPDX-License-Identifier: MIT */
/* A crowd that rushes for one discount: several threads, each with a loop and a store of its own,
 * ask for the same users at the same time. Called on the test's own thread. */
#ifndef STORE_CONCURRENT_CLIENTS_H
#define STORE_CONCURRENT_CLIENTS_H

#include "store/store_fixture.h"

/* The most that a crowd may have. */
#define CROWD_THREADS 20
#define CROWD_USERS 1000

struct crowd_answer {
    enum status status;
    bool replayed;
    int64_t granted_at_us;
};

struct crowd {
    size_t threads, users;
    size_t handful; /* how many users a thread asks for in one turn */
    /* What each thread was told about each user. */
    struct crowd_answer told[CROWD_THREADS][CROWD_USERS];
    const char *broken; /* what went wrong in one of the threads, or NULL */
};

/* The name of a user. The text has to hold it. */
struct str crowd_user(size_t user, char text[16]);

/* Rushes, and waits until every thread has all its answers: one from each for each user. Each
 * begins with another user. A crowd is large; the caller's to free. */
struct crowd *crowd_rush(struct store_engine *engine, struct str discount_id, size_t threads,
                         size_t users, size_t handful);

#endif
