/* SPDX-License-Identifier: MIT */
/* Opening a file. A file that is not ours, not accessible or of another version is refused with a
 * clear text, and not changed. An older file is migrated to this version, completely or not at all.
 * */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discount/engine.h"
#include "discount/log.h"
#include "store/sqlite/db.h"
#include "store/sqlite/sqlite_fixture.h"
#include "support/clock.h"
#include "support/fault_vfs.h"
#include "support/process.h"

/* ---- Files as bytes ---- */

struct bytes {
    size_t n;
    char *p; /* owned */
};

static struct bytes bytes_of(const char *path)
{
    struct bytes bytes;
    struct stat about;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &about), 0);
    bytes = (struct bytes){.n = (size_t)about.st_size, .p = malloc((size_t)about.st_size + 1)};
    assert_non_null(bytes.p);
    assert_int_equal(fread(bytes.p, 1, bytes.n, file), bytes.n);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_absent(const char *path, const char *suffix)
{
    char beside[96];

    snprintf(beside, sizeof(beside), "%s%s", path, suffix);
    assert_int_equal(access(beside, F_OK), -1);
}

/* ---- Databases, without the store ---- */

/* Runs SQL on a file as another program would, without our failing disk. */
static void execute(const char *path, const char *sql)
{
    sqlite3 *other = NULL;

    assert_int_equal(
        sqlite3_open_v2(path, &other, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
        SQLITE_OK);
    if (sqlite3_exec(other, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(other));
    }
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

/* Copies the first column of a query's first row to `ret_text`. */
static void ask(sqlite3 *handle, const char *sql, char ret_text[64])
{
    sqlite3_stmt *statement = NULL;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    snprintf(ret_text, 64, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
}

static void assert_answer(sqlite3 *handle, const char *sql, const char *wanted)
{
    char text[64];

    ask(handle, sql, text);
    assert_string_equal(text, wanted);
}

static void open_well(const char *path, const struct sqlite_db_schema *schema,
                      struct sqlite_db *ret_db)
{
    char fault[STORE_ERROR_SIZE] = "";

    if (!sqlite_db_open(path, DB_MAY_BE_NEW, schema, ret_db, fault)) {
        fail_msg("%s", fault);
    }
}

static void assert_refused(const char *path, enum db_existence existence,
                           const struct sqlite_db_schema *schema, const char *why)
{
    char fault[STORE_ERROR_SIZE] = "";
    struct sqlite_db db;

    assert_false(sqlite_db_open(path, existence, schema, &db, fault));
    assert_non_null(strstr(fault, path));
    if (strstr(fault, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", fault, why);
    }
    assert_null(strchr(fault, '\n'));
}

static void assert_refused_and_unchanged(const char *path, const struct sqlite_db_schema *schema,
                                         const char *why)
{
    struct bytes before = bytes_of(path), after;

    for (int i = 0; i < 2; i++) {
        assert_refused(path, DB_MAY_BE_NEW, schema, why);
        after = bytes_of(path);
        assert_int_equal(after.n, before.n);
        assert_memory_equal(after.p, before.p, before.n);
        free(after.p);
        assert_absent(path, "-wal");
        assert_absent(path, "-journal");
    }
    free(before.p);
}

/* ---- What is refused ---- */

#define NOT_OURS "is not a database of this service"

static void a_database_of_somebody_else_is_refused(void **state)
{
    static const char *const theirs[] = {
        "CREATE TABLE notes (text)",
        "PRAGMA application_id = 7; CREATE TABLE notes (text)",
        "PRAGMA application_id = 7; VACUUM",
        "PRAGMA user_version = 1; CREATE TABLE discounts (number)",
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (text)",
    };
    struct sqlite_fixture *sqlite = *state;

    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
        execute(sqlite->path, theirs[i]);
        assert_refused_and_unchanged(sqlite->path, &sqlite_db_schema, NOT_OURS);
        assert_int_equal(unlink(sqlite->path), 0);
    }
}

static void a_text_file_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    char line[2000];

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    /* For SQLite, a file of one byte is a new one. */
    for (size_t n = 2; n < sizeof(line); n += 333) {
        write_file(sqlite->path, line + sizeof(line) - 1 - n);
        assert_refused_and_unchanged(sqlite->path, &sqlite_db_schema, NOT_OURS);
    }
}

static void what_is_no_file_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;

    assert_refused(sqlite->directory.path, DB_MAY_BE_NEW, &sqlite_db_schema, "is not a file");
    assert_refused("/dev/null", DB_MAY_BE_NEW, &sqlite_db_schema, "is not a file");
    assert_int_equal(mkfifo(sqlite->path, 0600), 0);
    assert_refused(sqlite->path, DB_MAY_BE_NEW, &sqlite_db_schema, "is not a file");
}

static void a_file_in_a_directory_that_is_not_there_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    char path[96];

    snprintf(path, sizeof(path), "%s/nowhere/discount.db", sqlite->directory.path);
    assert_refused(path, DB_MAY_BE_NEW, &sqlite_db_schema, "unable to open");
}

