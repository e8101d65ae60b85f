/* SPDX-License-Identifier: MIT */
/* Another process takes a file of a store away while it is served: the log or the database, in each
 * way that there is. Nothing more is answered, the process ends, and a service that starts on the
 * rescued copy has every grant that was answered. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/service.h"
#include "support/command.h"

#define HELD 40
#define NAME "discount.db"

/* ---- Taking ---- */

static void path_of(const struct service *service, const char *name, char ret_path[128])
{
    snprintf(ret_path, 128, "%s/%s", service->directory.path, name);
}

static void file_remove(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void file_rename(const char *path)
{
    char other[160];

    snprintf(other, sizeof(other), "%s.away", path);
    assert_int_equal(rename(path, other), 0);
}

/* Writes words of no database, `size` bytes of them. */
static void file_fill(const char *path, off_t size)
{
    static const char words[] = "not what was here before; ";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    for (off_t done = 0; done < size; done += (off_t)sizeof(words)) {
        assert_int_equal(write(fd, words, sizeof(words)), sizeof(words));
    }
    close(fd);
}

static off_t file_size(const char *path)
{
    struct stat about;

    assert_int_equal(stat(path, &about), 0);
    return about.st_size;
}

static void file_replace(const char *path)
{
    char other[160];

    snprintf(other, sizeof(other), "%s.new", path);
    file_fill(other, file_size(path) + 4096);
    assert_int_equal(rename(other, path), 0);
}

static void file_empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void file_halve(const char *path)
{
    assert_int_equal(truncate(path, file_size(path) / 2), 0);
}

/* As cp does it: the file stays the same, and what is in it does not. */
static void file_overwrite(const char *path)
{
    file_fill(path, file_size(path) + 4096);
}

static const struct take {
    const char *name, *ending;
    void (*take)(const char *path);
    const char *change; /* what the log says of it */
    bool is_whole;      /* all that was answered can be rescued */
} takes[] = {
    {"log removed", "-wal", file_remove, "was removed or renamed", true},
    {"log renamed", "-wal", file_rename, "was removed or renamed", true},
    {"log replaced", "-wal", file_replace, "was replaced by another file", true},
    {"log emptied", "-wal", file_empty, "was cut off", true},
    {"log halved", "-wal", file_halve, "was cut off", true},
    {"log overwritten", "-wal", file_overwrite, "was overwritten", false},
    {"database removed", "", file_remove, "was removed or renamed", true},
    {"database renamed", "", file_rename, "was removed or renamed", true},
    {"database replaced", "", file_replace, "was replaced by another file", true},
    {"database emptied", "", file_empty, "was cut off", false},
    {"database halved", "", file_halve, "was cut off", false},
    {"database overwritten", "", file_overwrite, "was overwritten", false},
};

#define TAKES (sizeof(takes) / sizeof(takes[0]))

/* ---- What comes of it ---- */

/* HELD grants to "user 0" and the next; then one file is taken. */
static void serve_and_take(struct service *service, const struct take *at, char ret_id[SERVICE_ID])
{
    char path[128];

    service_start(service, NULL);
    service_create(service, 100000, ret_id);
    for (int i = 0; i < HELD; i++) {
        char user[24];

        snprintf(user, sizeof(user), "user %d", i);
        assert_int_equal(service_grant(service, ret_id, user), 201);
    }
    path_of(service, NAME, path);
    strcat(path, at->ending);
    at->take(path);
}

static void assert_unanswered(const struct service *service, const char *name, const char *method,
                              const char *target, const char *body)
{
    struct http_response response;

    if (http_request(service->port, method, target, NULL, body, &response)) {
        fail_msg("%s: %s %s was answered %d", name, method, target, response.status);
    }
}

/* The name of the copy that lies beside the file; false when there is none. */
static bool rescued_find(const struct service *service, char ret_name[64])
{
    DIR *entries = opendir(service->directory.path);
    const struct dirent *entry;
    bool is_found = false;

    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL) {
        size_t n = strlen(entry->d_name);

        if (strncmp(entry->d_name, NAME "-rescued-", strlen(NAME "-rescued-")) == 0 &&
            entry->d_name[n - 1] == 'Z') {
            is_found = true;
            snprintf(ret_name, 64, "%.63s", entry->d_name);
        }
    }
    closedir(entries);
    return is_found;
}

