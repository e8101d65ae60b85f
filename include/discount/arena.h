/* SPDX-License-Identifier: MIT */
/* An arena: memory that is freed all at once. Each request has one. An arena belongs to the thread
 * of its request and its size is bounded. An allocation fails with NULL when the arena is at its
 * limit or the machine has no memory. */
#ifndef DISCOUNT_ARENA_H
#define DISCOUNT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "discount/str.h"

struct arena {
    struct arena_block *blocks; /* owned, newest first */
    struct arena_block
        *lent;   /* the block of arena_init_in, which the arena does not own, or NULL */
    size_t used; /* bytes of all blocks together */
    size_t limit;
};

/* Initializes an empty arena. It allocates its first block at the first arena_alloc. */
void arena_init(struct arena *arena, size_t limit);
/* As arena_init, with `memory` as the first block, so that a small arena needs no malloc. The
 * memory is aligned for any type, stays the caller's and must outlive the arena. */
void arena_init_in(struct arena *arena, void *memory, size_t size, size_t limit);
/* Frees all blocks. The arena is then as after arena_init. */
void arena_fini(struct arena *arena);

/* Returns `size` bytes, aligned for any type and not zeroed, or NULL (past the limit, or no
 * memory). */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((warn_unused_result));
/* As arena_alloc, but zeroed. */
void *arena_zalloc(struct arena *arena, size_t size) __attribute__((warn_unused_result));

/* Returns a copy of s, followed by a NUL that n does not count. p is NULL without memory. */
struct str arena_dup(struct arena *arena, struct str s) __attribute__((warn_unused_result));
/* printf into the arena. p is NULL without memory. */
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

#endif
