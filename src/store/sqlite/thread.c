/* SPDX-License-Identifier: MIT */
/* One turn of the store thread:
 *
 *   1. take    the waiting jobs, at most BATCH of them
 *   2. read    run the reads and return them: they need no disk write
 *   3. write   run the writes in one transaction, with those that arrive while it is open, and
 *              return them after its commit
 *   4. tidy    write a long log into the file; continue a backup
 *
 * A transaction that fails is rolled back. Its jobs are run again, each in its own transaction, so
 * that only the faulty ones fail. If a commit fails and may still be on the disk, the process ends.
 * The recovery at the next start decides about operations without an answer.
 *
 * Before each answer the files are looked at (watch.h). If another process has taken one of them,
 * what they held is saved (rescue.h), and the process ends. */
#include "store/sqlite/thread.h"
#include "store/op.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discount/log.h"
#include "store/sqlite/names.h"
#include "store/sqlite/page_cache.h"
#include "store/sqlite/rescue.h"

/* Large enough that an fsync costs each job little, small enough that no job waits long for the
 * others. */
#define BATCH 1024
/* The pause between two attempts to save what the files held, and the attempts for each log line.
 */
#define RESCUE_PAUSE_MS 500
#define RESCUE_REPORT 120

/* ---- Returning jobs ---- */

static void give_back(struct sqlite_engine *engine, struct queue *done)
{
    uv_mutex_lock(&engine->lock);
    while (!queue_is_empty(done)) {
        struct sqlite_job *job = CONTAINER_OF(done->next, struct sqlite_job, link);
        struct sqlite_completion_queue *completions = job->completions;
        bool was_empty = queue_is_empty(&completions->jobs);

        queue_remove(&job->link);
        queue_append(&completions->jobs, &job->link);
        if (was_empty && !completions->is_closed) {
            uv_async_send(&completions->filled);
        }
    }
    uv_mutex_unlock(&engine->lock);
}

/* ---- The end of the process ---- */

static void __attribute__((noreturn)) die(const struct sqlite_engine *engine, const char *doing)
{
    log_write(LOG_ERROR,
              "sqlite: %s: %s failed (%s), so it is not known what is on the disk: stopping. The "
              "next start recovers it",
              engine->path, doing, sqlite3_errmsg(engine->db.handle));
    _exit(EXIT_FAILURE);
}

static void backup_end(struct sqlite_engine *engine, const char *why)
{
    uv_mutex_lock(&engine->lock);
    if (engine->backup != NULL) {
        sqlite_backup_abort(engine->backup, why);
    }
    engine->is_step_asked = false;
    uv_cond_signal(&engine->copied);
    uv_mutex_unlock(&engine->lock);
}

/* Saves what the files held, and waits until that succeeds: this process has the only copy.
 * Meanwhile requests are answered by their deadlines only. */
static void rescue(struct sqlite_engine *engine, const char *path, const char *change,
                   struct sqlite_rescue *ret_rescue)
{
    for (unsigned i = 0; !sqlite_rescue_save(&engine->db, ret_rescue); i++) {
        if (i % RESCUE_REPORT == 0) {
            log_write(LOG_ERROR,
                      "sqlite: %.250s %s: answers stop. What was answered is only in this process "
                      "now, and cannot be copied: %.400s. Mend that and do not kill the process",
                      path, change, ret_rescue->error);
        }
        uv_sleep(RESCUE_PAUSE_MS);
    }
}

/* Ends the process if another process has taken one of its files. Called before every answer: what
 * was read may be another store's, and what was written may be lost. */
static void files_check(struct sqlite_engine *engine)
{
    const char *path = engine->path, *change = sqlite_watch_look(&engine->db.watch, &path);
    struct sqlite_rescue saved = {.is_whole = false};

    if (change == NULL) {
        return;
    }
    backup_end(engine, "the files of the store were taken");
    rescue(engine, path, change, &saved);
    log_write(LOG_ERROR,
              saved.is_whole
                  ? "sqlite: %.200s %s while it was served: stopping. All that was answered is in "
                    "%.240s: start on that file, or put it in the place of %.200s without a -wal "
                    "beside it"
                  : "sqlite: %.200s %s while it was served: stopping. What could still be read is "
                    "in %.240s, and answered grants may be missing: run verify on it and compare "
                    "it with a backup before a service starts on it or on %.200s",
              path, change, saved.path, engine->path);
    _exit(EXIT_FAILURE);
}

/* ---- Reading ---- */