/* It ends with 1, and its last line says what happened, where the copy is and what to do. */
static void assert_rescued(struct service *service, const struct take *at, char ret_name[64])
{
    struct stat about;
    char path[128];
    int status = 0;

    assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_FAILURE ||
        strstr(discountd_log(service->daemon), at->change) == NULL) {
        fail_msg("%s: it ended with %x; its log:\n%s", at->name, (unsigned)status,
                 discountd_log(service->daemon));
    }
    if (!rescued_find(service, ret_name)) {
        fail_msg("%s: there is no rescued copy; the log:\n%s", at->name,
                 discountd_log(service->daemon));
    }
    assert_non_null(strstr(discountd_log(service->daemon), ret_name));
    assert_non_null(strstr(discountd_log(service->daemon),
                           at->is_whole ? "start on that file" : "run verify on it"));
    discountd_stop(service->daemon);
    service->daemon = NULL;
    path_of(service, ret_name, path);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

/* Nobody serves what is left there before a person has decided. */
static void assert_original_refused(const struct service *service, const char *name)
{
    struct discountd *daemon = discountd_launch((const char *[]){service->store, NULL});
    int status = 0;

    if (!discountd_wait_exit(daemon, CLOCK_PATIENCE_MS, &status) || !WIFEXITED(status) ||
        WEXITSTATUS(status) != EXIT_FAILURE || strstr(discountd_log(daemon), "-rescued-") == NULL) {
        fail_msg("%s: a service started on what was left; its log:\n%s", name,
                 discountd_log(daemon));
    }
    discountd_stop(daemon);
}

static int verify(const struct service *service)
{
    char output[COMMAND_OUTPUT];

    return command_run((const char *[]){"verify", NULL}, (const char *[]){service->store, NULL},
                       output);
}

static void assert_all_held(const struct service *service, const char *name, const char *id)
{
    for (int i = 0; i < HELD; i++) {
        char user[24];
        int status;

        snprintf(user, sizeof(user), "user %d", i);
        status = service_grant(service, id, user);
        if (status != 200) {
            fail_msg("%s: %s was granted before, and now the answer is %d", name, user, status);
        }
    }
}

/* The store is the rescued copy from now on. */
static void service_restore(struct service *service, const char *name)
{
    snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=sqlite:%s/%s",
             service->directory.path, name);
}

static void assert_restored(struct service *service, const struct take *at, const char *id,
                            const char *rescued)
{
    assert_original_refused(service, at->name);
    service_restore(service, rescued);
    if (at->is_whole) {
        assert_int_equal(verify(service), 0);
    }
    service_launch(service, NULL);
    assert_all_held(service, at->name, id);
    service_stop(service);
}

/* ---- Noticed by a write, a read or a health check ---- */

static void a_write_notices_it_and_every_grant_is_in_the_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAKES; i++) {
        struct service service;
        char id[SERVICE_ID], target[64], rescued[64];

        serve_and_take(&service, &takes[i], id);
        snprintf(target, sizeof(target), "/discount/%s/grant", id);
        assert_unanswered(&service, takes[i].name, "POST", target, "{\"user_id\":\"late\"}");
        assert_rescued(&service, &takes[i], rescued);
        assert_restored(&service, &takes[i], id, rescued);
    }
}

/* Nobody asks anything of the store but whoever looks after it. */
static void a_health_check_notices_it_and_every_grant_is_in_the_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAKES; i++) {
        struct service service;
        char id[SERVICE_ID], rescued[64];

        serve_and_take(&service, &takes[i], id);
        assert_unanswered(&service, takes[i].name, "GET", "/readyz", NULL);
        assert_rescued(&service, &takes[i], rescued);
        assert_restored(&service, &takes[i], id, rescued);
    }
}

