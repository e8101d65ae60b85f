/* SPDX-License-Identifier: MIT */
/* The page cache: which page numbers it passes to SQLite's own cache. All else stays SQLite's. */
#include <sqlite3.h>
#include <stdio.h>

#include "store/sqlite/page_cache.h"
#include "support/test.h"

/* The page at 1 GiB, whose number SQLite uses while it swaps two pages. */
#define UNUSED_PAGE (0x40000000 / 512 + 1)
#define ROWS 3000

/* SQLite's own cache, and the calls that it received. */
static sqlite3_pcache_methods2 own;
static unsigned highest_fetched, highest_rekeyed, rekeyed_count;

static sqlite3_pcache_page *record_fetch(sqlite3_pcache *cache, unsigned number, int create)
{
    if (create != 0 && number > highest_fetched) {
        highest_fetched = number;
    }
    return own.xFetch(cache, number, create);
}

static void record_rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned from,
                         unsigned to)
{
    rekeyed_count++;
    if (to > highest_rekeyed) {
        highest_rekeyed = to;
    }
    own.xRekey(cache, page, from, to);
}

/* The lowest layer is SQLite's own cache, recorded; ours is above it. */
static int configure(void **state)
{
    sqlite3_pcache_methods2 recorder;

    (void)state;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &own), SQLITE_OK);
    recorder = own;
    recorder.xFetch = record_fetch;
    recorder.xRekey = record_rekey;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_PCACHE2, &recorder), SQLITE_OK);
    sqlite_page_cache_configure();
    sqlite_page_cache_configure();
    return 0;
}

static sqlite3_pcache_methods2 configured(void)
{
    sqlite3_pcache_methods2 methods;

    assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &methods), SQLITE_OK);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
    return methods;
}

static void run(sqlite3 *handle, const char *sql)
{
    char *fault = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &fault) != SQLITE_OK) {
        fail_msg("%s: %s", sql, fault);
    }
}

/* Inserts rows in random order, so that each commit splits pages. */
static void no_page_is_told_a_number_far_behind_the_others(void **state)
{
    sqlite3 *handle;

    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &handle), SQLITE_OK);
    run(handle, "PRAGMA page_size = 512; CREATE TABLE t (k TEXT PRIMARY KEY) WITHOUT ROWID");
    for (int i = 0; i < ROWS; i++) {
        char sql[128];

        snprintf(sql, sizeof(sql), "INSERT INTO t VALUES ('%04d, of some length')",
                 i * 1237 % ROWS);
        run(handle, sql);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_true(rekeyed_count > 0);
    assert_true(highest_rekeyed <= highest_fetched + 1);
}

/* ---- Requests that no SQLite makes today, while a page is displaced ---- */

struct displaced {
    sqlite3_pcache_methods2 methods;
    sqlite3_pcache *cache;
    sqlite3_pcache_page *first, *second; /* the first of two pages, as UNUSED_PAGE */
};

static struct displaced displaced_open(void)
{
    struct displaced at = {.methods = configured()};

    at.cache = at.methods.xCreate(512, 64, 1);
    assert_non_null(at.cache);
    at.methods.xCachesize(at.cache, 100);
    at.first = at.methods.xFetch(at.cache, 1, 2);
    at.second = at.methods.xFetch(at.cache, 2, 2);
    assert_true(at.first != NULL && at.second != NULL);
    at.methods.xRekey(at.cache, at.first, 1, UNUSED_PAGE);
    return at;
}

static void a_displaced_page_is_found_under_its_own_number_alone(void **state)
{
    struct displaced at = displaced_open();

    (void)state;
    assert_null(at.methods.xFetch(at.cache, 1, 0));
    assert_ptr_equal(at.methods.xFetch(at.cache, 2, 0), at.second);
    assert_ptr_equal(at.methods.xFetch(at.cache, UNUSED_PAGE, 0), at.first);
    assert_null(at.methods.xFetch(at.cache, 3, 0));
    at.methods.xRekey(at.cache, at.first, UNUSED_PAGE, 1);
    assert_ptr_equal(at.methods.xFetch(at.cache, 1, 0), at.first);
    assert_null(at.methods.xFetch(at.cache, UNUSED_PAGE, 0));
    at.methods.xDestroy(at.cache);
}

static void a_free_number_finds_no_displaced_page(void **state)
{
    struct displaced at = displaced_open();

    (void)state;
    assert_null(at.methods.xFetch(at.cache, 3, 0));
    assert_ptr_equal(at.methods.xFetch(at.cache, UNUSED_PAGE, 0), at.first);
    at.methods.xDestroy(at.cache);
}

static void a_new_page_is_not_a_displaced_one(void **state)
{
    struct displaced at = displaced_open();
    sqlite3_pcache_page *third = at.methods.xFetch(at.cache, 3, 2);

    (void)state;
    assert_non_null(third);
    assert_ptr_not_equal(third, at.first);
    at.methods.xRekey(at.cache, at.first, UNUSED_PAGE, 1);
    assert_ptr_equal(at.methods.xFetch(at.cache, 1, 0), at.first);
    assert_ptr_equal(at.methods.xFetch(at.cache, 3, 0), third);
    at.methods.xDestroy(at.cache);
}

static void a_displaced_page_is_dropped_with_those_after_the_end(void **state)
{
    struct displaced at = displaced_open();

    (void)state;
    at.methods.xTruncate(at.cache, UNUSED_PAGE);
    assert_null(at.methods.xFetch(at.cache, UNUSED_PAGE, 0));
    assert_int_equal(at.methods.xPagecount(at.cache), 1);
    at.methods.xDestroy(at.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_page_is_told_a_number_far_behind_the_others),
        cmocka_unit_test(a_displaced_page_is_found_under_its_own_number_alone),
        cmocka_unit_test(a_free_number_finds_no_displaced_page),
        cmocka_unit_test(a_new_page_is_not_a_displaced_one),
        cmocka_unit_test(a_displaced_page_is_dropped_with_those_after_the_end),
    };

    return cmocka_run_group_tests(tests, configure, NULL);
}
