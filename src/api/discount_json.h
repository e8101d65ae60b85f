/* SPDX-License-Identifier: MIT */
/* Discounts as JSON. Members are printed in sorted order. On the thread of the request. */
#ifndef API_DISCOUNT_JSON_H
#define API_DISCOUNT_JSON_H

#include "api/document_json.h"
#include "discount/discount.h"

/* Reads the document that creates a discount, and initialises the errors; see document_read. */
enum status discount_read(struct str text, struct arena *arena, struct discount *ret_discount,
                          struct document_errors *ret_errors);

/* Prints a discount as it was created (without its counts), or with its counts. The text is in the
 * arena and ends with a newline. p is NULL without memory, or if a text in the store is not UTF-8.
 * */
struct str discount_print_created(const struct discount *discount, struct arena *arena);
struct str discount_print(const struct discount *discount, struct arena *arena);

/* Prints a user's grant in the same way: the discount as it was created, and granted_at. */
struct str discount_print_user_grant(const struct user_grant *user_grant, struct arena *arena);

#endif
