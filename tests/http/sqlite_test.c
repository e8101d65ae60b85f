/* SPDX-License-Identifier: MIT */
/* What an operator and clients see of a SQLite file that is in use, not ours, or on a full disk. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/service.h"
#include "support/need.h"

/* ---- Grants ---- */

/* Grants to "user 0" and the following users. */
static void grant_first(const struct service *service, const char *id, int count)
{
    for (int i = 0; i < count; i++) {
        char user[24];

        snprintf(user, sizeof(user), "user %d", i);
        assert_int_equal(service_grant(service, id, user), 201);
    }
}

static void assert_grant_count(const struct service *service, const char *id, int count)
{
    struct http_response response;
    char target[64], text[64];

    snprintf(target, sizeof(target), "/discount/%s", id);
    snprintf(text, sizeof(text), "\"granted_count\":%d,", count);
    response = service_request(service, "GET", target, NULL, NULL);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(response.body, text));
    http_response_fini(&response);
}

static void assert_first_hold(const struct service *service, const char *id, int count)
{
    for (int i = 0; i < count; i++) {
        char user[24];

        snprintf(user, sizeof(user), "user %d", i);
        assert_int_equal(service_grant(service, id, user), 200);
    }
}

/* ---- A second process ---- */

static size_t lines_of(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* Starts discountd on this store. It must fail with one line that says this. */
static void assert_refused(const char *store, const char *why)
{
    struct discountd *daemon = discountd_launch((const char *[]){store, NULL});
    int status = 0;

    assert_true(discountd_wait_exit(daemon, CLOCK_PATIENCE_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    assert_int_equal(lines_of(discountd_log(daemon)), 1);
    assert_non_null(strstr(discountd_log(daemon), why));
    discountd_stop(daemon);
}

static void a_second_process_on_a_file_is_told_so_and_the_first_is_unharmed(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 10, id);
    assert_int_equal(service_grant(&service, id, "before"), 201);
    for (int i = 0; i < 3; i++) {
        assert_refused(service.store, "/discount.db is in use by another process");
    }
    assert_int_equal(service_grant(&service, id, "before"), 200);
    assert_int_equal(service_grant(&service, id, "after"), 201);
    assert_int_equal(service_status(&service, "GET", "/healthy", NULL, NULL), 200);

    discountd_signal(service.daemon, SIGKILL);
    discountd_stop(service.daemon);
    service_launch(&service, NULL);
    assert_int_equal(service_grant(&service, id, "before"), 200);
    assert_int_equal(service_grant(&service, id, "after"), 200);
    service_stop(&service);
}

/* ---- A file that has been moved ---- */

#define HELD 50

/* Starts a service with HELD grants, "user 0" and so on, and then renames its file. */
static void serve_and_move(struct service *service, char ret_id[SERVICE_ID], char ret_moved[64])
{
    char path[64];

    service_start(service, NULL);
    service_create(service, 1000, ret_id);
    grant_first(service, ret_id, HELD);
    snprintf(path, sizeof(path), "%s/discount.db", service->directory.path);
    snprintf(ret_moved, 64, "%s/moved.db", service->directory.path);
    assert_int_equal(rename(path, ret_moved), 0);
}

/* Its last line says so, and its log must not be left for another file. */
static void assert_stopped(struct service *service)
{
    char log[80];
    struct stat about;
    int status = 0;

    assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
    assert_non_null(strstr(discountd_log(service->daemon), "was removed or renamed"));
    discountd_stop(service->daemon);
    service->daemon = NULL;
    snprintf(log, sizeof(log), "%s/discount.db-wal", service->directory.path);
    assert_true(stat(log, &about) != 0 || about.st_size == 0);
}

/* Sends a request that must get no answer. */
static void assert_unanswered(const struct service *service, const char *method, const char *target,
                              const char *body)
{
    struct http_response response;

    if (http_request(service->port, method, target, NULL, body, &response)) {
        fail_msg("it was answered %d", response.status);
    }
}

static void nothing_is_answered_that_goes_into_a_file_that_was_moved(void **state)
{
    struct service service;
    char id[SERVICE_ID], moved[64], target[64];

    (void)state;
    serve_and_move(&service, id, moved);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    assert_unanswered(&service, "POST", target, "{\"user_id\":\"late\"}");
    assert_stopped(&service);

    /* Everything answered moved with the file. The unanswered request may be there too. */
    snprintf(service.store, sizeof(service.store), "DISCOUNT_STORE=sqlite:%s", moved);
    service_launch(&service, NULL);
    assert_first_hold(&service, id, HELD);
    service_stop(&service);
}

/* No lock shows it: another file, or none, is at that path now. */
static void while_a_process_serves_nobody_starts_on_what_is_in_its_place(void **state)
{
    struct service service;
    char id[SERVICE_ID], moved[64], path[64];

    (void)state;
    serve_and_move(&service, id, moved);
    assert_refused(service.store, "/discount.db is in use by another process");
    snprintf(path, sizeof(path), "%s/discount.db", service.directory.path);
    assert_int_equal(access(path, F_OK), -1);
    service_end(&service);
}

static void readiness_finds_that_the_file_was_moved(void **state)
{
    struct service service;
    char id[SERVICE_ID], moved[64];

    (void)state;
    serve_and_move(&service, id, moved);
    assert_unanswered(&service, "GET", "/readyz", NULL);
    assert_stopped(&service);
    service_end(&service);
}

/* The service was stopped before it was asked anything. It must not write to the file that replaced
 * its own. */
static void a_service_whose_file_was_moved_leaves_no_log_in_its_place(void **state)
{
    struct service service;
    char id[SERVICE_ID], moved[64];

    (void)state;
    serve_and_move(&service, id, moved);
    discountd_signal(service.daemon, SIGTERM);
    assert_stopped(&service);
    assert_refused(service.store, "-rescued-");
    snprintf(service.store, sizeof(service.store), "DISCOUNT_STORE=sqlite:%s", moved);
    service_launch(&service, NULL);
    assert_grant_count(&service, id, HELD);
    service_stop(&service);
}

static void a_file_that_is_not_ours_is_refused_in_one_line(void **state)
{
    struct directory directory;
    char path[64], store[96];
    FILE *file;

    (void)state;
    directory_make(&directory);
    snprintf(path, sizeof(path), "%s/notes.txt", directory.path);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=sqlite:%s", path);
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fprintf(file, "this is not a database, line %d\n", i);
    }
    assert_int_equal(fclose(file), 0);
    assert_refused(store, "/notes.txt is not a database of this service");
    directory_remove(&directory);
}

/* ---- A disk that loses what was written ---- */

static void write_flag(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void a_failed_sync_stops_the_process_and_the_next_start_decides(void **state)
{
    char preload[PATH_MAX], flag[64], name[96], target[64];
    const char *library = getenv("FAILING_SYNC_LIBRARY");
    const char *variables[] = {preload, name, "ASAN_OPTIONS=verify_asan_link_order=0", NULL};
    struct service service;
    char id[SERVICE_ID];
    int status = 0;

    (void)state;
    assert_non_null(library);
    service_prepare(&service);
    snprintf(flag, sizeof(flag), "%s/fail", service.directory.path);
    snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", library);
    snprintf(name, sizeof(name), "FAILING_SYNC=%s", flag);
    service_launch(&service, variables);
    service_create(&service, 1000, id);
    grant_first(&service, id, HELD);

    write_flag(flag);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    assert_unanswered(&service, "POST", target, "{\"user_id\":\"in doubt\"}");
    assert_true(discountd_wait_exit(service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, EXIT_FAILURE << 8);
    assert_non_null(strstr(discountd_log(service.daemon), "it is not known what is on the disk"));
    discountd_stop(service.daemon);

    assert_int_equal(unlink(flag), 0);
    service_launch(&service, variables);
    status = service_grant(&service, id, "in doubt");
    assert_true(status == 200 || status == 201);
    assert_grant_count(&service, id, HELD + 1);
    assert_first_hold(&service, id, HELD);
    service_stop(&service);
}

/* The store is the copy that the log names, from now on. */
static void rescued_use(struct service *service)
{
    const char *name = strstr(discountd_log(service->daemon), "All that was answered is in ");

    assert_non_null(name);
    name = strstr(name, "discount.db-rescued-");
    assert_non_null(name);
    snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=sqlite:%s/%.*s",
             service->directory.path, (int)strlen("discount.db-rescued-20261201T024500Z"), name);
    discountd_stop(service->daemon);
}

/* ---- A full disk ---- */

#define BALLAST "ballast"

/* Mounts a small file system over the service's directory. Only this process and its children see
 * it, and it ends with them. */
static void small_disk_mount(const struct service *service)
{
    bool is_mounted = unshare(CLONE_NEWNS) == 0 &&
                      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                      mount("tmpfs", service->directory.path, "tmpfs", 0, "size=4m") == 0;

    if (!is_mounted) {
        directory_remove(&service->directory);
    }
    need(is_mounted, "the right to mount a small file system");
}

/* Stops discountd, unmounts the file system, and cleans up. */
static void small_disk_stop(struct service *service)
{
    int status = -1;

    discountd_signal(service->daemon, SIGTERM);
    assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    assert_int_equal(umount2(service->directory.path, MNT_DETACH), 0);
    service_end(service);
}

static void ballast_path(const struct service *service, char ret_path[64])
{
    snprintf(ret_path, 64, "%s/" BALLAST, service->directory.path);
}

/* Fills all the room that is left. */
static void disk_fill(const struct service *service)
{
    static const char zeros[4096];
    char path[64];
    int fd;

    ballast_path(service, path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0) {
    }
    close(fd);
}

static void disk_make_room(const struct service *service)
{
    char path[64];

    ballast_path(service, path);
    assert_int_equal(unlink(path), 0);
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;

    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

/* Grants to new users until there is no more room. Returns how many were granted. */
static int grant_until_refused(const struct service *service, const char *id)
{
    for (int i = 0;; i++) {
        struct http_response response;
        char target[64], body[64];
        int status;

        snprintf(target, sizeof(target), "/discount/%s/grant", id);
        snprintf(body, sizeof(body), "{\"user_id\":\"user %d\"}", i);
        response = service_request(service, "POST", target, NULL, body);
        status = response.status;
        if (status != 201 && status != 200) {
            service_assert_problem(&response, 503, "store-unavailable");
            assert_non_null(strstr(response.body, "\"granted\":false"));
        }
        http_response_fini(&response);
        if (status != 201 && status != 200) {
            return i;
        }
    }
}

/* Grants until there is no room. Then writes are refused, and everything else goes on. Returns how
 * many were granted. */
static int assert_writes_stop(const struct service *service, const char *id)
{
    int count = grant_until_refused(service, id);
    struct http_response response =
        service_request(service, "POST", "/discount", NULL,
                        "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1}");

    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    assert_int_equal(service_grant(service, id, "one more"), 503);

    assert_grant_count(service, id, count);
    assert_int_equal(service_count(service), 1);
    assert_int_equal(service_status(service, "GET", "/healthy", NULL, NULL), 200);
    if (count > 0) {
        assert_int_equal(service_grant(service, id, "user 0"), 200);
    }
    return count;
}

/* There is room again: refused users are granted. The log must have reported both. */
static void assert_writes_work_again(const struct service *service, const char *id, int count)
{
    char user[24];

    snprintf(user, sizeof(user), "user %d", count);
    assert_int_equal(service_grant(service, id, user), 201);
    assert_int_equal(service_grant(service, id, "one more"), 201);
    assert_grant_count(service, id, count + 2);
    assert_int_equal(occurrences(discountd_log(service->daemon), "cannot write"), 1);
    assert_int_equal(occurrences(discountd_log(service->daemon), "writes work again"), 1);
}

/* The first thing that an operator tries, and that a machine does by itself. */
static void assert_restart_helps_nothing_and_harms_nothing(struct service *service, const char *id,
                                                           int count)
{
    static const int signals[] = {SIGTERM, SIGKILL, SIGKILL};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        int status = -1;

        discountd_signal(service->daemon, signals[i]);
        assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
        discountd_stop(service->daemon);
        disk_fill(service); /* the room that this freed is taken by others now */
        service_launch(service, NULL);
        assert_grant_count(service, id, count);
        assert_int_equal(service_grant(service, id, "one more"), 503);
        assert_int_equal(service_grant(service, id, "user 0"), 200);
    }
}

static void on_a_full_disk_writes_wait_for_room_and_everything_else_goes_on(void **state)
{
    struct service service;
    char id[SERVICE_ID];
    int count;

    (void)state;
    service_prepare(&service);
    small_disk_mount(&service);
    service_launch(&service, NULL);
    service_create(&service, 100000, id);
    grant_first(&service, id, 200); /* for these the file has no pages yet */
    disk_fill(&service);
    count = assert_writes_stop(&service, id);
    assert_restart_helps_nothing_and_harms_nothing(&service, id, count);
    disk_make_room(&service);
    assert_writes_work_again(&service, id, count);
    small_disk_stop(&service);
}

static void file_size_limit(const struct service *service, rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    assert_int_equal(prlimit(discountd_pid(service->daemon), RLIMIT_FSIZE, &limit, NULL), 0);
}

/* The log must leave the room that the file needs to absorb it. Otherwise the disk would stay full.
 * */
static void on_a_small_disk_the_log_leaves_room_for_the_file(void **state)
{
    enum { MANY = 1500 };
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_prepare(&service);
    small_disk_mount(&service);
    service_launch(&service, NULL);
    service_create(&service, 100000, id);
    grant_first(&service, id, MANY);
    assert_grant_count(&service, id, MANY);
    small_disk_stop(&service);
}

/* A limit can be reached within a file, unlike a full disk, and gives another errno. */
static void at_a_limit_on_file_sizes_it_is_the_same(void **state)
{
    struct service service;
    char id[SERVICE_ID];
    int count;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 100000, id);
    file_size_limit(&service, 300001);
    count = assert_writes_stop(&service, id);
    assert_true(count > 10);
    file_size_limit(&service, RLIM_INFINITY);
    assert_writes_work_again(&service, id, count);
    discountd_signal(service.daemon, SIGKILL);
    discountd_stop(service.daemon);
    service_launch(&service, NULL);
    assert_grant_count(&service, id, count + 2);
    service_stop(&service);
}

/* The only copy of the log is in the process, which waits until there is room for another one. */
static void what_was_taken_is_held_until_there_is_room_for_it(void **state)
{
    struct service service;
    char id[SERVICE_ID], path[64];
    int status = 0;

    (void)state;
    service_prepare(&service);
    small_disk_mount(&service);
    service_launch(&service, NULL);
    service_create(&service, 1000, id);
    grant_first(&service, id, HELD);
    disk_fill(&service);
    snprintf(path, sizeof(path), "%s/discount.db-wal", service.directory.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(service_status(&service, "GET", "/readyz", NULL, NULL), 503);
    assert_int_equal(service_grant(&service, id, "late"), 503);
    assert_true(discountd_log_wait(service.daemon, "answers stop", CLOCK_PATIENCE_MS));
    disk_make_room(&service);
    assert_true(discountd_wait_exit(service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, EXIT_FAILURE << 8);
    rescued_use(&service);
    service_launch(&service, NULL);
    assert_first_hold(&service, id, HELD);
    small_disk_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_process_on_a_file_is_told_so_and_the_first_is_unharmed),
        cmocka_unit_test(nothing_is_answered_that_goes_into_a_file_that_was_moved),
        cmocka_unit_test(while_a_process_serves_nobody_starts_on_what_is_in_its_place),
        cmocka_unit_test(readiness_finds_that_the_file_was_moved),
        cmocka_unit_test(a_service_whose_file_was_moved_leaves_no_log_in_its_place),
        cmocka_unit_test(a_file_that_is_not_ours_is_refused_in_one_line),
        cmocka_unit_test(a_failed_sync_stops_the_process_and_the_next_start_decides),
        cmocka_unit_test(on_a_full_disk_writes_wait_for_room_and_everything_else_goes_on),
        cmocka_unit_test(at_a_limit_on_file_sizes_it_is_the_same),
        cmocka_unit_test(on_a_small_disk_the_log_leaves_room_for_the_file),
        cmocka_unit_test(what_was_taken_is_held_until_there_is_room_for_it),
    };

    return cmocka_run_group_tests_name("http sqlite", tests, NULL, NULL);
}
