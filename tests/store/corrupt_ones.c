/* SPDX-License-Identifier: MIT */
#include "store/corrupt_ones.h"

#include "store/check.h"

int corrupt_ones(struct scene *scene, struct str id, struct str holder)
{
    struct attempt *asked[] = {
        submit_get(scene, id),
        submit_list(scene, 0, 10),
        submit_grant(scene, id, STR("new")),
        submit_grant(scene, id, holder),
        submit_grant_get(scene, id, holder),
        submit_grants_of(scene, id, NULL, 10),
        submit_wallet_of(scene, holder, NULL, 10),
    };
    int found = 0;

    CHECK(scene, scene_settle(scene));
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        found |= asked[i]->op.status == STATUS_CORRUPT ? 1 << i : 0;
        CHECK(scene, asked[i]->op.status == STATUS_CORRUPT || asked[i]->op.status == STATUS_OK);
    }
    return found;
}
