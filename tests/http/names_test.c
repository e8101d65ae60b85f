/* SPDX-License-Identifier: MIT */
/* The names around the file of a store: a service starts on none that belongs to another store, and
 * takes none that another store has. Each refusal is one line, and nothing is changed. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/service.h"
#include "support/command.h"

static void path_of(const struct service *service, const char *name, char ret_path[128])
{
    snprintf(ret_path, 128, "%s/%s", service->directory.path, name);
}

static bool exists(const struct service *service, const char *name)
{
    char path[128];
    struct stat about;

    path_of(service, name, path);
    return lstat(path, &about) == 0;
}

/* The store is this file of the directory from now on. */
static void use(struct service *service, const char *name)
{
    snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=sqlite:%s/%s",
             service->directory.path, name);
}

/* A service does not start, and its one line says this. */
static void assert_refused(const struct service *service, const char *why)
{
    struct discountd *daemon = discountd_launch((const char *[]){service->store, NULL});
    const char *log, *newline;
    int status = 0;

    if (!discountd_wait_exit(daemon, CLOCK_PATIENCE_MS, &status)) {
        fail_msg("%s: it serves; its log:\n%s", service->store, discountd_log(daemon));
    }
    log = discountd_log(daemon);
    newline = strchr(log, '\n');
    if (status != EXIT_FAILURE << 8 || strstr(log, why) == NULL || newline == NULL ||
        newline[1] != '\0') {
        fail_msg("%s: it ended with %x, not with one line that says \"%s\":\n%s", service->store,
                 (unsigned)status, why, log);
    }
    discountd_stop(daemon);
}

/* A store of one discount and one grant, which nobody serves. */
static void store_make(struct service *service, const char *name, char ret_id[SERVICE_ID])
{
    int status = 0;

    use(service, name);
    service_launch(service, NULL);
    service_create(service, 10, ret_id);
    assert_int_equal(service_grant(service, ret_id, "ann"), 201);
    discountd_signal(service->daemon, SIGTERM);
    assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
    discountd_stop(service->daemon);
    service->daemon = NULL;
}

/* The same under a name that no service takes today. */
static void store_make_named(struct service *service, const char *name, char ret_id[SERVICE_ID])
{
    char from[128], to[128];

    store_make(service, "made.db", ret_id);
    path_of(service, "made.db", from);
    path_of(service, name, to);
    assert_int_equal(rename(from, to), 0);
}

/* A second store, called "shop", beside that one, which has another name meanwhile. */
static void store_make_beside(struct service *service, const char *name)
{
    char id[SERVICE_ID], path[128], away[128];

    path_of(service, name, path);
    path_of(service, "away.db", away);
    assert_int_equal(rename(path, away), 0);
    store_make(service, "shop", id);
    assert_int_equal(rename(away, path), 0);
}

static void assert_whole(struct service *service, const char *name)
{
    char output[COMMAND_OUTPUT];

    use(service, name);
    if (command_run((const char *[]){"verify", NULL}, (const char *[]){service->store, NULL},
                    output) != 0 ||
        strstr(output, "1 discount, 1 grant: no findings") == NULL) {
        fail_msg("%s is not as it was: %s", name, output);
    }
}

static const char *const endings[] = {"-partial", "-wal", "-shm", "-journal", "-control"};

#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static void a_store_has_no_name_of_another_ones_files(void **state)
{
    struct service service;
    char name[64];

    (void)state;
    service_prepare(&service);
    for (size_t i = 0; i < ENDINGS; i++) {
        snprintf(name, sizeof(name), "shop%s", endings[i]);
        use(&service, name);
        assert_refused(&service, endings[i]);
        assert_false(exists(&service, name));
    }
    service_end(&service);
}

