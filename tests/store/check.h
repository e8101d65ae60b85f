/* SPDX-License-Identifier: MIT */
/* Assertions that name the backend that failed: the same case runs against each. On the test's own
 * thread. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/store_fixture.h"

#define CHECK(fixture, condition) check_that((fixture), (condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(fixture, found, wanted)                                                          \
    check_int((fixture), (int64_t)(found), (int64_t)(wanted), #found, __FILE__, __LINE__)
#define CHECK_STR(fixture, found, wanted)                                                          \
    check_str((fixture), (found), (wanted), #found, __FILE__, __LINE__)
/* Requires that nothing went wrong: `broken` names a broken law, or is NULL. */
#define CHECK_NOTHING(fixture, broken) check_nothing((fixture), (broken), __FILE__, __LINE__)
/* Requires that an attempt is done with this status. */
#define CHECK_STATUS(fixture, attempt, wanted)                                                     \
    check_status((fixture), (attempt), (wanted), #attempt, __FILE__, __LINE__)

void check_that(const struct store_fixture *fixture, bool holds, const char *text, const char *file,
                int line);
void check_int(const struct store_fixture *fixture, int64_t found, int64_t wanted, const char *text,
               const char *file, int line);
void check_str(const struct store_fixture *fixture, struct str found, struct str wanted,
               const char *text, const char *file, int line);
void check_nothing(const struct store_fixture *fixture, const char *broken, const char *file,
                   int line);
void check_status(const struct store_fixture *fixture, const struct attempt *attempt,
                  enum status wanted, const char *text, const char *file, int line);

#endif