/* Root may write everywhere, so a directory is in the way instead. */
static void a_file_that_cannot_be_written_is_refused(void **state)
{
    static const char *const beside[] = {"-journal", "-wal"};
    struct sqlite_fixture *sqlite = *state;

    for (size_t i = 0; i < 2; i++) {
        char path[64], obstacle[80];

        snprintf(path, sizeof(path), "%s/%zu.db", sqlite->directory.path, i);
        snprintf(obstacle, sizeof(obstacle), "%s%s", path, beside[i]);
        assert_int_equal(mkdir(obstacle, 0700), 0);
        assert_refused(path, DB_MAY_BE_NEW, &sqlite_db_schema, ": ");
        assert_int_equal(rmdir(obstacle), 0);
    }
}

static void a_file_that_must_be_there_is_not_made(void **state)
{
    struct sqlite_fixture *sqlite = *state;

    assert_refused(sqlite->path, DB_MUST_EXIST, &sqlite_db_schema, "unable to open");
    assert_absent(sqlite->path, "");
}

/* A reader writes no schema into it, and does not call an empty file valid. */
static void a_file_that_must_be_there_is_not_empty(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct bytes bytes;

    write_file(sqlite->path, "");
    assert_refused(sqlite->path, DB_MUST_EXIST, &sqlite_db_schema, NOT_OURS);
    bytes = bytes_of(sqlite->path);
    assert_int_equal(bytes.n, 0);
    free(bytes.p);
    execute(sqlite->path, "PRAGMA journal_mode = WAL; VACUUM");
    assert_refused(sqlite->path, DB_MUST_EXIST, &sqlite_db_schema, NOT_OURS);
}

/* Its texts would have a NUL after each character. */
static void an_empty_file_of_another_encoding_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;

    execute(sqlite->path, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (x); DROP TABLE t");
    assert_refused_and_unchanged(sqlite->path, &sqlite_db_schema, NOT_OURS);
}

static void a_damaged_file_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;
    int fd;

    open_well(sqlite->path, &sqlite_db_schema, &db);
    sqlite_db_close(&db);
    fd = open(sqlite->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    /* After the file's header: the tree of the schema. */
    assert_int_equal(pwrite(fd, "garbage garbage", 15, 100), 15);
    close(fd);
    assert_refused_and_unchanged(sqlite->path, &sqlite_db_schema, "malformed");
}

static void an_empty_file_is_a_new_one(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    write_file(sqlite->path, "");
    open_well(sqlite->path, &sqlite_db_schema, &db);
    assert_answer(db.handle, "SELECT count(*) FROM discounts", "0");
    sqlite_db_close(&db);
}

/* ---- Locks and ownership ---- */

