/* SPDX-License-Identifier: MIT */
/* Memory for jansson: one piece for each thread, taken once and used from its front for one
 * document after the other. jansson 2.14 does not bear a lack of memory: in the midst of a document
 * it leaves bytes of texts out, calls good syntax bad, or aborts. With this the lack shows before
 * it begins, and it costs less than malloc. */
#ifndef API_JSON_MEMORY_H
#define API_JSON_MEMORY_H

#include <stdbool.h>

/* Gives jansson its allocator. Once, by main, before there are threads; without it jansson uses
 * malloc. */
void json_memory_init(void);

/* Begins a document, read or built, on this thread; every json_t of the one before must have gone.
 * False without memory: do not call jansson then. */
bool json_memory_begin(void) __attribute__((warn_unused_result));

#endif
