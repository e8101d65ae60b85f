/* SPDX-License-Identifier: MIT */
/* Discounts as JSON: struct discount on the inside, text on the outside. */
#include "api/discount_json.h"

#include <jansson.h>

#include "api/json_memory.h"
#include "discount/limits.h"
#include "discount/timestamp.h"

enum status discount_read(struct str text, struct arena *arena, struct discount *ret_discount,
                          struct faults *ret_faults)
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

    faults_init(ret_faults, arena);
    status = document_read(text, members, sizeof(members) / sizeof(members[0]), ret_faults);
    if (discount.expires_at_us != 0 && discount.expires_at_us <= discount.starts_at_us) {
        faults_add(ret_faults, "/expires_at", "This must be later than starts_at.");
    }
    *ret_discount = discount;
    return status;
}

static bool text_set(json_t *object, const char *name, struct str text)
{
    /* The texts were checked to be UTF-8 when they came in; jansson checks stored ones again. */
    return json_object_set_new(object, name, json_stringn(text.p, text.n)) == 0;
}

static bool count_set(json_t *object, const char *name, int64_t count)
{
    return json_object_set_new(object, name, json_integer(count)) == 0;
}

/* Leaves a time of 0 out: that is how a discount says "none". */
static bool time_set(json_t *object, const char *name, int64_t us)
{
    char text[TIMESTAMP_SIZE];

    if (us == 0) {
        return true;
    }
    timestamp_format(us, text);
    return json_object_set_new(object, name, json_string(text)) == 0;
}

/* jansson keeps the order in which members are set, so it is the sorted one here. A granted_at of 0
 * is left out. */
static json_t *discount_encode(const struct discount *discount, bool with_counts,
                               int64_t granted_at_us)
{
    int64_t left = discount->total_count - discount->granted_count;
    json_t *object = json_memory_begin() ? json_object() : NULL;

    if (text_set(object, "brand_id", discount->brand_id) &&
        time_set(object, "created_at", discount->created_at_us) &&
        text_set(object, "discount_code", discount->discount_code) &&
        time_set(object, "expires_at", discount->expires_at_us) &&
        time_set(object, "granted_at", granted_at_us) &&
        (!with_counts || count_set(object, "granted_count", discount->granted_count)) &&
        text_set(object, "id", discount->id) &&
        (!with_counts || count_set(object, "remaining_count", left > 0 ? left : 0)) &&
        time_set(object, "starts_at", discount->starts_at_us) &&
        count_set(object, "total_count", discount->total_count)) {
        return object;
    }
    json_decref(object);
    return NULL;
}

struct str discount_print_created(const struct discount *discount, struct arena *arena)
{
    return document_print(discount_encode(discount, false, 0), arena);
}

struct str discount_print(const struct discount *discount, struct arena *arena)
{
    return document_print(discount_encode(discount, true, 0), arena);
}

struct str holding_print(const struct holding *holding, struct arena *arena)
{
    return document_print(discount_encode(&holding->discount, false, holding->granted_at_us),
                          arena);
}
