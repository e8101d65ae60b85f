/* SPDX-License-Identifier: MIT */
/* The domain: what a discount and a grant are, and which texts may name them. Pure; any thread.
 * Strings are borrowed; whoever fills the struct says whose they are. */
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
    int64_t starts_at_us;  /* 0: from its creation on */
    int64_t expires_at_us; /* 0: never */
};

struct grant {
    struct str discount_id;
    struct str discount_code;
    struct str user_id;
    int64_t granted_at_us;
};

/* A grant as its user sees it: what is held, and since when. */
struct user_grant {
    struct discount discount; /* without its granted_count */
    int64_t granted_at_us;
};

/* "dsc-" and 22 characters of unpadded base64url (RFC 4648, section 5) over a random UUID. */
#define DISCOUNT_ID_LENGTH 26

/* Writes a new id, without a NUL. Ids come from the kernel's random source and are never reused. */
void discount_id_make(char ret_id[DISCOUNT_ID_LENGTH]);

/* Whether the text has the form of an id; such a discount need not exist. */
bool discount_id_is_valid(struct str text);

/* Whether the text is well-formed UTF-8 (RFC 3629) of 1 to `limit` bytes without control characters
 * (U+0000 to U+001F, U+007F to U+009F). */
bool discount_text_is_valid(struct str text, size_t limit);

/* What lies in a store may be damaged, or somebody else's. These are the rule for what this service
 * would have written there, whatever the store. */

/* The next thing that is wrong with a discount, as a static text, from *at on, which is 0 at first
 * and moves behind it; NULL when there is nothing more. More grants than the stock are no fault of
 * the discount's here: it can be read, and who lowers a stock may know why. */
const char *discount_next_error(const struct discount *discount, size_t *at);
/* Where *at begins for what a grant needs: all but the id, the brand and the time of creation. */
#define DISCOUNT_TERMS 3
bool discount_is_valid(const struct discount *discount);
bool discount_code_is_valid(struct str discount_code);
bool user_id_is_valid(struct str user_id);

#endif
