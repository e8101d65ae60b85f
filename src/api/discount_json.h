/* SPDX-License-Identifier: MIT */
/* Discounts as JSON. Members are printed in sorted order. On the thread of the request. */
#ifndef API_DISCOUNT_JSON_H
#define API_DISCOUNT_JSON_H

#include "api/document_json.h"
#include "discount/discount.h"

/* Reads what a brand sends to create a discount, and begins the faults; see document_read. */
enum status discount_read(struct str text, struct arena *arena, struct discount *ret_discount,
                          struct document_errors *ret_errors);

/* A discount as it was created, without its counts, and with them: a text with a line's end behind
 * it, in the arena. p is NULL without memory, and when a text in the store is not UTF-8. */
struct str discount_print_created(const struct discount *discount, struct arena *arena);
struct str discount_print(const struct discount *discount, struct arena *arena);

/* What a user holds: a discount as it was created, and since when. In the same way. */
struct str discount_print_user_grant(const struct user_grant *user_grant, struct arena *arena);

#endif
