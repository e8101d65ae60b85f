/* SPDX-License-Identifier: MIT */
/* Input: a body. An accepted discount or grant must be valid, and a refusal must have its errors in
 * order. */
#include "api/discount_json.h"
#include "api/grant_json.h"
#include "discount/limits.h"
#include "fuzz.h"

static void check_discount(struct str body, struct arena *arena)
{
    struct discount discount = {0};
    struct document_errors faults;

    if (discount_read(body, arena, &discount, &faults) != STATUS_OK ||
        !document_errors_are_none(&faults)) {
        return;
    }
    MUST(discount_text_is_valid(discount.brand_id, LIMIT_BRAND_ID));
    MUST(discount_text_is_valid(discount.discount_code, LIMIT_DISCOUNT_CODE));
    MUST(discount.total_count >= 1 && discount.total_count <= LIMIT_TOTAL_COUNT);
    MUST(discount.starts_at_us == 0 || discount.expires_at_us == 0 ||
         discount.expires_at_us > discount.starts_at_us);
    discount.id = STR("dsc-AAAAAAAAAAAAAAAAAAAAAA");
    discount.created_at_us = 1;
    MUST(discount_print(&discount, arena).p != NULL);
}

static void check_grant(struct str body, struct arena *arena)
{
    struct grant grant = {.discount_id = STR("dsc-AAAAAAAAAAAAAAAAAAAAAA"),
                          .discount_code = STR("c"),
                          .granted_at_us = 1};
    struct document_errors faults;

    if (grant_read(body, arena, &grant.user_id, &faults) == STATUS_OK &&
        document_errors_are_none(&faults)) {
        const char *error = user_id_new_error(grant.user_id);

        MUST(user_id_is_valid(grant.user_id));
        MUST(error == NULL || strncmp(error, "This must ", 10) == 0);
        MUST(grant_print(&grant, arena).p != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool is_ready;
    struct str body = {(const char *)bytes, size};
    struct arena arena;

    if (!is_ready) {
        document_init();
        is_ready = true;
    }
    if (size > LIMIT_BODY) {
        return 0; /* the server passes on no longer body */
    }
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    check_discount(body, &arena);
    check_grant(body, &arena);
    arena_fini(&arena);
    return 0;
}
