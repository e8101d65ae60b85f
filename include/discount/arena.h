/* SPDX-License-Identifier: MIT */
/* Memory with one lifetime: what is taken from an arena goes with it, all at once. Each request has
 * one. An arena belongs to the thread of its request and is bounded: past its limit, and when the
 * machine has no memory, taking answers NULL. */
#ifndef DISCOUNT_ARENA_H
#define DISCOUNT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "discount/str.h"

struct arena {
    struct arena_block *blocks; /* owned, newest first */
    struct arena_block *lent;   /* the one among them that is not, or NULL */
    size_t used;                /* bytes of all blocks together */
    size_t limit;
};

/* An empty arena; it takes its first memory with the first arena_alloc. */
void arena_init(struct arena *arena, size_t limit);
/* The same, and its first block is this memory, aligned for any type, which stays the caller's and
 * must outlive the arena: a small arena inside something else then takes no malloc of its own. */
void arena_init_in(struct arena *arena, void *memory, size_t size, size_t limit);
/* Gives everything back; the arena is then as after arena_init. */
void arena_fini(struct arena *arena);

/* `size` bytes, not zeroed, aligned for any type; NULL past the limit or without memory. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((warn_unused_result));
/* The same, zeroed. */
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((warn_unused_result));

/* A copy of s, with a NUL behind it that n does not count; p is NULL when there is no memory. */
struct str arena_dup(struct arena *arena, struct str s) __attribute__((warn_unused_result));
/* printf into the arena; p is NULL when there is no memory. */
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

#endif
