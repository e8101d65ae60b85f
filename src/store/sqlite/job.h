/* SPDX-License-Identifier: MIT */
/* An operation on its way through the store thread. The thread works on a copy of its own: the
 * operation itself goes back to its caller at its deadline, whatever the disk is doing. Who may
 * touch a job is who has it: the worker until its flush and from its delivery on, between these the
 * engine (sqlite_thread.h). */
#ifndef STORE_SQLITE_JOB_H
#define STORE_SQLITE_JOB_H

#include <stddef.h>

#include "discount/store.h"

struct sqlite_completion_queue;

/* The texts of a usual grant, so that it takes one malloc. */
#define SQLITE_JOB_MEMORY 320

struct sqlite_job {
    /* The worker's. */
    struct store_op *op;  /* NULL: its caller knows already */
    struct queue pending; /* in its store's list */

    /* Whose turn it is. */
    struct queue link;
    struct sqlite_completion_queue *completions; /* where it comes back */
    bool is_taken; /* the thread has it; guarded by the engine's lock */

    /* The thread's. */
    struct store_op input;
    struct store_op work;                                 /* with the results, once it came back */
    struct arena arena;                                   /* of the texts of both */
    _Alignas(max_align_t) char memory[SQLITE_JOB_MEMORY]; /* the arena begins in it */
};

/* A copy of the operation's inputs. NULL without memory. */
struct sqlite_job *sqlite_job_new(struct store_op *op, struct sqlite_completion_queue *completions);
void sqlite_job_free(struct sqlite_job *job);

/* Makes `work` what it was before it ran. */
void sqlite_job_rewind(struct sqlite_job *job);

/* Copies the results into the operation and returns its status: that of `work`, or what is known
 * where there is no memory for the results. */
enum status sqlite_job_deliver(const struct sqlite_job *job);

#endif
