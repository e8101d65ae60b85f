/* SPDX-License-Identifier: MIT */
#include "sim/script.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void put(struct script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct script *script, const char *format, ...)
{
    size_t room = sizeof(script->bytes) - script->size;
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(script->bytes + script->size, room, format, arguments);
    va_end(arguments);
    assert(n >= 0 && (size_t)n < room);
    script->size += (size_t)n;
}

static void head_put(struct script *script, const struct wish *wish, const char *lines)
{
    put(script, "Host: t\r\nX-Request-ID: n%05u\r\n%s", wish->number, lines);
}

/* Appends a body in one of the two framings, with its headers. */
static void body_put(struct script *script, struct chance *chance, const char *body)
{
    size_t n = strlen(body);

    put(script, "Content-Type: application/json\r\n");
    if (chance_below(chance, 3) > 0) {
        put(script, "Content-Length: %zu\r\n\r\n%s", n, body);
        return;
    }
    put(script, "Transfer-Encoding: chunked\r\n\r\n");
    while (n > 0) {
        unsigned size = 1 + chance_below(chance, n < 40 ? (unsigned)n : 40);

        put(script, chance_one_in(chance, 4) ? "00%X\r\n" : "%x\r\n", size);
        put(script, "%.*s\r\n", (int)size, body);
        body += size;
        n -= size;
    }
    put(script, "0\r\n\r\n");
}

/* ---- The kinds of requests ---- */

static void create_put(struct script *script, struct chance *chance, struct wish *wish)
{
    char body[128];

    wish->verb = STORE_CREATE;
    snprintf(body, sizeof(body),
             "{\"brand_id\":\"n%05u\",\"discount_code\":\"C\",\"total_count\":%u}", wish->number,
             1 + chance_below(chance, 100));
    put(script, "POST /discount HTTP/1.1\r\n");
    head_put(script, wish, chance_one_in(chance, 2) ? "Idempotency-Key: \"k\"\r\n" : "");
    body_put(script, chance, body);
}

static void grant_put(struct script *script, struct chance *chance, struct wish *wish)
{
    char body[64];

    wish->verb = STORE_GRANT;
    snprintf(body, sizeof(body), "{\"user_id\":\"n%05u\"}", wish->number);
    put(script, "POST /discount/dsc-%021uA/grant HTTP/1.1\r\n", wish->number);
    head_put(script, wish, "");
    body_put(script, chance, body);
}

static const char *get_or_head(struct chance *chance, struct wish *wish)
{
    wish->is_head = chance_one_in(chance, 4);
    return wish->is_head ? "HEAD" : "GET";
}

static void get_put(struct script *script, struct chance *chance, struct wish *wish)
{
    wish->verb = STORE_GET;
    wish->may_be_304 = chance_one_in(chance, 3);
    put(script, "%s /discount/dsc-%021uA HTTP/1.1\r\n", get_or_head(chance, wish), wish->number);
    head_put(script, wish, wish->may_be_304 ? "If-None-Match: *\r\n\r\n" : "\r\n");
}

static void grant_get_put(struct script *script, struct chance *chance, struct wish *wish)
{
    wish->verb = STORE_GRANT_GET;
    put(script, "%s /discount/dsc-%021uA/grant?user_id=n%05u HTTP/1.1\r\n",
        get_or_head(chance, wish), wish->number, wish->number);
    head_put(script, wish, "\r\n");
}

static void list_put(struct script *script, struct chance *chance, struct wish *wish)
{
    static const char *const limits[] = {"", "?limit=1", "?limit=100", "?limit=101", "?limit=450"};
    const char *limit = limits[chance_below(chance, 5)], *and = limit[0] == '\0' ? "?" : "&";
    const char *method = get_or_head(chance, wish);
    unsigned number = wish->number;

    switch (chance_below(chance, 4)) {
    case 0:
        wish->verb = STORE_LIST;
        put(script, "%s /discount%s%sbrand_id=n%05u HTTP/1.1\r\n", method, limit, and, number);
        break;
    case 1:
        wish->verb = STORE_GRANTS;
        put(script, "%s /discount/dsc-%021uA/grant%s HTTP/1.1\r\n", method, number, limit);
        break;
    case 2:
        wish->verb = STORE_WALLET;
        put(script, "%s /user/discount%s%suser_id=n%05u HTTP/1.1\r\n", method, limit, and, number);
        break;
    default:
        wish->verb = STORE_WALLET;
        put(script, "%s /user/n%05u/discount%s HTTP/1.1\r\n", method, number, limit);
        break;
    }
    head_put(script, wish, "\r\n");
}

