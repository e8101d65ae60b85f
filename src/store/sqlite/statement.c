/* SPDX-License-Identifier: MIT */
/* In: a statement at a row. Out: the values of the row. */
#include "store/sqlite/statement.h"

struct str sqlite_statement_text(sqlite3_stmt *row, int column)
{
    /* SQLite returns NULL for an empty text. */
    const void *bytes = sqlite3_column_blob(row, column);

    return bytes == NULL ? STR("") : (struct str){bytes, (size_t)sqlite3_column_bytes(row, column)};
}

int64_t sqlite_statement_time(sqlite3_stmt *row, int column)
{
    int64_t time_us = sqlite3_column_int64(row, column);

    return time_us == 0 && sqlite3_column_type(row, column) != SQLITE_NULL ? -1 : time_us;
}

void sqlite_statement_discount(sqlite3_stmt *row, struct discount *ret_discount)
{
    *ret_discount = (struct discount){
        .brand_id = sqlite_statement_text(row, 0),
        .discount_code = sqlite_statement_text(row, 1),
        .total_count = sqlite3_column_int64(row, 2),
        .granted_count = sqlite3_column_int64(row, 3),
        .created_at_us = sqlite3_column_int64(row, 4),
        .starts_at_us = sqlite_statement_time(row, 5),
        .expires_at_us = sqlite_statement_time(row, 6),
        .id = sqlite_statement_text(row, 7),
    };
}
