/* SPDX-License-Identifier: MIT */
/* Grants as JSON: struct grant on the inside, text on the outside. */
#include "api/grant_json.h"

#include "api/json_text.h"
#include "discount/limits.h"
#include "discount/timestamp.h"

enum status grant_read(struct str text, struct arena *arena, struct str *ret_user_id,
                       struct document_errors *ret_errors)
{
    const struct member members[] = {
        {"user_id", MEMBER_TEXT, true, LIMIT_USER_ID, ret_user_id},
    };

    document_errors_init(ret_errors, arena);
    return document_read(text, members, 1, ret_errors);
}

struct str grant_print(const struct grant *grant, struct arena *arena)
{
    static const struct str code = STR_INIT("{\"discount_code\":"),
                            id = STR_INIT(",\"discount_id\":"),
                            time = STR_INIT(",\"granted\":true,\"granted_at\":"),
                            user = STR_INIT(",\"user_id\":"), end = STR_INIT("}\n");
    char granted_at[TIMESTAMP_SIZE];
    struct json_text text;

    if (!json_text_begin(&text, arena,
                         code.n + id.n + time.n + user.n + end.n +
                             json_text_string_size(grant->discount_code) +
                             json_text_string_size(grant->discount_id) + TIMESTAMP_SIZE + 2 +
                             json_text_string_size(grant->user_id))) {
        return (struct str){NULL, 0};
    }
    timestamp_format(grant->granted_at_us, granted_at);
    json_text_add(&text, code);
    json_text_add_string(&text, grant->discount_code);
    json_text_add(&text, id);
    json_text_add_string(&text, grant->discount_id);
    json_text_add(&text, time);
    json_text_add_string(&text, str_of(granted_at));
    json_text_add(&text, user);
    json_text_add_string(&text, grant->user_id);
    json_text_add(&text, end);
    return (struct str){text.p, text.n};
}