static void ping_put(struct script *script, struct chance *chance, struct wish *wish)
{
    wish->verb = STORE_PING;
    wish->is_nameless = true;
    if (wish->number % 2 == 0) {
        put(script, "%s /readyz HTTP/1.1\r\n", get_or_head(chance, wish));
    } else {
        put(script, "%s /healthy HTTP/1.1\r\n", get_or_head(chance, wish));
    }
    head_put(script, wish, "\r\n");
}

/* Requests that do not ask the store. */
static void simple_put(struct script *script, struct chance *chance, struct wish *wish)
{
    static const struct {
        int code;
        const char *line, *rest;
    } rows[] = {
        {200, "GET /livez HTTP/1.1\r\n", "\r\n"},
        {204, "OPTIONS /discount HTTP/1.1\r\n", "\r\n"},
        {404, "GET /nowhere HTTP/1.1\r\n", "\r\n"},
        {405, "DELETE /discount HTTP/1.1\r\n", "\r\n"},
        {400, "GET /discount?x HTTP/1.1\r\n", "\r\n"},
        {415, "POST /discount HTTP/1.1\r\n", "Content-Length: 2\r\n\r\n{}"},
        {422, "POST /discount HTTP/1.1\r\n",
         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
        {200, "GET /openapi.yaml HTTP/1.1\r\n", "\r\n"},
        {200, "GET /metrics HTTP/1.1\r\n", "\r\n"},
        {200, "HEAD /problems/overloaded HTTP/1.1\r\n", "\r\n"},
        /* A request that is refused before its body ends the connection. */
        {400, "GET /livez HTTP/1.1\r\n", "Host: u\r\n\r\n"},
        {413, "POST /discount HTTP/1.1\r\n", "Content-Length: 16385\r\n\r\n"},
    };
    size_t i = chance_below(chance, sizeof(rows) / sizeof(rows[0]));

    wish->code = rows[i].code;
    wish->is_head = rows[i].line[0] == 'H';
    put(script, "%s", rows[i].line);
    head_put(script, wish, rows[i].rest);
}

/* A body in many pieces that is one byte too long. */
static void large_put(struct script *script, struct chance *chance, struct wish *wish)
{
    wish->code = 413;
    put(script, "POST /discount HTTP/1.1\r\n");
    head_put(script, wish, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned left = 16385, size; left > 0; left -= size) {
        size = 256 + chance_below(chance, 3841);
        size = size < left ? size : left;
        put(script, "%x\r\n%*s\r\n", size, (int)size, "");
    }
    put(script, "0\r\n\r\n");
}

void script_add(struct script *script, struct chance *chance, unsigned number)
{
    static void (*const kinds[])(struct script *, struct chance *, struct wish *) = {
        create_put, grant_put, grant_put, get_put,    grant_get_put,
        list_put,   list_put,  ping_put,  simple_put,
    };
    struct wish *wish = &script->wishes[script->count++];

    assert(script->count <= SCRIPT_REQUESTS);
    *wish = (struct wish){.number = number, .first = STATUS_COUNT, .sent_at_ms = UINT64_MAX};
    if (script->count == 1 && chance_one_in(chance, 16)) {
        large_put(script, chance, wish);
    } else {
        kinds[chance_below(chance, sizeof(kinds) / sizeof(kinds[0]))](script, chance, wish);
    }
    wish->end = script->size;
}

/* Returns the number in `count` digits after the first `before` characters. */
static long digits_of(struct str name, size_t before, size_t count)
{
    char digits[24];

    if (name.n < before + count) {
        return -1;
    }
    memcpy(digits, name.p + before, count);
    digits[count] = '\0';
    return strtol(digits, NULL, 10);
}

long script_number_of(const struct store_op *op)
{
    switch (op->verb) {
    case STORE_CREATE:
        return digits_of(op->create.discount.brand_id, 1, 5);
    case STORE_GET:
        return digits_of(op->get.discount.id, 4, 21);
    case STORE_LIST:
        return digits_of(op->list.brand_id, 1, 5);
    case STORE_GRANT:
    case STORE_GRANT_GET:
        return digits_of(op->grant.grant.discount_id, 4, 21);
    case STORE_GRANTS:
        return digits_of(op->grants.discount_id, 4, 21);
    case STORE_WALLET:
        return digits_of(op->wallet.user_id, 1, 5);
    case STORE_PING:
    case STORE_VERB_COUNT:
        break;
    }
    return -1;
}
