/* SPDX-License-Identifier: MIT */
/* The engine: what all stores of a process share, and what an operator does with the data as a
 * whole. main opens one from a URL; each worker opens its store on it (discount/store.h).
 *
 *   sqlite:PATH, sqlite::memory:                 a file, or memory for trying out, and a thread
 *   redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]   no shared state: each store connects
 *
 * Errors are reported as texts for the operator. */
#ifndef DISCOUNT_ENGINE_H
#define DISCOUNT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_engine;

/* Parses the URL and opens nothing yet. NULL, with a static text in ret_error, when the URL is not
 * valid. */
struct store_engine *store_engine_open(const char *url, const char **ret_error);
/* Opens the data, before the first store is opened on it: a file is locked, recovered and migrated
 * to this version's schema. False when that fails; the log says why. */
bool store_engine_start(struct store_engine *engine);
/* Closes the engine, after the last store on it was freed. */
void store_engine_close(struct store_engine *engine);

/* The path of the socket on which the serving process accepts commands (src/control/control.h). The
 * text lives as long as the engine. NULL for a store that many processes may use. */
const char *store_engine_control_path(const struct store_engine *engine);

/* Reports the progress of a long operation, on the thread that called it. Returns false to cancel
 * the operation. */
typedef bool (*store_progress_fn)(void *argument, uint64_t done, uint64_t total);

#define STORE_ERROR_SIZE 1024

/* Copies all data into a new file that sqlite: can open. The copy is the state of the store at one
 * moment, and contains everything that was answered before the call. On a started engine the stores
 * go on serving meanwhile; call it from any thread but a worker's, one at a time. On an engine that
 * is not started, no other process may use the file. False, with a text in ret_error, on failure;
 * then no file is left. */
bool store_engine_backup(struct store_engine *engine, const char *path, store_progress_fn progress,
                         void *argument, char ret_error[STORE_ERROR_SIZE]);

struct store_audit {
    void *argument;
    store_progress_fn progress; /* its result is ignored: it cannot cancel */
    /* Called once for each finding, with its description. */
    void (*found)(void *argument, const char *text);
    uint64_t discounts, grants, findings; /* counted during the audit */
};

/* Checks every discount and every grant: no more grants than the stock, and every count and index
 * agrees with the data. The engine must not be started. A file must not be in use; a Redis may be.
 * False, with a text in ret_error, when it could not check everything; the audit then counts the
 * findings up to there. */
bool store_engine_verify(struct store_engine *engine, struct store_audit *audit,
                         char ret_error[STORE_ERROR_SIZE]);

#endif
