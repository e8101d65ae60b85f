/* SPDX-License-Identifier: MIT */
/* A crowd that rushes for one discount: several threads, each with a loop and a store of its own,
 * ask for the same users at the same time. Called on the test's own thread. */
#ifndef STORE_CROWD_H
#define STORE_CROWD_H

#include "store/scene.h"

#define CROWD_THREADS 4
#define CROWD_USERS 1000

struct crowd {
    /* What each thread was told about each user. */
    enum status status[CROWD_THREADS][CROWD_USERS];
    bool replayed[CROWD_THREADS][CROWD_USERS];
    int64_t granted_at_us[CROWD_THREADS][CROWD_USERS];
    const char *broken[CROWD_THREADS]; /* what scene_close said, or NULL */
};

/* The name of a user. The text has to hold it. */
struct str crowd_user(size_t user, char text[16]);

/* Rushes, and waits until every thread has all its answers. */
void crowd_rush(struct store_engine *engine, struct str discount_id, struct crowd *ret_crowd);

#endif
