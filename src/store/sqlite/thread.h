/* SPDX-License-Identifier: MIT */
/* The engine of a SQLite store: the one thread that has the connection. Workers hand it jobs and
 * get them back through their loops. What gathers while one commit runs is the next transaction. */
#ifndef STORE_SQLITE_THREAD_H
#define STORE_SQLITE_THREAD_H

#include <uv.h>

#include "store/sqlite/backup.h"
#include "store/sqlite/job.h"
#include "store/sqlite/verbs.h"

#define SQLITE_PATH_SIZE 4096

/* The place where one worker's jobs come back. It lives as long as the engine, because a job may
 * come back after its store was closed. */
struct sqlite_completion_queue {
    struct sqlite_completion_queue *next; /* in the engine's list */
    struct queue jobs;                    /* guarded by the engine's lock */
    bool is_closed;                       /* guarded by it: jobs gather here unseen */
    uv_async_t filled;                    /* tells the worker that there are jobs */
};

struct sqlite_engine {
    char path[SQLITE_PATH_SIZE];
    char control_path[SQLITE_PATH_SIZE + 16];

    /* Set by engine_start before there is the thread; the thread's alone after. */
    struct sqlite_db db;
    struct sqlite_verbs *verbs;
    bool is_failing; /* writes fail, and the operator was told */

    uv_thread_t thread;
    bool is_started;

    /* Where threads meet; all below is guarded by it. */
    uv_mutex_t lock;
    uv_cond_t asked;  /* for the thread: there are jobs, a backup, or the end */
    uv_cond_t copied; /* for who asked for a backup: it went a step */
    struct queue inbox;
    struct sqlite_completion_queue *completion_queues;
    struct sqlite_backup *backup; /* borrowed from who asked for it; NULL: none */
    bool is_step_asked;           /* the backup is the thread's until it has gone a step */
    bool is_unwanted;             /* that step is to be its end */
    bool is_stopping;
};

/* NULL without memory. */
struct sqlite_engine *sqlite_thread_engine_new(void);
/* Opens the file and begins the thread; false when that cannot be, which the log explains. */
bool sqlite_thread_engine_start(struct sqlite_engine *engine);
/* Ends the thread, closes the file and frees the engine with its outboxes and what is in them. */
void sqlite_thread_engine_free(struct sqlite_engine *engine);

/* For workers. An outbox whose `filled` is still to be initialized; NULL without memory. */
struct sqlite_completion_queue *sqlite_thread_completions_new(struct sqlite_engine *engine);
void sqlite_thread_completions_close(struct sqlite_engine *engine,
                                     struct sqlite_completion_queue *completions);
/* Gives the thread everything in `jobs`. */
void sqlite_thread_submit(struct sqlite_engine *engine, struct queue *jobs);
/* Takes a job back that was submitted; false when the thread is at it already. */
bool sqlite_thread_withdraw(struct sqlite_engine *engine, struct sqlite_job *job);
/* Moves the jobs that have come back to `ret_jobs`. */
void sqlite_thread_collect(struct sqlite_engine *engine,
                           struct sqlite_completion_queue *completions, struct queue *ret_jobs);

/* Makes the thread take a backup between its batches, and waits for its end; any other thread, one
 * at a time. False with a text in ret_error. */
bool sqlite_thread_backup(struct sqlite_engine *engine, struct sqlite_backup *backup,
                          store_progress_fn progress, void *argument);

#endif
