/* SPDX-License-Identifier: MIT */
/* The backend interface of the store: what a backend must be able to do. Deadlines, the in-flight
 * bound and the delivery of completions are written once, in store.c. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "discount/engine.h"
#include "discount/store.h"

/* Parts of an engine and of a store that belong to the backend are void * here and cast back in its
 * own file only. The store's functions run on the worker's thread, the engine's as engine.h says.
 * Those that may be NULL stand for nothing to do. */
struct store_backend {
    const char *scheme; /* what its URLs begin with */

    /* The engine's part, from a URL of this scheme. NULL with a static text in ret_error. */
    void *(*engine_open)(const char *url, const char **ret_error);
    bool (*engine_start)(void *engine); /* or NULL */
    void (*engine_close)(void *engine);
    const char *(*control_path)(const void *engine); /* or NULL */
    bool (*backup)(void *engine, const char *path, store_progress_fn progress, void *argument,
                   char ret_error[STORE_ERROR_SIZE]);
    bool (*verify)(void *engine, struct store_audit *audit, char ret_error[STORE_ERROR_SIZE]);

    /* A store's part. NULL without memory. */
    void *(*open)(void *engine, struct store *store);
    /* When it becomes true something must wake the loop: the worker looks after each poll. */
    bool (*is_ready)(const void *self);
    /* Takes an operation in. May complete it at once. */
    void (*submit)(void *self, struct store_op *op);
    /* Forgets an operation whose deadline has passed; its memory is not touched again. What is
     * known of it is its status. */
    enum status (*cancel)(void *self, struct store_op *op);
    /* Sends what was taken in since the last flush. */
    void (*flush)(void *self);
    /* Completes every operation and closes the handles; `free` comes after the loop has closed
     * them. */
    void (*close)(void *self);
    void (*free)(void *self);
};

extern const struct store_backend redis_backend;
extern const struct store_backend sqlite_backend;

/* What stores are opened on. */
struct store_engine {
    const struct store_backend *backend;
    void *self; /* the backend's part, owned */
};

/* A discount that was closed by its `expires_at`, or is sold out, has its last word on it, and a
 * final_count, unless it is as near as this to that time: then the next answer may be another one,
 * and so it may when a clock is set. */
#define FINAL_AFTER_US 10000000

/* For backends: what they need of their store. */
uv_loop_t *store_loop(const struct store *store);
struct store_limits store_limits(const struct store *store);
/* Completes an operation that the backend has; `done` runs with the next store_deliver. */
void store_complete(struct store *store, struct store_op *op, enum status status);

#endif
