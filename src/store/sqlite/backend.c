/* SPDX-License-Identifier: MIT */
/* The embedded backend on a worker's side. An operation becomes a job, which is a copy. The flush
 * hands the jobs to the engine's one thread (thread.c), and they come back through a completion
 * queue. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/store_name.h"
#include "store/backend.h"
#include "store/op.h"
#include "store/sqlite/thread.h"
#include "store/sqlite/verify.h"

#define SCHEME "sqlite:"
/* This many jobs are handed over before the flush, so that the thread works while the worker still
 * reads requests. */
#define HANDFUL 32

struct sqlite {
    struct store *store;
    struct sqlite_engine *engine;
    struct sqlite_completion_queue *completions; /* owned by the engine */
    struct queue collected;                      /* jobs since the last flush */
    size_t collected_count;
    struct queue pending; /* every job that has its operation, in the order of submission */
};

/* ---- The engine ---- */

/* SQLite gives a meaning to paths that begin with ':' or "file:"; after "./" it does not. A path
 * that begins with "//" probably means a host, and one with ':' the memory, so both are errors. */
static bool path_take(const char *path, char ret_path[SQLITE_PATH_SIZE])
{
    bool is_memory = strcmp(path, ":memory:") == 0;
    bool is_plain = path[0] == '/' || is_memory;
    int n = snprintf(ret_path, SQLITE_PATH_SIZE, "%s%s", is_plain ? "" : "./", path);

    return path[0] != '\0' && strncmp(path, "//", 2) != 0 && (path[0] != ':' || is_memory) &&
           n > 0 && n < SQLITE_PATH_SIZE;
}

static void *sqlite_engine_open(const char *url, const char **ret_error)
{
    struct sqlite_engine *engine = sqlite_thread_engine_new();

    if (engine == NULL) {
        *ret_error = "out of memory";
        return NULL;
    }
    if (!path_take(url + sizeof(SCHEME) - 1, engine->path)) {
        *ret_error = "must be sqlite:PATH or sqlite::memory:";
        sqlite_thread_engine_free(engine);
        return NULL;
    }
    snprintf(engine->control_path, sizeof(engine->control_path), "%s" STORE_NAME_CONTROL,
             engine->path);
    return engine;
}

static bool sqlite_engine_start(void *engine)
{
    return sqlite_thread_engine_start(engine);
}

static void sqlite_engine_close(void *engine)
{
    sqlite_thread_engine_free(engine);
}

static const char *sqlite_control_path(const void *self)
{
    const struct sqlite_engine *engine = self;

    return strcmp(engine->path, ":memory:") == 0 ? NULL : engine->control_path;
}

/* Backs up a file that no process serves: opens it for the backup only. */
static bool backup_at_rest(const struct sqlite_engine *engine, struct sqlite_backup *backup,
                           store_progress_fn progress, void *argument)
{
    struct sqlite_db db;

    if (!sqlite_db_open(engine->path, DB_MUST_EXIST, &sqlite_db_schema, &db, backup->error)) {
        return false;
    }
    do {
        sqlite_backup_step(backup, &db, BACKUP_PAGES);
        sqlite_backup_settle(backup);
        if (!progress(argument, backup->done, backup->total) && backup->state == BACKUP_GOING_ON) {
            sqlite_backup_abort(backup, "it was cancelled");
        }
    } while (backup->state == BACKUP_GOING_ON);
    sqlite_db_close(&db);
    return backup->state == BACKUP_DONE;
}

static bool sqlite_backup(void *self, const char *path, store_progress_fn progress, void *argument,
                          char ret_error[STORE_ERROR_SIZE])
{
    struct sqlite_engine *engine = self;
    struct sqlite_backup backup;
    bool is_done;

    sqlite_backup_init(&backup, path);
    if (!engine->is_started && strcmp(engine->path, ":memory:") == 0) {
        snprintf(ret_error, STORE_ERROR_SIZE,
                 "the store is in the memory of the process that serves it");
        return false;
    }
    is_done = engine->is_started ? sqlite_thread_backup(engine, &backup, progress, argument)
                                 : backup_at_rest(engine, &backup, progress, argument);
    if (!is_done) {
        memcpy(ret_error, backup.error, STORE_ERROR_SIZE);
    }
    return is_done;
}

static bool sqlite_verify(void *self, struct store_audit *audit, char ret_error[STORE_ERROR_SIZE])
{
    const struct sqlite_engine *engine = self;

    assert(!engine->is_started);
    if (strcmp(engine->path, ":memory:") == 0) {
        snprintf(ret_error, STORE_ERROR_SIZE,
                 "sqlite::memory: exists only in the process that serves it");
        return false;
    }
    return sqlite_verify_file(engine->path, audit, ret_error);
}

