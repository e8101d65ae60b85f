/* SPDX-License-Identifier: MIT */
/* Input: a method, a newline, a raw request target. It must be refused, or its parts must be what
 * the handlers rely on. */
#include <stdint.h>
#include <stdlib.h>

#include "api/cursor.h"
#include "api/etag.h"
#include "api/routes.h"
#include "discount/discount.h"
#include "fuzz.h"
#include "http/router.h"

static void check_text(struct str text)
{
    MUST(text.p != NULL);
    MUST(text.n == 0 || discount_text_is_valid(text, LIMIT_TARGET));
}

/* Cursors, which clients send back to us, are read from query values. */
static void check_cursors(struct str text, struct arena *arena)
{
    static const enum cursor_list lists[] = {CURSOR_DISCOUNTS, CURSOR_GRANTS, CURSOR_WALLET};
    const struct str subject = STR("");

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct cursor cursor;

        if (cursor_read(lists[i], subject, text, arena, &cursor) == CURSOR_OK) {
            struct str printed = cursor_print(lists[i], subject, cursor, arena);

            /* Only leading zeros of a time may differ. */
            MUST(printed.p != NULL && printed.n <= text.n);
        }
    }
    etag_is_among("\"0123456789abcdef\"", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct router router = {routes_table, routes_count};
    struct str input = {(const char *)bytes, size};
    size_t n = size == 0 ? 0 : (size_t)bytes[0] % 9;
    struct str method = {input.p + (size > 0), n < size ? n : 0};
    struct str raw = str_from(input, size == 0 ? 0 : 1 + method.n);
    struct str params[LIMIT_PATH_SEGMENTS];
    char allow[ROUTER_ALLOW_SIZE];
    const struct route *route = NULL;
    struct target target;
    struct arena arena;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    if (target_parse(raw, &arena, &target) == STATUS_OK) {
        MUST(target.segment_count >= 1 && target.segment_count <= LIMIT_PATH_SEGMENTS);
        MUST(target.query_count <= LIMIT_QUERY_PAIRS);
        for (size_t i = 0; i < target.segment_count; i++) {
            check_text(target.segments[i]);
        }
        for (size_t i = 0; i < target.query_count; i++) {
            check_text(target.query[i].name);
            check_text(target.query[i].value);
            check_cursors(target.query[i].value, &arena);
        }
        if (router_match(&router, method, &target, &route, params, allow) == STATUS_OK) {
            MUST(route >= routes_table && route < routes_table + routes_count);
        }
    }
    arena_fini(&arena);
    return 0;
}
