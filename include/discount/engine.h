/* SPDX-License-Identifier: MIT */
/* The engine: what all stores of a process have in common, and what an operator does with the data
 * as a whole. main opens one from a URL; the workers' stores are opened on it (discount/store.h).
 *
 *   sqlite:PATH, sqlite::memory:                 a file, or memory for trying out, and a thread
 *   redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]   nothing of its own: each store connects
 *
 * Faults are told in texts for the operator. */
#ifndef DISCOUNT_ENGINE_H
#define DISCOUNT_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_engine;

/* Reads the URL and touches nothing yet. NULL with a static text in ret_error when it is no such
 * URL. */
struct store_engine *store_engine_open(const char *url, const char **ret_error);
/* Takes the data into use, before the first store is opened: a file is locked, recovered, brought
 * to this version's schema. False when that cannot be; the log says why. */
bool store_engine_start(struct store_engine *engine);
/* After the last store on it is gone. */
void store_engine_close(struct store_engine *engine);

/* Where the process that uses the data listens for commands (src/control/control.h): a socket's
 * path, which lives as long as the engine, or NULL for a store that many processes may use. */
const char *store_engine_control_path(const struct store_engine *engine);

/* Called now and then while something long goes on, on the thread that asked for it. False gives it
 * up. */
typedef bool (*store_progress_fn)(void *argument, uint64_t done, uint64_t total);

#define STORE_ERROR_SIZE 1024

/* Copies everything into a new file that sqlite: can start on. All that was answered before the
 * call is in it, and it is a state that the store was in at one moment. On a started engine it goes
 * on while the stores serve, from any thread but a worker's, one at a time; on one that is not
 * started the file must not be in use. False with a text in ret_error, and then there is no such
 * file. */
bool store_engine_backup(struct store_engine *engine, const char *path, store_progress_fn progress,
                         void *argument, char ret_error[STORE_ERROR_SIZE]);

struct store_audit {
    void *argument;
    store_progress_fn progress; /* cannot give it up: what it returns is not looked at */
    /* Called for each thing that is not as it must be. */
    void (*found)(void *argument, const char *text);
    uint64_t discounts, grants, findings; /* counted on the way */
};

/* Looks at every discount and grant: no more grants than the stock, every count and index agreeing
 * with what it counts. On an engine that is not started; a file must not be in use, a Redis may be.
 * False, with a text in ret_error, when it could not look at all of it; what it found is counted in
 * the audit. */
bool store_engine_verify(struct store_engine *engine, struct store_audit *audit,
                         char ret_error[STORE_ERROR_SIZE]);

#endif
