/* SPDX-License-Identifier: MIT */
/* An operation on its way through the store thread. The thread works on a copy, because the
 * operation itself returns to its caller at its deadline, however slow the disk is. A job belongs
 * to the worker until its flush and again from its delivery. In between it belongs to the engine
 * (thread.h). */
#ifndef STORE_SQLITE_JOB_H
#define STORE_SQLITE_JOB_H

#include <stddef.h>

#include "discount/store.h"

struct sqlite_completion_queue;

/* Room for the texts of a usual grant, so that a job takes one malloc. */
#define SQLITE_JOB_MEMORY 320

struct sqlite_job {
    /* For the worker. */
    struct store_op *op;  /* NULL: its caller has an answer already */
    struct queue pending; /* in its store's list */

    /* For the owner of the job at the moment. */
    struct queue link;
    struct sqlite_completion_queue *completions; /* where it comes back */
    bool is_taken; /* the thread is working on it; guarded by the engine's lock */

    /* For the thread. */
    struct store_op input;
    struct store_op work;                                 /* has the results when it comes back */
    struct arena arena;                                   /* holds the texts of both */
    _Alignas(max_align_t) char memory[SQLITE_JOB_MEMORY]; /* the arena's first block */
};

/* Copies the operation's inputs into a new job. NULL without memory. */
struct sqlite_job *sqlite_job_new(struct store_op *op, struct sqlite_completion_queue *completions);
void sqlite_job_free(struct sqlite_job *job);

/* Resets `work` to its state before it ran. */
void sqlite_job_rewind(struct sqlite_job *job);

/* Copies the results into the operation and returns its status: that of `work`, or another one when
 * there is no memory for the results. */
enum status sqlite_job_deliver(const struct sqlite_job *job);

#endif
