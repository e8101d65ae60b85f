/* SPDX-License-Identifier: MIT */
/* JSON documents of clients, read against a list of the members they may have. All faults of a
 * document are found, not only the first. On the thread of the request. */
#ifndef API_DOCUMENT_JSON_H
#define API_DOCUMENT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/arena.h"
#include "discount/request.h"
#include "discount/status.h"

struct json_t; /* jansson's; only the *_json.c files look inside */

/* Seeds the hash tables of every document, once, before there are threads. */
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
    void *ret; /* untouched when the member is missing or faulty */
};

/* What is wrong with a document, in the order it was found. */
struct document_errors {
    struct arena *arena;
    struct document_error *first, **end;
    bool no_memory;
};

void document_errors_init(struct document_errors *errors, struct arena *arena);
/* `pointer` (RFC 6901) must live as long as the arena, `detail` forever. */
void document_errors_add(struct document_errors *errors, const char *pointer, const char *detail);
bool document_errors_are_none(const struct document_errors *errors);

/* Whether a Content-Type says JSON in UTF-8 (RFC 8259, section 11; a charset other than utf-8 is
 * refused). */
bool document_type_is_json(struct str content_type);

/* Reads an object into the members' places and adds its faults; texts are copied into the arena of
 * the faults. MALFORMED_JSON when it is no JSON document, OVERLOADED without memory, else OK. */
enum status document_read(struct str text, const struct member *members, size_t member_count,
                          struct document_errors *errors);

/* The text of an object or array, with a line's end behind it, in the arena. Takes over the
 * reference. p is NULL without memory, also when json is NULL. */
struct str document_print(struct json_t *json, struct arena *arena);

/* Answers with a problem of this status whose `errors` are the faults. */
void document_refuse(struct request *request, enum status status,
                     const struct document_errors *errors);

#endif
