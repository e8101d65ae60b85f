/* SPDX-License-Identifier: MIT */
/* The table of the embedded scripts. */
#include "store/redis/scripts.h"

#include "create.lua.h"
#include "get.lua.h"
#include "grant.lua.h"
#include "grant_get.lua.h"
#include "grants.lua.h"
#include "list.lua.h"
#include "wallet.lua.h"

#define SCRIPT(name)                                                                               \
    {                                                                                              \
        .text = {name, sizeof(name) - 1}, .sha1 = { name##_sha1, sizeof(name##_sha1) - 1 }         \
    }

const struct redis_script redis_scripts[STORE_VERB_COUNT] = {
    [STORE_CREATE] = SCRIPT(create_lua),       [STORE_GET] = SCRIPT(get_lua),
    [STORE_LIST] = SCRIPT(list_lua),           [STORE_GRANT] = SCRIPT(grant_lua),
    [STORE_GRANT_GET] = SCRIPT(grant_get_lua), [STORE_GRANTS] = SCRIPT(grants_lua),
    [STORE_WALLET] = SCRIPT(wallet_lua),
};
