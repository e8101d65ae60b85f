/* SPDX-License-Identifier: MIT */
/* Grants as JSON. Members are printed in sorted order. On the thread of the request. */
#ifndef API_GRANT_JSON_H
#define API_GRANT_JSON_H

#include "api/document_json.h"
#include "discount/discount.h"

/* Reads the user id of a grant request, and initialises the errors; see document_read. */
enum status grant_read(struct str text, struct arena *arena, struct str *ret_user_id,
                       struct document_errors *ret_errors);

/* Prints a grant; see discount_print_created. */
struct str grant_print(const struct grant *grant, struct arena *arena);

#endif