static void nor_by_a_link_or_a_relative_path(void **state)
{
    struct service service;
    char name[64], path[128], id[SERVICE_ID];

    (void)state;
    service_prepare(&service);
    store_make(&service, "plain.db", id);
    assert_int_equal(chdir(service.directory.path), 0);
    for (size_t i = 0; i < ENDINGS; i++) {
        /* A link to such a name, which is not there; and a link of such a name. */
        snprintf(name, sizeof(name), "shop%s", endings[i]);
        path_of(&service, "link.db", path);
        assert_int_equal(symlink(name, path), 0);
        use(&service, "link.db");
        assert_refused(&service, endings[i]);
        assert_int_equal(unlink(path), 0);
        path_of(&service, name, path);
        assert_int_equal(symlink("plain.db", path), 0);
        use(&service, name);
        assert_refused(&service, endings[i]);
        snprintf(service.store, sizeof(service.store), "DISCOUNT_STORE=sqlite:%s", name);
        assert_refused(&service, endings[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(chdir("/"), 0);
    assert_whole(&service, "plain.db");
    service_end(&service);
}

/* SQLite would write over the one and remove the other. */
static void a_service_takes_no_name_that_another_store_has(void **state)
{
    static const char *const names[] = {"shop-wal", "shop-journal"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct service service;
        char id[SERVICE_ID], output[COMMAND_OUTPUT];

        service_prepare(&service);
        store_make_named(&service, names[i], id);
        use(&service, "shop");
        assert_refused(&service, "is a database");
        assert_false(exists(&service, "shop"));
        assert_whole(&service, names[i]);
        /* Nor does a command that only looks. */
        store_make_beside(&service, names[i]);
        use(&service, "shop");
        assert_int_equal(command_run((const char *[]){"verify", NULL},
                                     (const char *[]){service.store, NULL}, output),
                         2);
        assert_non_null(strstr(output, "is a database"));
        assert_whole(&service, names[i]);
        service_end(&service);
    }
}

/* The file was moved without its log, which has answered grants. SQLite would make a new file and
 * remove the log. */
static void a_log_without_its_database_is_kept(void **state)
{
    struct service service;
    char id[SERVICE_ID], path[128], away[128];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 10, id);
    assert_int_equal(service_grant(&service, id, "ann"), 201);
    discountd_signal(service.daemon, SIGKILL);
    discountd_stop(service.daemon);
    path_of(&service, "discount.db", path);
    path_of(&service, "away.db", away);
    assert_int_equal(rename(path, away), 0);
    assert_refused(&service, "its log");
    assert_false(exists(&service, "discount.db"));
    assert_int_equal(rename(away, path), 0);
    service_launch(&service, NULL);
    assert_int_equal(service_grant(&service, id, "ann"), 200);
    service_stop(&service);
}

/* A copy that was rescued is a store like others, once it is where it should be. */
static void a_rescued_copy_is_a_store_and_waits_for_a_decision(void **state)
{
    static const char rescued[] = "discount.db-rescued-20261201T024500Z";
    struct service service;
    char id[SERVICE_ID], from[128], to[128];

    (void)state;
    service_prepare(&service);
    store_make(&service, "discount.db", id);
    path_of(&service, "discount.db", from);
    path_of(&service, rescued, to);
    assert_int_equal(rename(from, to), 0);
    assert_refused(&service, rescued);
    assert_false(exists(&service, "discount.db"));
    use(&service, rescued);
    service_launch(&service, NULL);
    assert_int_equal(service_grant(&service, id, "ann"), 200);
    discountd_signal(service.daemon, SIGTERM);
    assert_true(discountd_wait_exit(service.daemon, CLOCK_PATIENCE_MS, &(int){0}));
    discountd_stop(service.daemon);
    assert_int_equal(rename(to, from), 0);
    use(&service, "discount.db");
    service_launch(&service, NULL);
    assert_int_equal(service_grant(&service, id, "ann"), 200);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_has_no_name_of_another_ones_files),
        cmocka_unit_test(nor_by_a_link_or_a_relative_path),
        cmocka_unit_test(a_service_takes_no_name_that_another_store_has),
        cmocka_unit_test(a_log_without_its_database_is_kept),
        cmocka_unit_test(a_rescued_copy_is_a_store_and_waits_for_a_decision),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
