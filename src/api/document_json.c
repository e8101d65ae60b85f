/* SPDX-License-Identifier: MIT */
/* Reads the body of a request into its members, or lists every error in it. No json_t leaves the
 * function that made it, except into document_print. */
#include "api/document_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

#include "api/json_memory.h"
#include "discount/discount.h"
#include "discount/timestamp.h"

/* Most answers fit. A longer one is printed a second time, into as much memory as it needs. */
#define PRINT_SIZE 512

struct document_error {
    struct document_error *next;
    const char *pointer;
    const char *detail;
};

void document_init(void)
{
    json_memory_init();
    json_object_seed(0);
}

void document_errors_init(struct document_errors *errors, struct arena *arena)
{
    *errors = (struct document_errors){.arena = arena, .end = &errors->first};
}

void document_errors_add(struct document_errors *errors, const char *pointer, const char *detail)
{
    struct document_error *error = arena_alloc(errors->arena, sizeof(*error));

    if (error == NULL || pointer == NULL) {
        errors->no_memory = true;
        return;
    }
    *error = (struct document_error){.pointer = pointer, .detail = detail};
    *errors->end = error;
    errors->end = &error->next;
}

bool document_errors_are_none(const struct document_errors *errors)
{
    return errors->first == NULL && !errors->no_memory;
}

/* Removes blanks and tabs at the front. */
static struct str trimmed(struct str text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text = str_from(text, 1);
    }
    return text;
}

static bool begins_with(struct str text, struct str lower_case)
{
    return text.n >= lower_case.n && strncasecmp(text.p, lower_case.p, lower_case.n) == 0;
}

bool document_type_is_json(struct str content_type)
{
    static const struct str json = STR_INIT("application/json");
    static const struct str charsets[] = {STR_INIT("charset=utf-8"), STR_INIT("charset=\"utf-8\"")};
    struct str rest;

    if (!begins_with(content_type, json)) {
        return false;
    }
    rest = trimmed(str_from(content_type, json.n));
    if (rest.n == 0) {
        return true;
    }
    if (rest.p[0] != ';') {
        return false;
    }
    rest = trimmed(str_from(rest, 1));
    for (size_t i = 0; i < 2; i++) {
        if (begins_with(rest, charsets[i]) && trimmed(str_from(rest, charsets[i].n)).n == 0) {
            return true;
        }
    }
    return rest.n == 0;
}

/* Returns whether arrays and objects are nested at most LIMIT_JSON_DEPTH deep. jansson would
 * recurse 2,048 levels. Brackets within strings do not count. */
static bool depth_is_sane(struct str text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (depth > LIMIT_JSON_DEPTH) {
            return false;
        }
    }
    return true;
}

/* Returns "/" and a member's name, with "~" and "/" escaped (RFC 6901, section 3). NULL without
 * memory. */
static const char *pointer_to(const char *name, struct arena *arena)
{
    char *pointer = arena_alloc(arena, 2 * strlen(name) + 2);
    char *at = pointer;

    if (pointer == NULL) {
        return NULL;
    }
    *at++ = '/';
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            *at++ = '~';
            *at++ = *name == '~' ? '0' : '1';
        } else {
            *at++ = *name;
        }
    }
    *at = '\0';
    return pointer;
}

/* Returns the error of a text that is empty, too long or no plain text, as a static string. */
static const char *text_error(int64_t limit)
{
    switch (limit) {
    case LIMIT_USER_ID:
        return "This must have 1 to 255 bytes of UTF-8 and no control characters.";
    case LIMIT_DISCOUNT_CODE:
        return "This must have 1 to 256 bytes of UTF-8 and no control characters.";
    default:
        return "This must have 1 to 128 bytes of UTF-8 and no control characters.";
    }
}

/* Reads one value into the member's ret. Returns the error as a static text, or NULL. */
static const char *text_read(const struct member *member, const json_t *value,
                             struct document_errors *errors)
{
    struct str text = {json_string_value(value), json_string_length(value)};

    if (!json_is_string(value)) {
        return "This must be a string.";
    }
    if (!discount_text_is_valid(text, (size_t)member->limit)) {
        return text_error(member->limit);
    }
    text = arena_dup(errors->arena, text);
    if (text.p == NULL) {
        errors->no_memory = true;
    } else {
        *(struct str *)member->ret = text;
    }
    return NULL;
}

