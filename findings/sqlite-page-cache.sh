#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a page cache is asked only for pages of the file. In a file of 100 pages no number is above 100 or so.
# What happens: each time SQLite puts two new pages in order, it asks the cache for the page at 1 GiB, number 262145.
# Why it matters: a page cache, or a table sized by the highest number, meets a page that no file of that size has.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libsqlite3-0=3.40.1-2+deb12u2 libsqlite3-dev=3.40.1-2+deb12u2
program pages libsqlite3.so.0 <<'C'
#include <sqlite3.h>
#include <stdio.h>

static sqlite3_pcache_methods2 real, counting;
static unsigned highest, highest_but_that;

static sqlite3_pcache_page *fetch(sqlite3_pcache *cache, unsigned key, int create) {
    if (key > highest) highest = key;
    if (key != 262145 && key > highest_but_that) highest_but_that = key;
    return real.xFetch(cache, key, create);
}

static void rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned old, unsigned new) {
    if (new > highest) highest = new;
    real.xRekey(cache, page, old, new);
}

int main(int argc, char **argv) {
    sqlite3 *db;
    sqlite3_stmt *count;
    sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &real);
    counting = real;
    counting.xFetch = fetch;
    counting.xRekey = rekey;
    sqlite3_config(SQLITE_CONFIG_PCACHE2, &counting);
    if (argc < 2 || sqlite3_open(argv[1], &db)) return 1;
    /* Keys in no order, so that pages in the middle are split. */
    if (sqlite3_exec(db, "CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN;"
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                         "INSERT INTO t SELECT printf('%032d', i * 7919 % 5003) FROM n; COMMIT",
                     0, 0, 0)) return 1;
    sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &count, 0);
    sqlite3_step(count);
    int pages = sqlite3_column_int(count, 0);
    printf("SQLite %s\n", sqlite3_libversion());
    printf("the file has fewer than 100 pages: %s\n", pages < 100 ? "yes" : "no");
    printf("the highest page that the cache hears of: %u\n", highest);
    printf("the next highest is a page of the file: %s\n", (int)highest_but_that <= pages ? "yes" : "no");
    return 0;
}
C
observe "$(cat <<'T'
SQLite 3.40.1
the file has fewer than 100 pages: yes
the highest page that the cache hears of: 262145
the next highest is a page of the file: yes
T
)" "$("$temp/pages" "$temp/db")"
