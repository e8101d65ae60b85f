/* SPDX-License-Identifier: MIT */
/* The status list as a table. */
#include "discount/status.h"

#include <assert.h>

struct status_row {
    int code;
    const char *name;
    const char *title;
    const char *detail;
    const char *advice;
};

static const struct status_row rows[] = {
#define STATUS_ROW(name, code, problem, title, detail, advice)                                     \
    {code, problem, title, detail, advice},
    STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == STATUS_COUNT, "one row for each status");

static const struct status_row *row(enum status status)
{
    assert(status < STATUS_COUNT);
    return &rows[status];
}

int status_code(enum status status)
{
    return row(status)->code;
}

const char *status_name(enum status status)
{
    return row(status)->name;
}

const char *status_title(enum status status)
{
    return row(status)->title;
}

const char *status_detail(enum status status)
{
    return row(status)->detail;
}

const char *status_advice(enum status status)
{
    return row(status)->advice;
}
