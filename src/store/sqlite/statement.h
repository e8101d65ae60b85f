/* SPDX-License-Identifier: MIT */
/* A row of the table of discounts, read in the same way by serving and by verifying. */
#ifndef STORE_SQLITE_STATEMENT_H
#define STORE_SQLITE_STATEMENT_H

#include <sqlite3.h>

#include "discount/discount.h"

/* The first columns of a statement for sqlite_statement_discount. */
#define ROW_DISCOUNT                                                                               \
    "brand_id, discount_code, total_count, granted_count, created_at, starts_at, expires_at, id"
#define ROW_DISCOUNT_COLUMNS 8

/* Reads the row's discount without validating it. Its texts are borrowed until the statement's next
 * step. */
void sqlite_statement_discount(sqlite3_stmt *row, struct discount *ret_discount);
/* Reads a text; another type gives an empty one. Borrowed as above. */
struct str sqlite_statement_text(sqlite3_stmt *row, int column);
/* Reads a time. NULL gives 0, "none". A stored 0 gives -1, which is invalid. */
int64_t sqlite_statement_time(sqlite3_stmt *row, int column);

#endif