static void a_file_that_is_open_is_refused_and_whoever_has_it_goes_on(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    open_well(sqlite->path, &sqlite_db_schema, &db);
    assert_refused(sqlite->path, DB_MAY_BE_NEW, &sqlite_db_schema, "is in use by another process");
    assert_int_equal(sqlite3_exec(db.handle, "CREATE TABLE more (x)", NULL, NULL, NULL), SQLITE_OK);
    assert_refused(sqlite->path, DB_MUST_EXIST, &sqlite_db_schema, "is in use by another process");
    assert_answer(db.handle, "SELECT count(*) FROM more", "0");
    sqlite_db_close(&db);
}

/* Another program that opens the file too and has come as far as we. */
struct rival {
    const char *path;
    sqlite3 *handle;
    unsigned lock_requests; /* ours, before */
    bool is_over;           /* we have locked the file, or gave up */
};

static void rival_come(struct rival *rival, const char *path)
{
    *rival =
        (struct rival){.path = path, .lock_requests = fault_vfs_count(FAULT_DATABASE, FAULT_LOCK)};
    assert_int_equal(
        sqlite3_open_v2(path, &rival->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
        SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(rival->handle, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL),
        SQLITE_OK);
}

static bool was_asked_twice(void *argument)
{
    const struct rival *rival = argument;

    return fault_vfs_count(FAULT_DATABASE, FAULT_LOCK) >= rival->lock_requests + 2 ||
           __atomic_load_n(&rival->is_over, __ATOMIC_ACQUIRE);
}

static void *rival_let_go(void *argument)
{
    struct rival *rival = argument;

    clock_wait(was_asked_twice, rival, CLOCK_PATIENCE_MS);
    sqlite3_close(rival->handle);
    return NULL;
}

/* Opens the file while a rival holds it, which releases it after our second attempt. */
static void open_beside_a_rival(const char *path)
{
    char fault[STORE_ERROR_SIZE] = "";
    struct rival rival;
    struct sqlite_db db;
    pthread_t thread;
    bool is_open;

    rival_come(&rival, path);
    assert_int_equal(pthread_create(&thread, NULL, rival_let_go, &rival), 0);
    is_open = sqlite_db_open(path, DB_MAY_BE_NEW, &sqlite_db_schema, &db, fault);
    __atomic_store_n(&rival.is_over, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    if (!is_open) {
        fail_msg("%s", fault);
    }
    sqlite_db_close(&db);
}

static void of_two_who_open_a_file_at_once_one_gets_it(void **state)
{
    const struct sqlite_fixture *sqlite = *state;

    open_beside_a_rival(sqlite->path);
    open_beside_a_rival(sqlite->path); /* and now it is not new */
}

/* The rival does not release it. */
static void whoever_waits_for_a_file_gives_up_in_the_end(void **state)
{
    const struct sqlite_fixture *sqlite = *state;
    struct rival rival;

    rival_come(&rival, sqlite->path);
    assert_refused(sqlite->path, DB_MAY_BE_NEW, &sqlite_db_schema, "is in use by another process");
    sqlite3_close(rival.handle);
}

static void a_url_that_is_none_is_refused(void **state)
{
    static const char *const urls[] = {"sqlite:", "sqlite://discount.db", "sqlite:///discount.db",
                                       "sqlite::memory", "sqlite::memory:x"};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const char *fault = NULL;

        assert_null(store_engine_open(urls[i], &fault));
        assert_string_equal(fault, "must be sqlite:PATH or sqlite::memory:");
    }
}

static void a_second_engine_in_one_process_does_not_start(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct store_fixture *fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    struct str id = sqlite_fixture_discount(fixture, 10);
    const char *fault = "";
    struct store_engine *second = store_engine_open(sqlite->url, &fault);

    assert_non_null(second);
    assert_false(store_engine_start(second));
    store_engine_close(second);
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, id, 1), STATUS_OK);
    sqlite_fixture_close(sqlite);
    fixture = sqlite_fixture_open(sqlite, sqlite_fixture_patient());
    CHECK_INT(fixture, sqlite_fixture_grant(fixture, sqlite_fixture_discount(fixture, 1), 1),
              STATUS_OK);
}

