/* SPDX-License-Identifier: MIT */
/* Grants as JSON: struct grant on the inside, text on the outside. */
#include "api/grant_json.h"

#include <jansson.h>

#include "api/json_memory.h"
#include "discount/limits.h"
#include "discount/timestamp.h"

enum status grant_read(struct str text, struct arena *arena, struct str *ret_user_id,
                       struct faults *ret_faults)
{
    const struct member members[] = {
        {"user_id", MEMBER_TEXT, true, LIMIT_USER_ID, ret_user_id},
    };

    faults_init(ret_faults, arena);
    return document_read(text, members, 1, ret_faults);
}

struct str grant_print(const struct grant *grant, struct arena *arena)
{
    char granted_at[TIMESTAMP_SIZE];

    if (!json_memory_begin()) {
        return (struct str){NULL, 0};
    }
    timestamp_format(grant->granted_at_us, granted_at);
    return document_print(json_pack("{s:s%, s:s%, s:b, s:s, s:s%}", "discount_code",
                                    grant->discount_code.p, grant->discount_code.n, "discount_id",
                                    grant->discount_id.p, grant->discount_id.n, "granted", 1,
                                    "granted_at", granted_at, "user_id", grant->user_id.p,
                                    grant->user_id.n),
                          arena);
}
