/* SPDX-License-Identifier: MIT */
/* Discounts as JSON: struct discount on the inside, text on the outside. */
#include "api/discount_json.h"

#include "api/json_text.h"
#include "discount/limits.h"
#include "discount/timestamp.h"

enum status discount_read(struct str text, struct arena *arena, struct discount *ret_discount,
                          struct document_errors *ret_errors)
{
    struct discount discount = {0};
    const struct member members[] = {
        {"brand_id", MEMBER_TEXT, true, LIMIT_BRAND_ID, &discount.brand_id},
        {"discount_code", MEMBER_TEXT, true, LIMIT_DISCOUNT_CODE, &discount.discount_code},
        {"total_count", MEMBER_COUNT, true, LIMIT_TOTAL_COUNT, &discount.total_count},
        {"starts_at", MEMBER_TIME, false, 0, &discount.starts_at_us},
        {"expires_at", MEMBER_TIME, false, 0, &discount.expires_at_us},
    };
    enum status status;

    document_errors_init(ret_errors, arena);
    status = document_read(text, members, sizeof(members) / sizeof(members[0]), ret_errors);
    if (discount.expires_at_us != 0 && discount.expires_at_us <= discount.starts_at_us) {
        document_errors_add(ret_errors, "/expires_at", "This must be later than starts_at.");
    }
    *ret_discount = discount;
    return status;
}

/* Room for the names of all members, four times and three counts. */
#define FIXED_MOST 352

/* Adds a member. Members are added in sorted order; `name` begins with the separator. */
static void text_add(struct json_text *text, struct str name, struct str value)
{
    json_text_add(text, name);
    json_text_add_string(text, value);
}

static void count_add(struct json_text *text, struct str name, int64_t count)
{
    json_text_add(text, name);
    json_text_add_number(text, count);
}

/* Adds a time, or nothing if it is 0: a discount without that time has 0. */
static void time_add(struct json_text *text, struct str name, int64_t us)
{
    char time[TIMESTAMP_SIZE];

    if (us != 0) {
        timestamp_format(us, time);
        text_add(text, name, str_of(time));
    }
}

/* Writes a discount. A granted_at_us of 0 is left out. */
static struct str discount_write(const struct discount *discount, bool with_counts,
                                 int64_t granted_at_us, struct arena *arena)
{
    int64_t left = discount->total_count - discount->granted_count;
    struct json_text text;

    if (!json_text_begin(&text, arena,
                         FIXED_MOST + json_text_string_size(discount->brand_id) +
                             json_text_string_size(discount->discount_code) +
                             json_text_string_size(discount->id))) {
        return (struct str){NULL, 0};
    }
    text_add(&text, STR("{\"brand_id\":"), discount->brand_id);
    time_add(&text, STR(",\"created_at\":"), discount->created_at_us);
    text_add(&text, STR(",\"discount_code\":"), discount->discount_code);
    time_add(&text, STR(",\"expires_at\":"), discount->expires_at_us);
    time_add(&text, STR(",\"granted_at\":"), granted_at_us);
    if (with_counts) {
        count_add(&text, STR(",\"granted_count\":"), discount->granted_count);
    }
    text_add(&text, STR(",\"id\":"), discount->id);
    if (with_counts) {
        count_add(&text, STR(",\"remaining_count\":"), left > 0 ? left : 0);
    }
    time_add(&text, STR(",\"starts_at\":"), discount->starts_at_us);
    count_add(&text, STR(",\"total_count\":"), discount->total_count);
    json_text_add(&text, STR("}\n"));
    return (struct str){text.p, text.n};
}

struct str discount_print_created(const struct discount *discount, struct arena *arena)
{
    return discount_write(discount, false, 0, arena);
}

struct str discount_print(const struct discount *discount, struct arena *arena)
{
    return discount_write(discount, true, 0, arena);
}

struct str discount_print_user_grant(const struct user_grant *user_grant, struct arena *arena)
{
    return discount_write(&user_grant->discount, false, user_grant->granted_at_us, arena);
}