/* Runs the reads of a batch and moves them to `ret_done`. The writes stay. */
static void read_all(struct sqlite_engine *engine, struct queue *batch, struct queue *ret_done)
{
    struct queue *next;

    queue_init(ret_done);
    for (struct queue *at = batch->next; at != batch; at = next) {
        struct sqlite_job *job = CONTAINER_OF(at, struct sqlite_job, link);

        next = at->next;
        if (!op_is_write(job->work.verb)) {
            job->work.status = sqlite_verbs_run(engine->verbs, &job->work);
            queue_remove(&job->link);
            queue_append(ret_done, &job->link);
        }
    }
}

/* ---- Writing ---- */

/* Logs when writes begin to fail and when they work again; nothing in between. */
static void log_write_state(struct sqlite_engine *engine, bool is_failing)
{
    if (is_failing && !engine->is_failing) {
        log_write(LOG_ERROR, "sqlite: %s: cannot write: %s", engine->path,
                  sqlite3_errmsg(engine->db.handle));
    } else if (!is_failing && engine->is_failing) {
        log_write(LOG_INFO, "sqlite: %s: writes work again", engine->path);
    }
    engine->is_failing = is_failing;
}

/* Commits a transaction; false when it was certainly not applied. */
static bool commit(struct sqlite_engine *engine)
{
    enum status status = sqlite_verbs_commit(engine->verbs);

    if (status == STATUS_UNKNOWN) {
        sqlite_verbs_rollback(engine->verbs);
        files_check(engine);
        die(engine, "a commit");
    }
    return status == STATUS_OK;
}

/* Adds up to `most` writes that have arrived meanwhile to `writes`. Returns whether there were any.
 * So the thread works while a worker still reads requests, and one fsync serves all of them. */
static bool writes_join(struct sqlite_engine *engine, struct queue *writes, size_t most)
{
    struct queue *next, *last = writes->previous;

    uv_mutex_lock(&engine->lock);
    for (struct queue *at = engine->inbox.next; at != &engine->inbox && most > 0; at = next) {
        struct sqlite_job *job = CONTAINER_OF(at, struct sqlite_job, link);

        next = at->next;
        if (op_is_write(job->work.verb)) {
            queue_remove(&job->link);
            queue_append(writes, &job->link);
            job->is_taken = true;
            most--;
        }
    }
    uv_mutex_unlock(&engine->lock);
    return writes->previous != last;
}

/* Runs the writes after `at`. False when one has failed. Otherwise *ret_last is the last one, and
 * their number is added to *count. */
static bool writes_run(struct sqlite_engine *engine, const struct queue *writes, struct queue *at,
                       struct queue **ret_last, size_t *count)
{
    while (at->next != writes) {
        struct sqlite_job *job = CONTAINER_OF(at->next, struct sqlite_job, link);

        job->work.status = sqlite_verbs_run(engine->verbs, &job->work);
        if (sqlite_verbs_have_failed(engine->verbs)) {
            return false;
        }
        at = at->next;
        ++*count;
    }
    *ret_last = at;
    return true;
}

/* Runs all writes in one transaction, which others may join, up to `most`. False when it was rolled
 * back. */
static bool write_together(struct sqlite_engine *engine, struct queue *writes, size_t most)
{
    struct queue *last = writes;
    bool is_ok = sqlite_verbs_begin(engine->verbs);
    size_t count = 0;

    while (is_ok) {
        is_ok = writes_run(engine, writes, last, &last, &count);
        if (!is_ok || count >= most || !writes_join(engine, writes, most - count)) {
            break;
        }
    }
    if (is_ok && commit(engine)) {
        log_write_state(engine, false);
        return true;
    }
    log_write_state(engine, true);
    sqlite_verbs_rollback(engine->verbs);
    return false;
}

/* Runs a job in its own transaction. When it fails, its status says why. */
static void write_alone(struct sqlite_engine *engine, struct sqlite_job *job)
{
    struct queue alone;

    queue_init(&alone);
    queue_remove(&job->link);
    queue_append(&alone, &job->link);
    sqlite_job_rewind(job);
    if (!write_together(engine, &alone, 1) && job->work.status != STATUS_CORRUPT) {
        job->work.status = STATUS_UNAVAILABLE;
    }
    queue_remove(&job->link);
}

static void write_all(struct sqlite_engine *engine, struct queue *writes)
{
    struct queue done;

    if (queue_is_empty(writes) || write_together(engine, writes, BATCH)) {
        return;
    }
    queue_init(&done);
    while (!queue_is_empty(writes)) {
        struct sqlite_job *job = CONTAINER_OF(writes->next, struct sqlite_job, link);

        write_alone(engine, job);
        queue_append(&done, &job->link);
    }
    queue_move(&done, writes);
}

