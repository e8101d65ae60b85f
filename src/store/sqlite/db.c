/* SPDX-License-Identifier: MIT */
/* In: a path. Out: a connection with exclusive access to the file. It knows nothing about discounts
 * except where their schema is. */
#include "store/sqlite/db.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "discount/log.h"
#include "sqlite_schema_1.h"
#include "store/sqlite/names.h"
#include "store/sqlite/wal_vfs.h"

/* PRAGMA application_id of every file of this service: "DSCT". */
#define APPLICATION_ID 0x44534354
/* A grant changes a page or two, so small pages mean fewer bytes to write. A page that is written
 * often goes into the file once per checkpoint, so a long log saves writes, too: 16 MiB.
 * docs/adr/0009 has the measurements. */
#define PAGE_SIZE 2048
#define CHECKPOINT_PAGES 8192
#define LOG_PIECE 65536
#define TEXT_OF_(number) #number
#define TEXT_OF(number) TEXT_OF_(number)
/* A log shorter than this cannot fill the disk, so the room is not checked. */
#define CRAMPED_PAGES 64
/* A file is locked in two steps. Two processes that open it at once may each have the first lock
 * and wait for the second. Then both give up, and try again after pauses of random length. */
#define ATTEMPTS 10
#define MOST_PAUSE_MS 50

static const char *const steps[] = {sqlite_schema_1};
const struct sqlite_db_schema sqlite_db_schema = {steps, sizeof(steps) / sizeof(steps[0])};

/* ---- Errors ---- */

enum status sqlite_db_status(const struct sqlite_db *db)
{
    int code = sqlite3_errcode(db->handle);

    if (code != SQLITE_FULL) {
        log_write(LOG_ERROR, "sqlite: %s", sqlite3_errmsg(db->handle));
    }
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? STATUS_CORRUPT : STATUS_UNAVAILABLE;
}

/* Formats the last error. Always false, so that a function can end with it. */
static bool error_format(const struct sqlite_db *db, const char *path, char *ret_error)
{
    int code = sqlite3_errcode(db->handle);

    if (code == SQLITE_BUSY) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%s is in use by another process", path);
    } else if (code == SQLITE_NOTADB) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%s is not a database of this service", path);
    } else {
        snprintf(ret_error, STORE_ERROR_SIZE, "%s: %s", path, sqlite3_errmsg(db->handle));
    }
    return false;
}

/* ---- Opening ---- */

static bool execute(const struct sqlite_db *db, const char *sql)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Reads a number: the first row of a statement without parameters. */
static bool number_of(const struct sqlite_db *db, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;

    if (found) {
        *ret_number = sqlite3_column_int64(statement, 0);
    }
    return sqlite3_finalize(statement) == SQLITE_OK && found;
}

/* The first read of the file takes the lock, which is kept. SQLite 3.40 can damage a log that two
 * connections share. Also, two processes would each cache the newest time of creation. */
static bool lock(const struct sqlite_db *db)
{
    int64_t version;

    return execute(db, "PRAGMA locking_mode = EXCLUSIVE") &&
           number_of(db, "PRAGMA schema_version", &version);
}

/* The page size takes effect for a new file. FULL: a commit returns after its fsync. Automatic
 * checkpoints are off: sqlite_db_checkpoint runs them after the answers and not before. */
static bool configure(const struct sqlite_db *db)
{
    return execute(db, "PRAGMA page_size = " TEXT_OF(PAGE_SIZE)) &&
           execute(db, "PRAGMA journal_mode = WAL") && execute(db, "PRAGMA synchronous = FULL") &&
           execute(db, "PRAGMA wal_autocheckpoint = 0") &&
           execute(db, "PRAGMA foreign_keys = ON") && execute(db, "PRAGMA temp_store = MEMORY") &&
           execute(db, "PRAGMA cache_size = -65536");
}

