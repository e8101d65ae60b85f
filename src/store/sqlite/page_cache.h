/* SPDX-License-Identifier: MIT */
/* SQLite's own page cache, with one change: a commit is as fast with a full cache as with an empty
 * one.
 *
 * When SQLite (3.39 and later) splits a page of a tree, it sorts the new pages by number. While it
 * swaps two of them, one has the number of the page at 1 GiB, which is never used. The cache keeps
 * this number as its highest. At the commit it drops the pages after the end of the file. Because
 * of that number it expects many, and looks at every page that it holds. For 32,768 pages this
 * takes about 0.3 ms per commit, until the file is larger than 1 GiB. Here that page gets the first
 * free number instead. */
#ifndef STORE_SQLITE_PAGE_CACHE_H
#define STORE_SQLITE_PAGE_CACHE_H

/* Configures all connections of the process. Must be called before the first connection; later
 * calls do nothing. */
void sqlite_page_cache_configure(void);

#endif
