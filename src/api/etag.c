/* SPDX-License-Identifier: MIT */
/* The tag is a hash of the answer's bytes, in quotes. */
#include "api/etag.h"

#include <inttypes.h>

#include "base/fnv1a.h"

/* A cryptographic hash is not needed: nobody gains anything by a collision. */
const char *etag_print(struct str body, struct arena *arena)
{
    return arena_printf(arena, "\"%016" PRIx64 "\"", fnv1a(FNV1A_EMPTY, body)).p;
}

static struct str blanks_skip(struct str text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text = str_from(text, 1);
    }
    return text;
}

/* Takes one entity-tag from the front of the text, without its W/. Returns n == 0 if there is none.
 * */
static struct str tag_take(struct str *text)
{
    struct str rest = *text, tag;
    const char *end;

    if (rest.n > 2 && rest.p[0] == 'W' && rest.p[1] == '/') {
        rest = str_from(rest, 2);
    }
    end = rest.n < 2 || rest.p[0] != '"' ? NULL : memchr(rest.p + 1, '"', rest.n - 1);
    if (end == NULL) {
        return (struct str){NULL, 0};
    }
    tag = (struct str){rest.p, (size_t)(end - rest.p) + 1};
    *text = blanks_skip(str_from(rest, tag.n));
    return tag;
}

bool etag_is_among(const char *etag, struct str if_none_match)
{
    struct str rest = blanks_skip(if_none_match);

    if (str_eq(rest, STR("*"))) {
        return true;
    }
    while (rest.n > 0) {
        struct str tag = tag_take(&rest);

        if (tag.n > 0 && str_eq(tag, str_of(etag))) {
            return true;
        }
        if (tag.n == 0 || rest.n == 0 || rest.p[0] != ',') {
            return false;
        }
        rest = blanks_skip(str_from(rest, 1));
    }
    return false;
}