static const char *count_read(const struct member *member, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > member->limit) {
        return "This must be an integer from 1 to 1000000000.";
    }
    *(int64_t *)member->ret = json_integer_value(value);
    return NULL;
}

static const char *time_read(const struct member *member, const json_t *value)
{
    struct str text = {json_string_value(value), json_string_length(value)};

    int64_t us = 0;

    /* A discount without this time has 0, so the first microsecond of 1970 is refused. */
    if (!json_is_string(value) || !timestamp_parse(text, &us) || us == 0) {
        return "This must be an RFC 3339 date-time, such as 2020-11-26T10:27:57Z.";
    }
    *(int64_t *)member->ret = us;
    return NULL;
}

static const char *member_read(const struct member *member, const json_t *value,
                               struct document_errors *errors)
{
    switch (member->type) {
    case MEMBER_TEXT:
        return text_read(member, value, errors);
    case MEMBER_COUNT:
        return count_read(member, value);
    case MEMBER_TIME:
        return time_read(member, value);
    }
    abort();
}

static const struct member *member_find(const struct member *members, size_t count,
                                        const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].name, name) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

static void object_read(json_t *object, const struct member *members, size_t member_count,
                        struct document_errors *errors)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        const struct member *member = member_find(members, member_count, name);
        const char *detail =
            member == NULL ? "This member is not known here." : member_read(member, value, errors);

        if (detail != NULL) {
            document_errors_add(errors, pointer_to(name, errors->arena), detail);
        }
    }
    for (size_t i = 0; i < member_count; i++) {
        if (members[i].required && json_object_get(object, members[i].name) == NULL) {
            document_errors_add(errors, pointer_to(members[i].name, errors->arena),
                                "This member is required.");
        }
    }
}

enum status document_read(struct str text, const struct member *members, size_t member_count,
                          struct document_errors *errors)
{
    json_error_t ignored; /* unused: its text quotes the client */
    json_t *document;

    /* JSON has no NUL. jansson is not relied on for that. */
    if (!depth_is_sane(text) || (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)) {
        return STATUS_MALFORMED_JSON;
    }
    if (!json_memory_begin()) {
        return STATUS_OVERLOADED;
    }
    document = json_loadb(text.n == 0 ? "" : text.p, text.n,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &ignored);
    if (document == NULL) {
        return STATUS_MALFORMED_JSON;
    }
    if (json_is_object(document)) {
        object_read(document, members, member_count, errors);
    } else {
        document_errors_add(errors, "", "The document must be an object.");
    }
    json_decref(document);
    return errors->no_memory ? STATUS_OVERLOADED : STATUS_OK;
}

struct str document_print(json_t *json, struct arena *arena)
{
    struct str text = {NULL, 0};
    size_t size = PRINT_SIZE;
    char *buffer = arena_alloc(arena, size);

    if (json != NULL && buffer != NULL) {
        text.n = json_dumpb(json, buffer, size - 1, JSON_COMPACT);
        if (text.n > size - 1) {
            size = text.n + 1;
            buffer = arena_alloc(arena, size);
            text.n = buffer == NULL ? 0 : json_dumpb(json, buffer, size - 1, JSON_COMPACT);
        }
    }
    json_decref(json);
    if (text.n > 0) {
        buffer[text.n++] = '\n';
        text.p = buffer;
    }
    return text;
}

/* Prints the member "errors", followed by the comma that struct problem requires. */
static struct str errors_print(const struct document_errors *errors)
{
    json_t *array = json_memory_begin() ? json_array() : NULL;
    struct str text;

    for (const struct document_error *error = errors->first; array != NULL && error != NULL;
         error = error->next) {
        json_t *item = json_pack("{s:s, s:s}", "detail", error->detail, "pointer", error->pointer);

        if (json_array_append_new(array, item) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    text = document_print(array, errors->arena);
    if (text.p == NULL) {
        return text;
    }
    return arena_printf(errors->arena, "\"errors\":%.*s,", (int)text.n - 1, text.p);
}

void document_refuse(struct request *request, enum status status,
                     const struct document_errors *errors)
{
    struct problem problem = {.status = status, .members = errors_print(errors)};

    if (problem.members.p == NULL) {
        request_refuse(request, STATUS_OVERLOADED);
    } else {
        request_problem(request, &problem);
    }
}
