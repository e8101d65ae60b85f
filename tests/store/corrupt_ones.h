/* SPDX-License-Identifier: MIT */
/* Every request about a discount whose data are damaged. On the test's own thread. */
#ifndef STORE_CORRUPT_ONES_H
#define STORE_CORRUPT_ONES_H

#include "store/store_fixture.h"

enum { GET = 1, LIST = 2, GRANT = 4, REPEAT = 8, GRANT_GET = 16, GRANTS = 32, WALLET = 64 };
enum { ALL = GET | LIST | GRANT | REPEAT | GRANT_GET | GRANTS | WALLET };
/* These show all of a discount; the others need only its code. */
enum { SHOWN = GET | LIST | WALLET };

/* Makes each kind of request, some for this user, who has a grant. Returns which were CORRUPT. The
 * others must be OK. */
int corrupt_ones(struct store_fixture *fixture, struct str id, struct str holder);

#endif
