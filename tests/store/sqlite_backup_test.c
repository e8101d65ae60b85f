/* SPDX-License-Identifier: MIT */
/* A backup through the engine of a store that serves: step by step, given up, and one at a time. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "discount/engine.h"
#include "store/check.h"
#include "support/clock.h"
#include "support/directory.h"
#include "support/test.h"

/* Together more pages than one step copies. */
#define BALLAST 4000

struct archive {
    struct directory directory;
    struct store_engine *engine;
    struct scene scene;
    char path[64];
};

static int setup(void **state)
{
    const struct store_limits limits = {.deadline_ms = 3 * CLOCK_PATIENCE_MS, .in_flight = BALLAST};
    struct archive *archive = calloc(1, sizeof(*archive));
    const char *fault = NULL;
    char url[64];

    *state = archive;
    if (archive == NULL) {
        return -1;
    }
    directory_make(&archive->directory);
    snprintf(url, sizeof(url), "sqlite:%s/discount.db", archive->directory.path);
    snprintf(archive->path, sizeof(archive->path), "%s/copy.db", archive->directory.path);
    archive->engine = store_engine_open(url, &fault);
    if (archive->engine == NULL || !store_engine_start(archive->engine) ||
        !scene_open_ready(&archive->scene, "sqlite", archive->engine, limits)) {
        return -1;
    }
    for (size_t i = 0; i < BALLAST; i++) {
        char code[256];

        memset(code, 'c', sizeof(code));
        submit_create(&archive->scene,
                      &(struct discount){.brand_id = STR("a brand"),
                                         .discount_code = {code, sizeof(code)},
                                         .total_count = 1},
                      (struct str){0});
    }
    return scene_settle(&archive->scene) ? 0 : -1;
}

static int teardown(void **state)
{
    struct archive *archive = *state;
    const char *broken = scene_close(&archive->scene);

    store_engine_close(archive->engine);
    directory_remove(&archive->directory);
    free(archive);
    return broken == NULL ? 0 : -1;
}

static bool is_there(const char *path, const char *ending)
{
    char name[80];

    snprintf(name, sizeof(name), "%s%s", path, ending);
    return access(name, F_OK) == 0;
}

struct seen {
    uint64_t calls, last, total;
    bool went_back;
};

static bool see(void *argument, uint64_t done, uint64_t total)
{
    struct seen *seen = argument;

    seen->went_back = seen->went_back || done < seen->last;
    seen->calls++;
    seen->last = done;
    seen->total = total;
    return true;
}

static void a_backup_says_how_far_it_is(void **state)
{
    struct archive *archive = *state;
    struct seen seen = {0};
    char fault[STORE_FAULT] = "";

    assert_true(store_engine_backup(archive->engine, archive->path, see, &seen, fault));
    assert_true(seen.calls > 1);
    assert_true(seen.total > 256);
    assert_false(seen.went_back);
    assert_true(is_there(archive->path, ""));
    assert_false(is_there(archive->path, "-partial"));
}

static bool give_up(void *argument, uint64_t done, uint64_t total)
{
    (void)argument;
    (void)done;
    (void)total;
    return false;
}

static void a_backup_that_is_given_up_leaves_nothing(void **state)
{
    struct archive *archive = *state;
    struct seen seen = {0};
    char fault[STORE_FAULT] = "";

    assert_false(store_engine_backup(archive->engine, archive->path, give_up, NULL, fault));
    assert_non_null(strstr(fault, "given up"));
    assert_false(is_there(archive->path, ""));
    assert_false(is_there(archive->path, "-partial"));
    assert_true(store_engine_backup(archive->engine, archive->path, see, &seen, fault));
}

/* Holds its backup at its first call until it is let go. */
struct held {
    sem_t has_begun, may_go_on;
    struct archive *archive;
    bool is_done, is_first;
};

static bool hold(void *argument, uint64_t done, uint64_t total)
{
    struct held *held = argument;

    (void)done;
    (void)total;
    if (!held->is_first) {
        held->is_first = true;
        sem_post(&held->has_begun);
        sem_wait(&held->may_go_on);
    }
    return true;
}

static void *back_up(void *argument)
{
    struct held *held = argument;
    char fault[STORE_FAULT];

    held->is_done =
        store_engine_backup(held->archive->engine, held->archive->path, hold, held, fault);
    return NULL;
}

/* The one who asked first is slow to listen; that holds up neither the store nor its own copy. */
static void the_store_serves_while_a_backup_is_made(void **state)
{
    struct archive *archive = *state;
    struct held held = {.archive = archive};
    char fault[STORE_FAULT] = "", second[80];
    struct attempt *listed;
    pthread_t thread;

    sem_init(&held.has_begun, 0, 0);
    sem_init(&held.may_go_on, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, back_up, &held), 0);
    sem_wait(&held.has_begun);
    listed = submit_list(&archive->scene, 0, 3);
    assert_true(scene_settle(&archive->scene));
    CHECK_STATUS(&archive->scene, listed, STATUS_OK);
    snprintf(second, sizeof(second), "%s-second", archive->path);
    assert_false(store_engine_backup(archive->engine, second, give_up, NULL, fault));
    assert_non_null(strstr(fault, "another backup"));
    sem_post(&held.may_go_on);
    pthread_join(thread, NULL);
    assert_true(held.is_done);
    assert_true(is_there(archive->path, ""));
}

static void a_backup_at_rest_can_be_given_up_too(void **state)
{
    struct archive *archive = *state;
    char fault[STORE_FAULT] = "", path[128];

    assert_null(scene_close(&archive->scene));
    store_engine_close(archive->engine);
    snprintf(path, sizeof(path), "sqlite:%s/discount.db", archive->directory.path);
    archive->engine = store_engine_open(path, &(const char *){NULL});
    assert_false(store_engine_backup(archive->engine, archive->path, give_up, NULL, fault));
    assert_false(is_there(archive->path, "-partial"));
    assert_true(store_engine_start(archive->engine));
    assert_true(scene_open_ready(&archive->scene, "sqlite", archive->engine,
                                 (struct store_limits){3 * CLOCK_PATIENCE_MS, 10}));
}

#define ARCHIVE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARCHIVE(a_backup_says_how_far_it_is),
        ARCHIVE(a_backup_that_is_given_up_leaves_nothing),
        ARCHIVE(the_store_serves_while_a_backup_is_made),
        ARCHIVE(a_backup_at_rest_can_be_given_up_too),
    };

    return cmocka_run_group_tests_name("sqlite backup", tests, NULL, NULL);
}