/* In a copy of this process: starts the engine, then waits for SIGTERM, as main does. */
static void stop_behind_the_engine(void *argument)
{
    struct sqlite_fixture *sqlite = argument;
    const char *fault = "";
    struct store_engine *engine = store_engine_open(sqlite->url, &fault);
    struct store_fixture fixture;
    sigset_t stop;
    int number = 0;

    if (engine == NULL || !store_engine_start(engine) ||
        !store_fixture_open_ready(&fixture, "sqlite", engine, sqlite_fixture_patient())) {
        _exit(EXIT_FAILURE);
    }
    /* After this answer, the thread has finished its start. */
    submit_ping(&fixture);
    store_fixture_settle(&fixture);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    kill(getpid(), SIGTERM);
    _exit(sigwait(&stop, &number) == 0 && number == SIGTERM ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void the_stores_thread_takes_no_signal(void **state)
{
    pid_t pid = process_fork(stop_behind_the_engine, *state, STDERR_FILENO);
    int status = -1;

    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
}

/* ---- Versions ---- */

static const char *const steps[] = {
    "CREATE TABLE prices (cents INTEGER NOT NULL)",
    ("CREATE TABLE amounts (cents INTEGER, currency TEXT) STRICT;"
     "INSERT INTO amounts SELECT cents, 'EUR' FROM prices; DROP TABLE prices"),
    "CREATE INDEX by_currency ON amounts (currency)",
};
static const char *const bad_steps[] = {
    "CREATE TABLE prices (cents INTEGER NOT NULL)",
    "CREATE TABLE amounts (cents INTEGER); INSERT INTO amounts SELECT cents FROM prices;"
    "DROP TABLE prices; INSERT INTO nowhere VALUES (1)",
};

static const struct sqlite_db_schema first = {steps, 1}, third = {steps, 3}, bad = {bad_steps, 2};

/* Makes a file of the first version with two prices in it. */
static void first_make(const char *path)
{
    struct sqlite_db db;

    open_well(path, &first, &db);
    assert_int_equal(
        sqlite3_exec(db.handle, "INSERT INTO prices VALUES (100), (250)", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite_db_close(&db);
}

static void a_new_file_goes_through_every_step(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    open_well(sqlite->path, &third, &db);
    assert_answer(db.handle, "PRAGMA user_version", "3");
    assert_answer(db.handle, "PRAGMA application_id", "1146307412"); /* "DSCT" */
    assert_answer(db.handle, "SELECT group_concat(name) FROM sqlite_schema", "amounts,by_currency");
    sqlite_db_close(&db);
}

static void an_older_file_keeps_its_data(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    first_make(sqlite->path);
    open_well(sqlite->path, &third, &db);
    assert_answer(db.handle, "PRAGMA user_version", "3");
    assert_answer(db.handle, "SELECT group_concat(cents || currency) FROM amounts",
                  "100EUR,250EUR");
    sqlite_db_close(&db);
    /* A file that has been migrated is not changed again. */
    open_well(sqlite->path, &third, &db);
    assert_answer(db.handle, "SELECT count(*) FROM amounts", "2");
    sqlite_db_close(&db);
}

static void a_step_that_fails_leaves_everything_as_it_was(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    first_make(sqlite->path);
    assert_refused_and_unchanged(sqlite->path, &bad, "no such table: nowhere");
    open_well(sqlite->path, &first, &db);
    assert_answer(db.handle, "PRAGMA user_version", "1");
    assert_answer(db.handle, "SELECT group_concat(name) FROM sqlite_schema", "prices");
    assert_answer(db.handle, "SELECT sum(cents) FROM prices", "350");
    sqlite_db_close(&db);
}

static void a_new_file_whose_step_fails_is_as_good_as_new(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    assert_refused(sqlite->path, DB_MAY_BE_NEW, &bad, "no such table: nowhere");
    open_well(sqlite->path, &third, &db);
    assert_answer(db.handle, "SELECT count(*) FROM amounts", "0");
    sqlite_db_close(&db);
}

static void a_step_without_room_leaves_everything_as_it_was(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    first_make(sqlite->path);
    fault_vfs_fill();
    assert_refused_and_unchanged(sqlite->path, &third, "full");
    fault_vfs_mend();
    open_well(sqlite->path, &third, &db);
    assert_answer(db.handle, "SELECT count(*) FROM amounts", "2");
    sqlite_db_close(&db);
}

static void an_older_file_that_is_only_looked_at_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct bytes before, after;

    first_make(sqlite->path);
    before = bytes_of(sqlite->path);
    assert_refused(sqlite->path, DB_MUST_EXIST, &third, "was written by an earlier version");
    after = bytes_of(sqlite->path);
    assert_int_equal(after.n, before.n);
    assert_memory_equal(after.p, before.p, before.n);
    free(before.p);
    free(after.p);
}

static void a_later_file_is_refused(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    open_well(sqlite->path, &third, &db);
    sqlite_db_close(&db);
    assert_refused_and_unchanged(sqlite->path, &first, "was written by a later version");
}

static void the_connection_is_as_durable_as_it_can_be(void **state)
{
    struct sqlite_fixture *sqlite = *state;
    struct sqlite_db db;

    open_well(sqlite->path, &sqlite_db_schema, &db);
    assert_answer(db.handle, "PRAGMA journal_mode", "wal");
    assert_answer(db.handle, "PRAGMA synchronous", "2");
    assert_answer(db.handle, "PRAGMA locking_mode", "exclusive");
    assert_answer(db.handle, "PRAGMA foreign_keys", "1");
    assert_answer(db.handle, "PRAGMA wal_autocheckpoint", "0");
    assert_answer(db.handle, "PRAGMA user_version", "1");
    sqlite_db_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_database_of_somebody_else_is_refused),
        SQLITE_TEST(a_text_file_is_refused),
        SQLITE_TEST(what_is_no_file_is_refused),
        SQLITE_TEST(a_file_in_a_directory_that_is_not_there_is_refused),
        SQLITE_TEST(a_file_that_cannot_be_written_is_refused),
        SQLITE_TEST(a_file_that_must_be_there_is_not_made),
        SQLITE_TEST(a_file_that_must_be_there_is_not_empty),
        SQLITE_TEST(an_empty_file_of_another_encoding_is_refused),
        SQLITE_TEST(a_damaged_file_is_refused),
        SQLITE_TEST(an_empty_file_is_a_new_one),
        SQLITE_TEST(a_file_that_is_open_is_refused_and_whoever_has_it_goes_on),
        SQLITE_TEST(of_two_who_open_a_file_at_once_one_gets_it),
        SQLITE_TEST(whoever_waits_for_a_file_gives_up_in_the_end),
        SQLITE_TEST(a_url_that_is_none_is_refused),
        SQLITE_TEST(a_second_engine_in_one_process_does_not_start),
        SQLITE_TEST(the_stores_thread_takes_no_signal),
        SQLITE_TEST(a_new_file_goes_through_every_step),
        SQLITE_TEST(an_older_file_keeps_its_data),
        SQLITE_TEST(a_step_that_fails_leaves_everything_as_it_was),
        SQLITE_TEST(a_new_file_whose_step_fails_is_as_good_as_new),
        SQLITE_TEST(a_step_without_room_leaves_everything_as_it_was),
        SQLITE_TEST(an_older_file_that_is_only_looked_at_is_refused),
        SQLITE_TEST(a_later_file_is_refused),
        SQLITE_TEST(the_connection_is_as_durable_as_it_can_be),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("sqlite open", tests, NULL, NULL);
}
