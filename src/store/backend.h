/* SPDX-License-Identifier: MIT */
/* The backend interface of the store: the functions that a backend must have. Deadlines, the
 * in-flight bound and the delivery of completions are not among them: store.c has them for all
 * backends. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "discount/engine.h"
#include "discount/store.h"

/* The backend's parts of an engine and of a store are void * here, and only the backend's own file
 * casts them back. The store's functions run on the worker's thread, the engine's as engine.h says.
 * A function that is marked "or NULL" may be left out when there is nothing to do. */
struct store_backend {
    const char *scheme; /* the beginning of its URLs */

    /* Makes the engine's part from a URL of this scheme. NULL, with a static text in ret_error, on
     * failure. */
    void *(*engine_open)(const char *url, const char **ret_error);
    bool (*engine_start)(void *engine); /* or NULL */
    void (*engine_close)(void *engine);
    const char *(*control_path)(const void *engine); /* or NULL */
    bool (*backup)(void *engine, const char *path, store_progress_fn progress, void *argument,
                   char ret_error[STORE_ERROR_SIZE]);
    bool (*verify)(void *engine, struct store_audit *audit, char ret_error[STORE_ERROR_SIZE]);

    /* Makes a store's part. NULL without memory. */
    void *(*open)(void *engine, struct store *store);
    /* The worker looks at this after each poll, so the backend must wake the loop when it becomes
     * true. */
    bool (*is_ready)(const void *self);
    unsigned (*warnings)(const void *self); /* see store_warnings; or NULL */
    /* Takes an operation in. May complete it at once. */
    void (*submit)(void *self, struct store_op *op);
    /* Cancels an operation whose deadline has passed, and returns the status to report. The backend
     * does not touch its memory again. */
    enum status (*cancel)(void *self, struct store_op *op);
    /* Sends the operations accepted since the last flush. */
    void (*flush)(void *self);
    /* Completes every operation and closes the handles. `free` is called after the loop has closed
     * them. */
    void (*close)(void *self);
    void (*free)(void *self);
};

extern const struct store_backend redis_backend;
extern const struct store_backend sqlite_backend;

/* An engine: what stores are opened on. */
struct store_engine {
    const struct store_backend *backend;
    void *self; /* the backend's part, owned */
};

/* A refusal of a discount that has expired or is sold out is final, and has a final_count. Within
 * this time before and after `expires_at` it is not: the next answer may differ, for example when a
 * clock is set. */
#define FINAL_AFTER_US 10000000

/* For backends: what they need from their store. */
uv_loop_t *store_loop(const struct store *store);
struct store_limits store_limits(const struct store *store);
/* Completes an operation that the backend has accepted. `done` runs in the next store_deliver. */
void store_complete(struct store *store, struct store_op *op, enum status status);

#endif