/* ---- The turn ---- */

/* Waits for work and takes up to BATCH jobs. *ret_backup is the backup to continue, or NULL. False
 * when the thread must end. */
static bool take(struct sqlite_engine *engine, struct queue *ret_batch,
                 struct sqlite_backup **ret_backup)
{
    bool goes_on;

    queue_init(ret_batch);
    uv_mutex_lock(&engine->lock);
    while (queue_is_empty(&engine->inbox) && !engine->is_step_asked && !engine->is_stopping) {
        uv_cond_wait(&engine->asked, &engine->lock);
    }
    for (size_t i = 0; i < BATCH && !queue_is_empty(&engine->inbox); i++) {
        struct sqlite_job *job = CONTAINER_OF(engine->inbox.next, struct sqlite_job, link);

        queue_remove(&job->link);
        queue_append(ret_batch, &job->link);
        job->is_taken = true;
    }
    *ret_backup = engine->is_step_asked ? engine->backup : NULL;
    goes_on = !engine->is_stopping || !queue_is_empty(ret_batch);
    uv_mutex_unlock(&engine->lock);
    return goes_on;
}

static void backup_go_on(struct sqlite_engine *engine, struct sqlite_backup *backup)
{
    if (engine->is_unwanted) {
        sqlite_backup_abort(backup, "it was cancelled");
    } else {
        sqlite_backup_step(backup, &engine->db, BACKUP_PAGES);
        files_check(engine); /* what was just copied may be another store */
    }
    uv_mutex_lock(&engine->lock);
    engine->is_step_asked = false;
    uv_cond_signal(&engine->copied);
    uv_mutex_unlock(&engine->lock);
}

/* Runs a batch, and returns each job once its data are known to be in our files. */
static void jobs_run(struct sqlite_engine *engine, struct queue *batch)
{
    struct queue done;

    read_all(engine, batch, &done);
    if (!queue_is_empty(&done)) {
        files_check(engine);
        give_back(engine, &done);
    }
    if (!queue_is_empty(batch)) {
        write_all(engine, batch);
        files_check(engine);
        give_back(engine, batch);
    }
}

static void thread_main(void *argument)
{
    struct sqlite_engine *engine = argument;
    struct sqlite_backup *backup = NULL;
    struct queue batch;

    while (take(engine, &batch, &backup)) {
        jobs_run(engine, &batch);
        if (!sqlite_db_checkpoint(&engine->db)) {
            die(engine, "a checkpoint");
        }
        if (backup != NULL) {
            backup_go_on(engine, backup);
        }
    }
    backup_end(engine, "the service was stopped");
}

/* ---- For workers ---- */

struct sqlite_completion_queue *sqlite_thread_completions_new(struct sqlite_engine *engine)
{
    struct sqlite_completion_queue *completions = calloc(1, sizeof(*completions));

    if (completions == NULL) {
        return NULL;
    }
    queue_init(&completions->jobs);
    uv_mutex_lock(&engine->lock);
    completions->next = engine->completion_queues;
    engine->completion_queues = completions;
    uv_mutex_unlock(&engine->lock);
    return completions;
}

void sqlite_thread_completions_close(struct sqlite_engine *engine,
                                     struct sqlite_completion_queue *completions)
{
    uv_mutex_lock(&engine->lock);
    completions->is_closed = true;
    uv_mutex_unlock(&engine->lock);
}

void sqlite_thread_submit(struct sqlite_engine *engine, struct queue *jobs)
{
    uv_mutex_lock(&engine->lock);
    queue_splice(jobs, &engine->inbox);
    uv_cond_signal(&engine->asked);
    uv_mutex_unlock(&engine->lock);
}

bool sqlite_thread_withdraw(struct sqlite_engine *engine, struct sqlite_job *job)
{
    bool withdrawn;

    uv_mutex_lock(&engine->lock);
    withdrawn = !job->is_taken;
    if (withdrawn) {
        queue_remove(&job->link);
    }
    uv_mutex_unlock(&engine->lock);
    return withdrawn;
}

void sqlite_thread_collect(struct sqlite_engine *engine,
                           struct sqlite_completion_queue *completions, struct queue *ret_jobs)
{
    uv_mutex_lock(&engine->lock);
    queue_move(&completions->jobs, ret_jobs);
    uv_mutex_unlock(&engine->lock);
}

/* ---- For backups ---- */

/* Asks for one step and waits for it. Between two steps the store is not held up, however late the
 * next one is asked for. */