/* Returns whether the file is new or belongs to this service, in a version that can be opened. */
static bool is_ours(struct sqlite_db *db, const char *path, enum db_existence existence,
                    const struct sqlite_db_schema *schema, int64_t *ret_version, char *ret_error)
{
    int64_t application, objects, is_utf8;

    if (!number_of(db, "PRAGMA application_id", &application) ||
        !number_of(db, "SELECT count(*) FROM sqlite_schema", &objects) ||
        !number_of(db, "SELECT encoding = 'UTF-8' FROM pragma_encoding", &is_utf8) ||
        !number_of(db, "PRAGMA user_version", ret_version)) {
        return error_format(db, path, ret_error);
    }
    db->is_new = application == 0 && objects == 0;
    if (is_utf8 == 0 ||
        (application != APPLICATION_ID && (!db->is_new || existence == DB_MUST_EXIST))) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%s is not a database of this service", path);
        return false;
    }
    if (*ret_version < 0 || (uint64_t)*ret_version > schema->count) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%s was written by a later version of this service",
                 path);
        return false;
    }
    if ((uint64_t)*ret_version < schema->count && existence == DB_MUST_EXIST) {
        snprintf(ret_error, STORE_ERROR_SIZE,
                 "%s was written by an earlier version of this service: start this one on it first",
                 path);
        return false;
    }
    return true;
}

static bool step_up(const struct sqlite_db *db, const struct sqlite_db_schema *schema,
                    size_t version)
{
    char sql[96];

    for (; version < schema->count; version++) {
        if (!execute(db, schema->steps[version])) {
            return false;
        }
    }
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
             APPLICATION_ID, schema->count);
    return execute(db, sql);
}

/* Applies all missing steps of the schema, or none. */
static bool migrate(const struct sqlite_db *db, const char *path,
                    const struct sqlite_db_schema *schema, size_t version, char *ret_error)
{
    if (version == schema->count) {
        return true;
    }
    if (!execute(db, "BEGIN EXCLUSIVE") || !step_up(db, schema, version) ||
        !execute(db, "COMMIT")) {
        return error_format(db, path, ret_error);
    }
    return true;
}

/* Writes the log again in its place, and waits for the disk. */
static int log_renew(const struct sqlite_db *db)
{
    char piece[LOG_PIECE];
    sqlite3_file *log = NULL;
    sqlite3_int64 size = 0;
    int code = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);

    if (code != SQLITE_OK || log->pMethods == NULL) {
        return code; /* a database in memory has no log */
    }
    code = log->pMethods->xFileSize(log, &size);
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += LOG_PIECE) {
        int n = size - at < LOG_PIECE ? (int)(size - at) : LOG_PIECE;

        code = log->pMethods->xRead(log, piece, n, at);
        if (code == SQLITE_OK) {
            code = log->pMethods->xWrite(log, piece, n, at);
        }
    }
    return code != SQLITE_OK || size == 0 ? code : log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

/* A log left by an earlier process may exist in the system's cache only. Its commit may have died
 * before the fsync. Or the fsync failed, after which the cache counts the log as written. So no
 * data from it is used before the log was written again and is on the disk.
 *
 * The log is first written in its place, which needs no more room, so that a start on a full disk
 * can serve the data. Then it is written into the file. */
static bool settle(const struct sqlite_db *db, const char *path, char *ret_error)
{
    int code = log_renew(db);

    if (code != SQLITE_OK) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%s: the log left by an earlier process: %s", path,
                 sqlite3_errstr(code));
        return false;
    }
    code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (code == SQLITE_FULL) {
        log_write(LOG_WARNING, "sqlite: %s: the disk has no room to write the log into the file",
                  path);
    }
    return code == SQLITE_OK || code == SQLITE_FULL || error_format(db, path, ret_error);
}

static bool watch(struct sqlite_db *db, const char *path, char *ret_error)
{
    if (sqlite_watch_begin(&db->watch, db->handle)) {
        return true;
    }
    snprintf(ret_error, STORE_ERROR_SIZE, "%s: it was moved while it was opened", path);
    return false;
}

static int log_grew(void *argument, sqlite3 *handle, const char *name, int pages)
{
    struct sqlite_db *db = argument;

    (void)handle; /* same as db->handle */
    (void)name;   /* there is only one file */
    db->log_pages = pages;
    db->has_grown = true;
    return SQLITE_OK;
}

