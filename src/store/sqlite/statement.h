/* SPDX-License-Identifier: MIT */
/* A row of the table of discounts, read in one way by who serves it and by who verifies it. */
#ifndef STORE_SQLITE_STATEMENT_H
#define STORE_SQLITE_STATEMENT_H

#include <sqlite3.h>

#include "discount/discount.h"

/* What a statement selects first that sqlite_statement_discount is to read. */
#define ROW_DISCOUNT                                                                               \
    "brand_id, discount_code, total_count, granted_count, created_at, starts_at, expires_at, id"
#define ROW_DISCOUNT_COLUMNS 8

/* The row's discount, whatever is there: that it is sound is to be looked at. Its texts are
 * borrowed until the statement's next step. */
void sqlite_statement_discount(sqlite3_stmt *row, struct discount *ret_discount);
/* A text; what is none is an empty one. Borrowed as above. */
struct str sqlite_statement_text(sqlite3_stmt *row, int column);
/* A time; 0 where there is none, which in a table is NULL. A stored 0 becomes -1, which is no time.
 */
int64_t sqlite_statement_time(sqlite3_stmt *row, int column);

#endif
