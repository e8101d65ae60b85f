/* SPDX-License-Identifier: MIT */
/* Assertions that say whose failure it is: the same case runs against each backend. On the test's
 * own thread. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/store_fixture.h"

#define CHECK(scene, condition) check_that((scene), (condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(scene, found, wanted)                                                            \
    check_int((scene), (int64_t)(found), (int64_t)(wanted), #found, __FILE__, __LINE__)
#define CHECK_STR(scene, found, wanted)                                                            \
    check_str((scene), (found), (wanted), #found, __FILE__, __LINE__)
/* What went wrong, such as a law that was broken, is NULL: nothing. */
#define CHECK_NOTHING(scene, broken) check_nothing((scene), (broken), __FILE__, __LINE__)
/* An attempt is done and has this status. */
#define CHECK_STATUS(scene, attempt, wanted)                                                       \
    check_status((scene), (attempt), (wanted), #attempt, __FILE__, __LINE__)

void check_that(const struct scene *scene, bool holds, const char *text, const char *file,
                int line);
void check_int(const struct scene *scene, int64_t found, int64_t wanted, const char *text,
               const char *file, int line);
void check_str(const struct scene *scene, struct str found, struct str wanted, const char *text,
               const char *file, int line);
void check_nothing(const struct scene *scene, const char *broken, const char *file, int line);
void check_status(const struct scene *scene, const struct attempt *attempt, enum status wanted,
                  const char *text, const char *file, int line);

#endif