static void a_read_of_what_was_taken_is_not_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAKES; i++) {
        struct service service;
        char id[SERVICE_ID], target[64], rescued[64];

        serve_and_take(&service, &takes[i], id);
        snprintf(target, sizeof(target), "/discount/%s", id);
        assert_unanswered(&service, takes[i].name, "GET", target, NULL);
        assert_rescued(&service, &takes[i], rescued);
        service_end(&service);
    }
}

/* It was stopped before anybody asked: the log goes into no file that is not its own. */
static void a_stop_notices_it_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAKES; i++) {
        struct service service;
        char id[SERVICE_ID], rescued[64];

        serve_and_take(&service, &takes[i], id);
        discountd_signal(service.daemon, SIGTERM);
        assert_rescued(&service, &takes[i], rescued);
        assert_restored(&service, &takes[i], id, rescued);
    }
}

static void no_backup_is_made_of_what_was_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAKES; i++) {
        struct service service;
        char id[SERVICE_ID], copy[128], output[COMMAND_OUTPUT], rescued[64];

        serve_and_take(&service, &takes[i], id);
        path_of(&service, "copy.db", copy);
        assert_int_equal(command_run((const char *[]){"backup", copy, NULL},
                                     (const char *[]){service.store, NULL}, output),
                         1);
        assert_rescued(&service, &takes[i], rescued);
        service_end(&service);
    }
}

/* ---- Under load ---- */

/* A client that asks for one grant after another until it gets no answer. */
struct client {
    pthread_t thread;
    const struct service *service;
    const char *id;
    int number;
    atomic_int granted;
};

static void user_of(const struct client *client, int i, char ret_user[32])
{
    snprintf(ret_user, 32, "client %d user %d", client->number, i);
}

static void *client_run(void *argument)
{
    struct client *client = argument;
    struct http_response response;
    char user[32], target[64], body[64];
    bool is_answered = true;

    snprintf(target, sizeof(target), "/discount/%s/grant", client->id);
    while (is_answered) {
        user_of(client, atomic_load(&client->granted), user);
        snprintf(body, sizeof(body), "{\"user_id\":\"%s\"}", user);
        is_answered = http_request(client->service->port, "POST", target, NULL, body, &response) &&
                      response.status == 201;
        if (is_answered) {
            http_response_fini(&response);
            atomic_fetch_add(&client->granted, 1);
        }
    }
    return NULL;
}

enum { CLIENTS = 4 };

static bool have_begun(void *argument)
{
    struct client *clients = argument;
    int granted = 0;

    for (int i = 0; i < CLIENTS; i++) {
        granted += atomic_load(&clients[i].granted);
    }
    return granted >= 100;
}

static void assert_clients_held(const struct service *service, const char *name,
                                const struct client *clients)
{
    for (int i = 0; i < CLIENTS; i++) {
        for (int k = 0; k < atomic_load(&clients[i].granted); k++) {
            char user[32];
            int status;

            user_of(&clients[i], k, user);
            status = service_grant(service, clients[i].id, user);
            if (status != 200) {
                fail_msg("%s: %s was granted before, and now the answer is %d", name, user, status);
            }
        }
    }
}

/* In the midst of commits; only what is promised to be whole. */
static void take_under_load(const struct take *at)
{
    struct client clients[CLIENTS] = {0};
    struct service service;
    char id[SERVICE_ID], path[128], rescued[64];

    service_start(&service, NULL);
    service_create(&service, 1000000, id);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.service = &service, .id = id, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]), 0);
    }
    assert_true(clock_wait(have_begun, clients, CLOCK_PATIENCE_MS));
    path_of(&service, NAME, path);
    strcat(path, at->ending);
    at->take(path);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    }
    assert_rescued(&service, at, rescued);
    service_restore(&service, rescued);
    assert_int_equal(verify(&service), 0);
    service_launch(&service, NULL);
    assert_clients_held(&service, at->name, clients);
    service_stop(&service);
}