/* ---- The store ---- */

/* Ends a job that still has its operation. */
static void finish(struct sqlite *sqlite, struct sqlite_job *job, enum status status)
{
    queue_remove(&job->pending);
    store_complete(sqlite->store, job->op, status);
    job->op = NULL;
}

static void completions_filled(uv_async_t *async)
{
    struct sqlite *sqlite = async->data;
    struct queue jobs;

    sqlite_thread_collect(sqlite->engine, sqlite->completions, &jobs);
    while (!queue_is_empty(&jobs)) {
        struct sqlite_job *job = CONTAINER_OF(jobs.next, struct sqlite_job, link);

        queue_remove(&job->link);
        if (job->op != NULL) {
            finish(sqlite, job, sqlite_job_deliver(job));
        }
        sqlite_job_free(job);
    }
}

static void *sqlite_open(void *engine, struct store *store)
{
    struct sqlite *sqlite = calloc(1, sizeof(*sqlite));

    if (sqlite == NULL) {
        return NULL;
    }
    sqlite->store = store;
    sqlite->engine = engine;
    sqlite->completions = sqlite_thread_completions_new(engine);
    queue_init(&sqlite->collected);
    queue_init(&sqlite->pending);
    if (sqlite->completions == NULL ||
        uv_async_init(store_loop(store), &sqlite->completions->filled, completions_filled) != 0) {
        free(sqlite); /* the engine frees the completion queue */
        return NULL;
    }
    sqlite->completions->filled.data = sqlite;
    /* The store is ready, but the worker looks only when an event has woken its loop. */
    uv_async_send(&sqlite->completions->filled);
    return sqlite;
}

static bool sqlite_is_ready(const void *self)
{
    (void)self; /* the engine was started before this store was opened */
    return true;
}

static void sqlite_flush(void *self)
{
    struct sqlite *sqlite = self;

    sqlite->collected_count = 0;
    if (!queue_is_empty(&sqlite->collected)) {
        sqlite_thread_submit(sqlite->engine, &sqlite->collected);
    }
}

static void sqlite_submit(void *self, struct store_op *op)
{
    struct sqlite *sqlite = self;
    struct sqlite_job *job = sqlite_job_new(op, sqlite->completions);

    if (job == NULL) {
        store_complete(sqlite->store, op, STATUS_UNAVAILABLE);
        return;
    }
    op->slot = job;
    queue_append(&sqlite->collected, &job->link);
    queue_append(&sqlite->pending, &job->pending);
    sqlite->collected_count++;
    if (sqlite->collected_count >= HANDFUL) {
        sqlite_flush(sqlite);
    }
}

/* Separates an operation from its job, and returns the status to report. */
static enum status part(struct sqlite *sqlite, struct sqlite_job *job)
{
    enum status status = op_status_if_reply_lost(job->op);

    queue_remove(&job->pending);
    job->op = NULL;
    if (sqlite_thread_withdraw(sqlite->engine, job)) {
        sqlite_job_free(job);
        return STATUS_UNAVAILABLE;
    }
    return status; /* the job comes back without an operation and is freed then */
}

static enum status sqlite_cancel(void *self, struct store_op *op)
{
    return part(self, op->slot);
}

static void sqlite_close(void *self)
{
    struct sqlite *sqlite = self;

    completions_filled(&sqlite->completions->filled);
    while (!queue_is_empty(&sqlite->pending)) {
        struct sqlite_job *job = CONTAINER_OF(sqlite->pending.next, struct sqlite_job, pending);
        struct store_op *op = job->op;

        store_complete(sqlite->store, op, part(sqlite, job));
    }
    sqlite_thread_completions_close(sqlite->engine, sqlite->completions);
    uv_close((uv_handle_t *)&sqlite->completions->filled, NULL);
}

static void sqlite_free(void *self)
{
    free(self);
}

const struct store_backend sqlite_backend = {
    .scheme = SCHEME,
    .engine_open = sqlite_engine_open,
    .engine_start = sqlite_engine_start,
    .engine_close = sqlite_engine_close,
    .control_path = sqlite_control_path,
    .backup = sqlite_backup,
    .verify = sqlite_verify,
    .open = sqlite_open,
    .is_ready = sqlite_is_ready,
    .submit = sqlite_submit,
    .cancel = sqlite_cancel,
    .flush = sqlite_flush,
    .close = sqlite_close,
    .free = sqlite_free,
};
