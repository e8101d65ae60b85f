/* SPDX-License-Identifier: MIT */
#include "store/corrupt_ones.h"

#include "store/check.h"

int corrupt_ones(struct store_fixture *fixture, struct str id, struct str holder)
{
    struct attempt *asked[] = {
        submit_get(fixture, id),
        submit_list(fixture, 0, 10),
        submit_grant(fixture, id, STR("new")),
        submit_grant(fixture, id, holder),
        submit_grant_get(fixture, id, holder),
        submit_grants_of(fixture, id, NULL, 10),
        submit_wallet_of(fixture, holder, NULL, 10),
    };
    int found = 0;

    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        found |= asked[i]->op.status == STATUS_CORRUPT ? 1 << i : 0;
        CHECK(fixture, asked[i]->op.status == STATUS_CORRUPT || asked[i]->op.status == STATUS_OK);
    }
    return found;
}