static void in_the_midst_of_commits_every_answered_grant_is_in_the_copy(void **state)
{
    (void)state;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < TAKES; i++) {
            if (takes[i].is_whole) {
                take_under_load(&takes[i]);
            }
        }
    }
}

/* ---- What nobody has any more ---- */

enum { MANY = 9000 };

/* How many discounts of service_fill answer with this status. */
static int count_of(const struct service *service, int status)
{
    int found = 0;

    for (int i = 1; i <= MANY; i += 50) {
        char target[64];

        snprintf(target, sizeof(target), "/discount/dsc-%021dA", i);
        found += service_status(service, "GET", target, NULL, NULL) == status;
    }
    return found;
}

/* A service with many discounts, of which SQLite has few pages in memory, loses half of its file.
 */
static void serve_many_and_halve(struct service *service, bool has_log)
{
    static const struct take halved = {"large database halved", "", file_halve, "was cut off",
                                       false};
    char id[SERVICE_ID], path[128], rescued[64];

    service_prepare(service);
    service_fill(service, MANY);
    service_launch(service, NULL);
    if (has_log) {
        service_create(service, 1, id);
    }
    path_of(service, NAME, path);
    file_halve(path);
    assert_unanswered(service, halved.name, "GET", "/readyz", NULL);
    assert_rescued(service, &halved, rescued);
    service_restore(service, rescued);
    assert_int_equal(verify(service), 1);
}

static void what_was_cut_off_is_called_damaged_and_never_absent(void **state)
{
    struct service service;

    (void)state;
    serve_many_and_halve(&service, true);
    service_launch(&service, NULL);
    assert_true(count_of(&service, 500) > 0);
    assert_int_equal(count_of(&service, 404), 0);
    service_stop(&service);
}

static void nobody_starts_on_half_a_database(void **state)
{
    struct service service;
    int status = 0;

    (void)state;
    serve_many_and_halve(&service, false);
    service.daemon = discountd_launch((const char *[]){service.store, NULL});
    assert_true(discountd_wait_exit(service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, EXIT_FAILURE << 8);
    assert_non_null(strstr(discountd_log(service.daemon), "malformed"));
    service_end(&service);
}

/* ---- What is not taken ---- */

static void who_only_looks_at_the_files_or_touches_them_changes_nothing(void **state)
{
    static const char *const names[] = {NAME, NAME "-wal"};
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 10, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    for (size_t i = 0; i < 2; i++) {
        char path[128], byte;
        int fd;

        path_of(&service, names[i], path);
        assert_int_equal(utimensat(AT_FDCWD, path, NULL, 0), 0);
        assert_int_equal(chmod(path, 0640), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, &byte, 1), 1);
        close(fd);
        assert_int_equal(service_status(&service, "GET", "/readyz", NULL, NULL), 200);
    }
    assert_int_equal(service_grant(&service, id, "ben"), 201);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_notices_it_and_every_grant_is_in_the_copy),
        cmocka_unit_test(a_health_check_notices_it_and_every_grant_is_in_the_copy),
        cmocka_unit_test(a_read_of_what_was_taken_is_not_answered),
        cmocka_unit_test(a_stop_notices_it_too),
        cmocka_unit_test(no_backup_is_made_of_what_was_taken),
        cmocka_unit_test(in_the_midst_of_commits_every_answered_grant_is_in_the_copy),
        cmocka_unit_test(what_was_cut_off_is_called_damaged_and_never_absent),
        cmocka_unit_test(nobody_starts_on_half_a_database),
        cmocka_unit_test(who_only_looks_at_the_files_or_touches_them_changes_nothing),
    };

    return cmocka_run_group_tests_name("taken", tests, NULL, NULL);
}
