/* SPDX-License-Identifier: MIT */
/* A bump allocator: memory that jansson frees is not used again before the next document. */
#include "api/json_memory.h"

#include <jansson.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The largest document is a full body of empty objects. Each has three bytes and takes jansson
 * about 210, in all 1.2 MiB. Pages that no document reaches are never touched. */
#define MEMORY_SIZE (2UL * 1024 * 1024)

static _Thread_local struct {
    char *bytes; /* owned through `owner`, which frees it when the thread ends */
    size_t used;
} memory;

/* Set by json_memory_init, constant afterwards. */
static pthread_key_t owner;
static bool is_in_use;

static bool is_ours(const void *pointer)
{
    uintptr_t begin = (uintptr_t)memory.bytes;

    return memory.bytes != NULL && (uintptr_t)pointer >= begin &&
           (uintptr_t)pointer < begin + MEMORY_SIZE;
}

static void *take(size_t size)
{
    char *piece;

    size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (memory.bytes == NULL || size > MEMORY_SIZE - memory.used) {
        return malloc(size);
    }
    piece = memory.bytes + memory.used;
    memory.used += size;
    return piece;
}

static void give_back(void *pointer)
{
    if (!is_ours(pointer)) {
        free(pointer);
    }
}

void json_memory_init(void)
{
    if (pthread_key_create(&owner, free) != 0) {
        abort();
    }
    is_in_use = true;
    json_set_alloc_funcs(take, give_back);
}

bool json_memory_begin(void)
{
    memory.used = 0;
    if (is_in_use && memory.bytes == NULL) {
        memory.bytes = malloc(MEMORY_SIZE);
        if (memory.bytes != NULL && pthread_setspecific(owner, memory.bytes) != 0) {
            free(memory.bytes);
            memory.bytes = NULL;
        }
    }
    return !is_in_use || memory.bytes != NULL;
}