/* SQLite would create a file where something else has the name, or read a device byte by byte. */
static bool is_file(const char *path, char *ret_error)
{
    struct stat about;

    if (strcmp(path, ":memory:") == 0 || stat(path, &about) != 0 || S_ISREG(about.st_mode)) {
        return true;
    }
    snprintf(ret_error, STORE_ERROR_SIZE, "%s is not a file", path);
    return false;
}

static bool open_once(const char *path, enum db_existence existence,
                      const struct sqlite_db_schema *schema, struct sqlite_db *db, char *ret_error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                (existence == DB_MAY_BE_NEW ? SQLITE_OPEN_CREATE : 0);
    int64_t version;

    *db = (struct sqlite_db){0};
    if (sqlite3_open_v2(path, &db->handle, flags, sqlite_wal_vfs()) != SQLITE_OK || !lock(db)) {
        return error_format(db, path, ret_error);
    }
    return is_ours(db, path, existence, schema, &version, ret_error) &&
           (configure(db) || error_format(db, path, ret_error)) &&
           migrate(db, path, schema, (size_t)version, ret_error) && settle(db, path, ret_error) &&
           watch(db, path, ret_error);
}

bool sqlite_db_open(const char *path, enum db_existence existence,
                    const struct sqlite_db_schema *schema, struct sqlite_db *ret_db,
                    char ret_error[STORE_ERROR_SIZE])
{
    bool is_busy = is_file(path, ret_error) && sqlite_names_allow_open(path, ret_error);

    *ret_db = (struct sqlite_db){0};
    for (int i = 0; i < ATTEMPTS && is_busy; i++) {
        unsigned char pause_ms;

        if (open_once(path, existence, schema, ret_db, ret_error)) {
            sqlite3_wal_hook(ret_db->handle, log_grew, ret_db);
            return true;
        }
        is_busy = sqlite3_errcode(ret_db->handle) == SQLITE_BUSY;
        ret_db->is_damaged = sqlite3_errcode(ret_db->handle) == SQLITE_CORRUPT;
        /* Closing rolls back an unfinished transaction. */
        sqlite3_close(ret_db->handle);
        if (is_busy) {
            sqlite3_randomness(sizeof(pause_ms), &pause_ms);
            sqlite3_sleep(1 + pause_ms % MOST_PAUSE_MS);
        }
    }
    return false;
}

/* ---- Closing ---- */

bool sqlite_db_empty_log(const struct sqlite_db *db)
{
    return sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
           SQLITE_OK;
}

void sqlite_db_close(struct sqlite_db *db)
{
    int code;

    sqlite_db_empty_log(db); /* closing does this too, except for a file that was moved */
    code = sqlite3_close(db->handle);
    assert(code == SQLITE_OK);
}

/* ---- The log ---- */

/* Returns whether the disk has less free room than the log's size. If the log took the room in
 * which the file would grow, it could never be written into the file. */
static bool is_cramped(const struct sqlite_db *db)
{
    struct statvfs disk;

    return db->log_pages >= CRAMPED_PAGES &&
           statvfs(sqlite3_db_filename(db->handle, "main"), &disk) == 0 &&
           disk.f_bavail * disk.f_frsize < (uint64_t)db->log_pages * PAGE_SIZE;
}

bool sqlite_db_checkpoint(struct sqlite_db *db)
{
    bool is_due = db->has_grown && (db->log_pages >= CHECKPOINT_PAGES || is_cramped(db));

    db->has_grown =
        false; /* until the next commit, even if this attempt fails: that is soon enough */
    if (!is_due) {
        return true;
    }
    if (sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
            SQLITE_OK &&
        !db->checkpoint_failed) {
        log_write(LOG_WARNING, "sqlite: the log cannot be written into the file: %s",
                  sqlite3_errmsg(db->handle));
        db->checkpoint_failed = true;
    }
    if (sqlite3_errcode(db->handle) == SQLITE_OK) {
        db->checkpoint_failed = false;
    }
    sqlite_watch_accept(&db->watch);
    return sqlite3_extended_errcode(db->handle) != SQLITE_IOERR_FSYNC;
}