static void step_ask(struct sqlite_engine *engine, bool is_unwanted)
{
    engine->is_step_asked = true;
    engine->is_unwanted = is_unwanted;
    uv_cond_signal(&engine->asked);
    while (engine->is_step_asked) {
        uv_cond_wait(&engine->copied, &engine->lock);
    }
}

bool sqlite_thread_backup(struct sqlite_engine *engine, struct sqlite_backup *backup,
                          store_progress_fn progress, void *argument)
{
    bool is_wanted = true;

    uv_mutex_lock(&engine->lock);
    if (engine->backup != NULL || engine->is_stopping) {
        uv_mutex_unlock(&engine->lock);
        sqlite_backup_abort(backup, "another backup is being made");
        return false;
    }
    engine->backup = backup;
    while (backup->state == BACKUP_GOING_ON) {
        step_ask(engine, !is_wanted);
        uv_mutex_unlock(&engine->lock);
        sqlite_backup_settle(backup);
        is_wanted = progress(argument, backup->done, backup->total);
        uv_mutex_lock(&engine->lock);
    }
    engine->backup = NULL;
    uv_mutex_unlock(&engine->lock);
    return backup->state == BACKUP_DONE;
}

/* ---- Life ---- */

struct sqlite_engine *sqlite_thread_engine_new(void)
{
    struct sqlite_engine *engine = calloc(1, sizeof(*engine));

    /* Memory statistics would take a lock for each malloc, and nothing reads them. The setting must
     * come before the first connection; later calls do nothing. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite_page_cache_configure();

    if (engine == NULL) {
        return NULL;
    }
    queue_init(&engine->inbox);
    if (uv_mutex_init(&engine->lock) != 0 || uv_cond_init(&engine->asked) != 0 ||
        uv_cond_init(&engine->copied) != 0) {
        abort(); /* at this point they fail only on a broken system */
    }
    return engine;
}

/* Starts the thread with all signals blocked: another thread waits for the signals that stop the
 * process. */
static bool thread_begin(struct sqlite_engine *engine)
{
    sigset_t all, before;
    bool is_begun;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_begun = uv_thread_create(&engine->thread, thread_main, engine) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_begun;
}

bool sqlite_thread_engine_start(struct sqlite_engine *engine)
{
    char error[STORE_ERROR_SIZE];

    if (!sqlite_names_allow_service(engine->path, error) ||
        !sqlite_db_open(engine->path, DB_MAY_BE_NEW, &sqlite_db_schema, &engine->db, error)) {
        log_write(LOG_ERROR, "sqlite: %s", error);
        return false;
    }
    if (strcmp(engine->path, ":memory:") != 0) {
        log_write(LOG_INFO, "sqlite: %s%s", sqlite3_db_filename(engine->db.handle, "main"),
                  engine->db.is_new ? ", a new file" : "");
    }
    engine->verbs = sqlite_verbs_open(&engine->db);
    if (engine->verbs == NULL) {
        log_write(LOG_ERROR, "sqlite: %s: %s", engine->path, sqlite3_errmsg(engine->db.handle));
        sqlite_db_close(&engine->db);
        return false;
    }
    engine->is_started = thread_begin(engine);
    if (!engine->is_started) {
        log_write(LOG_ERROR, "sqlite: the store thread cannot be started");
        sqlite_verbs_close(engine->verbs);
        sqlite_db_close(&engine->db);
    }
    return engine->is_started;
}

static void thread_end(struct sqlite_engine *engine)
{
    uv_mutex_lock(&engine->lock);
    engine->is_stopping = true;
    uv_cond_signal(&engine->asked);
    uv_mutex_unlock(&engine->lock);
    uv_thread_join(&engine->thread);
    files_check(engine);
    sqlite_verbs_close(engine->verbs);
    sqlite_db_close(&engine->db);
}

static void completions_free(struct sqlite_completion_queue *completions)
{
    while (!queue_is_empty(&completions->jobs)) {
        struct sqlite_job *job = CONTAINER_OF(completions->jobs.next, struct sqlite_job, link);

        queue_remove(&job->link);
        sqlite_job_free(job);
    }
    free(completions);
}

void sqlite_thread_engine_free(struct sqlite_engine *engine)
{
    if (engine->is_started) {
        thread_end(engine);
    }
    while (engine->completion_queues != NULL) {
        struct sqlite_completion_queue *completions = engine->completion_queues;

        engine->completion_queues = completions->next;
        completions_free(completions);
    }
    uv_cond_destroy(&engine->asked);
    uv_cond_destroy(&engine->copied);
    uv_mutex_destroy(&engine->lock);
    free(engine);
}
