/* SPDX-License-Identifier: MIT */
#include "store/check.h"

#include <inttypes.h>

#include "support/test.h"

void check_that(const struct scene *scene, bool holds, const char *text, const char *file, int line)
{
    if (!holds) {
        print_error("%s: %s does not hold\n", scene->who, text);
        _fail(file, line);
    }
}

void check_int(const struct scene *scene, int64_t found, int64_t wanted, const char *text,
               const char *file, int line)
{
    if (found != wanted) {
        print_error("%s: %s is %" PRId64 ", not %" PRId64 "\n", scene->who, text, found, wanted);
        _fail(file, line);
    }
}

void check_str(const struct scene *scene, struct str found, struct str wanted, const char *text,
               const char *file, int line)
{
    if (!str_eq(found, wanted)) {
        print_error("%s: %s is \"%.*s\", not \"%.*s\"\n", scene->who, text, (int)found.n, found.p,
                    (int)wanted.n, wanted.p);
        _fail(file, line);
    }
}

void check_nothing(const struct scene *scene, const char *broken, const char *file, int line)
{
    if (broken != NULL) {
        print_error("%s: %s\n", scene->who, broken);
        _fail(file, line);
    }
}

void check_status(const struct scene *scene, const struct attempt *attempt, enum status wanted,
                  const char *text, const char *file, int line)
{
    if (attempt->done == 0) {
        print_error("%s: %s is not done\n", scene->who, text);
        _fail(file, line);
    }
    if (attempt->op.status != wanted) {
        print_error("%s: %s is %s, not %s\n", scene->who, text, status_name(attempt->op.status),
                    status_name(wanted));
        _fail(file, line);
    }
}
