/* SPDX-License-Identifier: MIT */
/* An arena is a list of blocks. Only the newest is filled. */
#include "discount/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The smallest block, so that malloc is called rarely. */
#define BLOCK_SIZE 2048

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit};
}

void arena_init_in(struct arena *arena, void *memory, size_t size, size_t limit)
{
    struct arena_block *block = memory;

    assert(size > sizeof(*block) && size <= limit);
    *block = (struct arena_block){.size = size - sizeof(*block)};
    *arena = (struct arena){.blocks = block, .lent = block, .used = size, .limit = limit};
}

void arena_fini(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block != NULL) {
        struct arena_block *next = block->next;

        if (block != arena->lent) {
            free(block);
        }
        block = next;
    }
    arena_init(arena, arena->limit);
}

static struct arena_block *block_add(struct arena *arena, size_t size)
{
    struct arena_block *block;

    if (size > arena->limit || arena->used > arena->limit - size) {
        return NULL;
    }
    block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    *block = (struct arena_block){.next = arena->blocks, .size = size};
    arena->blocks = block;
    arena->used += size;
    return block;
}

static size_t aligned(size_t size)
{
    return (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    void *bytes;

    if (size > SIZE_MAX - _Alignof(max_align_t)) {
        return NULL;
    }
    size = aligned(size);
    if (block == NULL || block->size - block->used < size) {
        block = block_add(arena, size > BLOCK_SIZE ? size : BLOCK_SIZE);
        if (block == NULL) {
            return NULL;
        }
    }
    bytes = block->bytes + block->used;
    block->used += size;
    return bytes;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *bytes = arena_alloc(arena, size);

    return bytes == NULL ? NULL : memset(bytes, 0, size);
}

struct str arena_dup(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.n + 1);

    if (copy == NULL) {
        return (struct str){NULL, 0};
    }
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    copy[s.n] = '\0';
    return (struct str){copy, s.n};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    struct arena_block *block = arena->blocks;
    size_t room = block == NULL ? 0 : block->size - block->used;
    char *text = block == NULL ? NULL : block->bytes + block->used;
    va_list arguments;
    int length;

    /* Usually the newest block has room, and nothing is printed twice. */
    va_start(arguments, format);
    length = vsnprintf(text, room, format, arguments);
    va_end(arguments);
    if (length >= 0 && aligned((size_t)length + 1) <= room) {
        return (struct str){arena_alloc(arena, (size_t)length + 1), (size_t)length};
    }
    text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
    if (text == NULL) {
        return (struct str){NULL, 0};
    }
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return (struct str){text, (size_t)length};
}
