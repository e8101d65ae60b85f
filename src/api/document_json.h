/* SPDX-License-Identifier: MIT */
/* Reads JSON documents of clients, against a list of the members that they may have. Every error is
 * found, not only the first. On the thread of the request. */
#ifndef API_DOCUMENT_JSON_H
#define API_DOCUMENT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/arena.h"
#include "discount/request.h"
#include "discount/status.h"

struct json_t; /* jansson's; only the *_json.c files look inside */

/* Seeds the hash tables of jansson. Called once, before there are threads. */
void document_init(void);

enum member_type {
    MEMBER_TEXT,  /* ret is struct str *: 1 to `limit` bytes without control characters */
    MEMBER_COUNT, /* ret is int64_t *: 1 to `limit` */
    MEMBER_TIME,  /* ret is int64_t *: microseconds of an RFC 3339 date-time */
};

struct member {
    const char *name;
    enum member_type type;
    bool required;
    int64_t limit;
    void *ret; /* unchanged if the member is missing or invalid */
};

/* The errors of a document, in the order in which they were found. */
struct document_errors {
    struct arena *arena;
    struct document_error *first, **end;
    bool no_memory;
};

void document_errors_init(struct document_errors *errors, struct arena *arena);
/* Adds an error. `pointer` (RFC 6901) must live as long as the arena, `detail` forever. */
void document_errors_add(struct document_errors *errors, const char *pointer, const char *detail);
bool document_errors_are_none(const struct document_errors *errors);

/* Returns whether a Content-Type means JSON in UTF-8 (RFC 8259, section 11). A charset other than
 * utf-8 is refused. */
bool document_type_is_json(struct str content_type);

/* Reads an object into the members and adds its errors. Texts are copied into the arena of the
 * errors. Returns MALFORMED_JSON if the text is no JSON document, OVERLOADED without memory, else
 * OK. */
enum status document_read(struct str text, const struct member *members, size_t member_count,
                          struct document_errors *errors);

/* Prints an object or array into the arena, with a newline at the end. Takes over the reference. p
 * is NULL without memory, or if json is NULL. */
struct str document_print(struct json_t *json, struct arena *arena);

/* Answers with a problem of this status that lists the errors. */
void document_refuse(struct request *request, enum status status,
                     const struct document_errors *errors);

#endif
