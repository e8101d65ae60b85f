/* SPDX-License-Identifier: MIT */
/* The table of the embedded scripts. */
#include "store/redis/scripts.h"

#include "verbs.lua.h"

#define ROW(verb, name)                                                                            \
    [verb] = {.text = {name, sizeof(name) - 1}, .sha1 = {name##_sha1, sizeof(name##_sha1) - 1}},

const struct redis_script redis_scripts[STORE_VERB_COUNT] = {VERBS_LUA(ROW)};
