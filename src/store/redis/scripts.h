/* SPDX-License-Identifier: MIT */
/* The scripts of src/store/redis/scripts/, which the build embeds. */
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
