/* SPDX-License-Identifier: MIT */
/* The names that a SQLite store has beside its file, each an ending of the file's path. No store
 * can have such a name itself: another one would write over it. Any thread. */
#ifndef BASE_STORE_NAME_H
#define BASE_STORE_NAME_H

#include <stdbool.h>

#define STORE_NAME_CONTROL "-control"
#define STORE_NAME_JOURNAL "-journal"
#define STORE_NAME_SHM "-shm"
#define STORE_NAME_WAL "-wal"
/* A directory, and the only file in it: a backup that is not finished. */
#define STORE_NAME_PARTIAL "-partial"
#define STORE_NAME_COPY "copy-partial"
/* After it comes a time, as 20261201T024500Z: a copy made because the store's files were taken. */
#define STORE_NAME_RESCUED "-rescued-"

/* Returns which of the endings this path has, as a static string, or NULL. A rescued copy has none:
 * it is a store. */
const char *store_name_ending(const char *path);
/* Whether this is what follows the file's name in the name of a rescued copy. */
bool store_name_is_rescued(const char *ending);

#endif
