/* SPDX-License-Identifier: MIT */
/* The scripts in scripts/, which the build embeds: VERB.lua is that of STORE_VERB. */
#ifndef STORE_REDIS_SCRIPTS_H
#define STORE_REDIS_SCRIPTS_H

#include "discount/store.h"

struct redis_script {
    struct str text;
    struct str sha1; /* in hexadecimal, as EVALSHA expects it */
};

/* The script of each verb; text.n == 0 for a verb without one. */
extern const struct redis_script redis_scripts[STORE_VERB_COUNT];

#endif
