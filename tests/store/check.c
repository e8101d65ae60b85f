/* SPDX-License-Identifier: MIT */
#include "store/check.h"

#include <inttypes.h>

#include "support/test.h"

void check_that(const struct store_fixture *fixture, bool holds, const char *text, const char *file,
                int line)
{
    if (!holds) {
        print_error("%s: %s does not hold\n", fixture->who, text);
        _fail(file, line);
    }
}

void check_int(const struct store_fixture *fixture, int64_t found, int64_t wanted, const char *text,
               const char *file, int line)
{
    if (found != wanted) {
        print_error("%s: %s is %" PRId64 ", not %" PRId64 "\n", fixture->who, text, found, wanted);
        _fail(file, line);
    }
}

void check_str(const struct store_fixture *fixture, struct str found, struct str wanted,
               const char *text, const char *file, int line)
{
    if (!str_eq(found, wanted)) {
        print_error("%s: %s is \"%.*s\", not \"%.*s\"\n", fixture->who, text, (int)found.n, found.p,
                    (int)wanted.n, wanted.p);
        _fail(file, line);
    }
}

void check_nothing(const struct store_fixture *fixture, const char *broken, const char *file,
                   int line)
{
    if (broken != NULL) {
        print_error("%s: %s\n", fixture->who, broken);
        _fail(file, line);
    }
}

void check_status(const struct store_fixture *fixture, const struct attempt *attempt,
                  enum status wanted, const char *text, const char *file, int line)
{
    if (attempt->done == 0) {
        print_error("%s: %s is not done\n", fixture->who, text);
        _fail(file, line);
    }
    if (attempt->op.status != wanted) {
        print_error("%s: %s is %s, not %s\n", fixture->who, text, status_name(attempt->op.status),
                    status_name(wanted));
        _fail(file, line);
    }
}
