/* SPDX-License-Identifier: MIT */
/* SQLite's own page cache, but that a commit costs no more with a full one than with an empty one.
 *
 * When SQLite (3.39 and later) splits a page of a tree it puts the new pages in order, and while it
 * swaps two of them one stands under the number of the page at 1 GiB, which is never used. The
 * cache remembers that number as its highest, and at the commit, where it drops what is behind the
 * end of the file, believes that there is much to drop and looks at every page it holds: 32,768 of
 * them, some 0.3 ms for each commit, until the file itself has grown past 1 GiB. So here that page
 * stands under the first number that is free instead. */
#ifndef STORE_SQLITE_PAGE_CACHE_H
#define STORE_SQLITE_PAGE_CACHE_H

/* For all connections of the process. It can be set before the first one only; after it, or the
 * second time, this does nothing. */
void sqlite_page_cache_configure(void);

#endif
