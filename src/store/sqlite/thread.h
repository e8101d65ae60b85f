/* SPDX-License-Identifier: MIT */
/* The engine of a SQLite store: the one thread that has the connection. Workers submit jobs to it
 * and get them back on their loops. Jobs that arrive during a commit form the next transaction. */
#ifndef STORE_SQLITE_THREAD_H
#define STORE_SQLITE_THREAD_H

#include <uv.h>

#include "store/sqlite/backup.h"
#include "store/sqlite/job.h"
#include "store/sqlite/verbs.h"

#define SQLITE_PATH_SIZE 4096

/* The queue through which one worker's jobs come back. It lives as long as the engine, because a
 * job may come back after its store was closed. */
struct sqlite_completion_queue {
    struct sqlite_completion_queue *next; /* in the engine's list */
    struct queue jobs;                    /* guarded by the engine's lock */
    bool is_closed;                       /* guarded by it; jobs are then no longer signalled */
    uv_async_t filled;                    /* signals the worker that there are jobs */
};

struct sqlite_engine {
    char path[SQLITE_PATH_SIZE];
    char control_path[SQLITE_PATH_SIZE + 16];

    /* Set by sqlite_thread_engine_start before the thread exists; then used by the thread only. */
    struct sqlite_db db;
    struct sqlite_verbs *verbs;
    bool is_failing; /* writes fail, and this was logged */

    uv_thread_t thread;
    bool is_started;

    /* Shared between threads: the lock guards everything below. */
    uv_mutex_t lock;
    uv_cond_t asked;  /* to the thread: there are jobs, a backup step, or the end */
    uv_cond_t copied; /* to the caller of a backup: the step is done */
    struct queue inbox;
    struct sqlite_completion_queue *completion_queues;
    struct sqlite_backup *backup; /* borrowed from the caller of sqlite_thread_backup; NULL: none */
    bool is_step_asked;           /* the backup belongs to the thread until its step is done */
    bool is_unwanted;             /* the step must cancel the backup */
    bool is_stopping;
};

/* NULL without memory. */
struct sqlite_engine *sqlite_thread_engine_new(void);
/* Opens the file and starts the thread. False when that fails; the log says why. */
bool sqlite_thread_engine_start(struct sqlite_engine *engine);
/* Ends the thread, closes the file, and frees the engine with its completion queues and their
 * jobs. */
void sqlite_thread_engine_free(struct sqlite_engine *engine);

/* For workers. Makes a completion queue; the caller must initialize its `filled`. NULL without
 * memory. */
struct sqlite_completion_queue *sqlite_thread_completions_new(struct sqlite_engine *engine);
void sqlite_thread_completions_close(struct sqlite_engine *engine,
                                     struct sqlite_completion_queue *completions);
/* Submits all jobs of `jobs`. */
void sqlite_thread_submit(struct sqlite_engine *engine, struct queue *jobs);
/* Withdraws a submitted job. False when the thread is already working on it. */
bool sqlite_thread_withdraw(struct sqlite_engine *engine, struct sqlite_job *job);
/* Moves the jobs that have come back to `ret_jobs`. */
void sqlite_thread_collect(struct sqlite_engine *engine,
                           struct sqlite_completion_queue *completions, struct queue *ret_jobs);

/* Makes a backup, step by step between the thread's batches, and waits for its end. Called from any
 * other thread, one at a time. False with a text in backup->error. */
bool sqlite_thread_backup(struct sqlite_engine *engine, struct sqlite_backup *backup,
                          store_progress_fn progress, void *argument);

#endif
