/* SPDX-License-Identifier: MIT */
/* The domain: what a discount and a grant are, and which texts may name them. Pure; any thread.
 * Strings are borrowed; the code that fills a struct says who owns them. */
#ifndef DISCOUNT_DISCOUNT_H
#define DISCOUNT_DISCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "discount/str.h"

struct discount {
    struct str id;
    struct str brand_id;
    struct str discount_code;
    int64_t total_count;
    int64_t granted_count;
    int64_t created_at_us;
    int64_t starts_at_us;  /* 0: from its creation */
    int64_t expires_at_us; /* 0: never */
};

struct grant {
    struct str discount_id;
    struct str discount_code;
    struct str user_id;
    int64_t granted_at_us;
};

/* A grant as its user sees it: the discount, and when it was granted. */
struct user_grant {
    struct discount discount; /* without its granted_count */
    int64_t granted_at_us;
};

/* "dsc-" and 22 characters of unpadded base64url (RFC 4648, section 5) over a random UUID. */
#define DISCOUNT_ID_LENGTH 26

/* Writes a new id, without a NUL. Ids come from the kernel's random source and are never reused. */
void discount_id_make(char ret_id[DISCOUNT_ID_LENGTH]);

/* Returns whether the text has the form of an id. A discount with this id need not exist. */
bool discount_id_is_valid(struct str text);

/* Returns whether the text is well-formed UTF-8 (RFC 3629) of 1 to `limit` bytes without control
 * characters (U+0000 to U+001F, U+007F to U+009F). */
bool discount_text_is_valid(struct str text, size_t limit);

/* Returns why a valid user id gets no new grant, as a static string, or NULL. It is "." or "..",
 * which a URL cannot have in its path, or begins or ends with white space, or is invisible. Grants
 * that such a user holds from an older version are kept. */
const char *user_id_new_error(struct str user_id);

/* Data in a store may be damaged, or written by another program. The functions below say what this
 * service would have written, in every backend. */

/* Returns the next validation error as a static string, or NULL. `*at` is the check to start from:
 * begin with 0; each call advances it. More grants than the stock are no error here: the discount
 * can still be read, and an operator may have lowered the stock on purpose. */
const char *discount_next_error(const struct discount *discount, size_t *at);
/* The first check of what a grant needs: all but the id, the brand and the time of creation. */
#define DISCOUNT_TERMS 3
bool discount_is_valid(const struct discount *discount);
bool discount_code_is_valid(struct str discount_code);
bool user_id_is_valid(struct str user_id);

#endif
