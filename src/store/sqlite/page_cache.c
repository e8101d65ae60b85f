/* SPDX-License-Identifier: MIT */
/* In: SQLite's calls of a page cache. Out: the same calls of SQLite's own cache. A page number far
 * above all others is replaced by a near one. This layer holds no pages itself. It does not depend
 * on when SQLite moves a page back: until then, the page is found under its own number. */
#include "store/sqlite/page_cache.h"

#include <sqlite3.h>
#include <stdlib.h>

struct pages {
    sqlite3_pcache *own; /* SQLite's own cache; owned */
    unsigned highest;    /* the highest number of a page, the displaced one aside */
    /* The page that is stored under `near` instead of `far`, or NULL. */
    sqlite3_pcache_page *displaced;
    unsigned near, far;
};

/* The functions of SQLite's own cache; set once, before the first connection. */
static sqlite3_pcache_methods2 own;

static struct pages *pages_of(sqlite3_pcache *cache)
{
    return (struct pages *)cache;
}

/* Stores the displaced page under its own number. */
static void settle(struct pages *pages)
{
    if (pages->displaced != NULL) {
        own.xRekey(pages->own, pages->displaced, pages->near, pages->far);
        pages->highest = pages->far > pages->highest ? pages->far : pages->highest;
        pages->displaced = NULL;
    }
}

static void pages_rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned from,
                        unsigned to)
{
    struct pages *pages = pages_of(cache);

    if (pages->displaced == page && pages->far == from) {
        from = pages->near;
        pages->displaced = NULL;
    }
    if (to > pages->highest) {
        settle(pages);
    }
    if (to <= pages->highest) {
        own.xRekey(pages->own, page, from, to);
        return;
    }
    pages->displaced = page;
    pages->near = pages->highest + 1;
    pages->far = to;
    own.xRekey(pages->own, page, from, pages->near);
}

static sqlite3_pcache_page *pages_fetch(sqlite3_pcache *cache, unsigned number, int create)
{
    struct pages *pages = pages_of(cache);

    if (create != 0 || number == pages->near || number == pages->far) {
        settle(pages);
    }
    if (create != 0 && number > pages->highest) {
        pages->highest = number;
    }
    return own.xFetch(pages->own, number, create);
}

static void pages_truncate(sqlite3_pcache *cache, unsigned limit)
{
    struct pages *pages = pages_of(cache);

    settle(pages);
    own.xTruncate(pages->own, limit);
    if (limit > 0 && pages->highest >= limit) {
        pages->highest = limit - 1;
    }
}

/* ---- Passed on unchanged ---- */

static int pages_init(void *argument)
{
    return own.xInit(argument);
}

static void pages_shutdown(void *argument)
{
    own.xShutdown(argument);
}

static sqlite3_pcache *pages_create(int page_size, int extra_size, int is_purgeable)
{
    struct pages *pages = calloc(1, sizeof(*pages));

    if (pages == NULL) {
        return NULL;
    }
    pages->own = own.xCreate(page_size, extra_size, is_purgeable);
    if (pages->own == NULL) {
        free(pages);
        return NULL;
    }
    return (sqlite3_pcache *)pages;
}

static void pages_size(sqlite3_pcache *cache, int most)
{
    own.xCachesize(pages_of(cache)->own, most);
}

static int pages_count(sqlite3_pcache *cache)
{
    return own.xPagecount(pages_of(cache)->own);
}

static void pages_unpin(sqlite3_pcache *cache, sqlite3_pcache_page *page, int discard)
{
    settle(pages_of(cache)); /* the displaced page may be the one that is destroyed */
    own.xUnpin(pages_of(cache)->own, page, discard);
}

static void pages_destroy(sqlite3_pcache *cache)
{
    own.xDestroy(pages_of(cache)->own);
    free(pages_of(cache));
}

static void pages_shrink(sqlite3_pcache *cache)
{
    own.xShrink(pages_of(cache)->own);
}

void sqlite_page_cache_configure(void)
{
    static const sqlite3_pcache_methods2 methods = {
        .iVersion = 1,
        .xInit = pages_init,
        .xShutdown = pages_shutdown,
        .xCreate = pages_create,
        .xCachesize = pages_size,
        .xPagecount = pages_count,
        .xFetch = pages_fetch,
        .xUnpin = pages_unpin,
        .xRekey = pages_rekey,
        .xTruncate = pages_truncate,
        .xDestroy = pages_destroy,
        .xShrink = pages_shrink,
    };
    sqlite3_pcache_methods2 configured;

    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &configured) != SQLITE_OK ||
        configured.xFetch == pages_fetch) {
        return;
    }
    own = configured;
    sqlite3_config(SQLITE_CONFIG_PCACHE2, &methods);
}
