/* SPDX-License-Identifier: MIT */
/* Memory for jansson: one block for each thread, allocated once. Each document uses it from the
 * beginning. jansson 2.14 does not survive a lack of memory within a document. With this allocator,
 * a lack of memory is noticed before a document begins. It is also cheaper than malloc. */
#ifndef API_JSON_MEMORY_H
#define API_JSON_MEMORY_H

#include <stdbool.h>

/* Gives jansson this allocator. Called once, by main, before there are threads. Without this call
 * jansson uses malloc. */
void json_memory_init(void);

/* Begins a document, read or built, on this thread. Every json_t of the previous document must be
 * gone. Returns false without memory: do not call jansson then. */
bool json_memory_begin(void) __attribute__((warn_unused_result));

#endif
