/* SPDX-License-Identifier: MIT */
#include "api/discount_json.h"

#include "unit/api/refusal.h"
#include "unit/assert_str.h"

/* A document with everything that is required, without its end. */
#define BEGINNING "{\"brand_id\":\"adidas\",\"discount_code\":\"ADIDAS10\""
#define COUNT ",\"total_count\":3"
#define COUNT_ERROR "/total_count This must be an integer from 1 to 1000000000.\n"
#define TIME_ERROR " This must be an RFC 3339 date-time, such as 2020-11-26T10:27:57Z.\n"

static enum status status_of(const char *document)
{
    struct arena arena;
    struct document_errors errors;
    struct discount discount;
    enum status status;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    status = discount_read(str_of(document), &arena, &discount, &errors);
    arena_fini(&arena);
    return status;
}

static void assert_errors(const char *document, const char *expected)
{
    struct arena arena;
    struct document_errors errors;
    struct discount discount;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(discount_read(str_of(document), &arena, &discount, &errors), STATUS_OK);
    assert_string_equal(refusal_print(STATUS_INVALID_DISCOUNT, &errors), expected);
    arena_fini(&arena);
}

/* Reads a valid document; its texts stay in the arena. */
static struct discount read_in(struct arena *arena, const char *document)
{
    struct document_errors errors;
    struct discount discount;

    assert_int_equal(discount_read(str_of(document), arena, &discount, &errors), STATUS_OK);
    assert_true(document_errors_are_none(&errors));
    return discount;
}

static void what_a_brand_sends_is_read(void **state)
{
    struct arena arena;
    struct discount discount;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    discount = read_in(&arena, BEGINNING COUNT "}");
    assert_str_equal(discount.brand_id, "adidas");
    assert_str_equal(discount.discount_code, "ADIDAS10");
    assert_int_equal(discount.total_count, 3);
    assert_int_equal(discount.starts_at_us, 0);
    assert_int_equal(discount.expires_at_us, 0);
    arena_fini(&arena);
}

static void the_times_of_a_sale_are_read(void **state)
{
    struct arena arena;
    struct discount discount;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    discount = read_in(&arena, BEGINNING COUNT ",\"starts_at\":\"1970-01-01T00:00:01Z\","
                                               "\"expires_at\":\"1970-01-01T01:00:02.5+01:00\"}");
    assert_int_equal(discount.starts_at_us, 1000000);
    assert_int_equal(discount.expires_at_us, 2500000);
    arena_fini(&arena);
}

static void total_counts_from_1_to_the_limit_are_read(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(read_in(&arena, BEGINNING ",\"total_count\":1}").total_count, 1);
    assert_int_equal(read_in(&arena, BEGINNING ",\"total_count\":1000000000}").total_count,
                     LIMIT_TOTAL_COUNT);
    arena_fini(&arena);
}

static void total_counts_out_of_range_are_errors(void **state)
{
    (void)state;
    assert_errors(BEGINNING ",\"total_count\":0}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":-0}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":-1}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":1000000001}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":9223372036854775807}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":-9223372036854775808}", COUNT_ERROR);
}

static void total_counts_that_are_no_integers_are_errors(void **state)
{
    (void)state;
    assert_errors(BEGINNING ",\"total_count\":1.0}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":1e3}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":\"5\"}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":true}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":null}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":[5]}", COUNT_ERROR);
    assert_errors(BEGINNING ",\"total_count\":{}}", COUNT_ERROR);
}

static void a_total_count_that_no_integer_holds_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(status_of(BEGINNING ",\"total_count\":9223372036854775808}"),
                     STATUS_MALFORMED_JSON);
    assert_int_equal(status_of(BEGINNING ",\"total_count\":1e999}"), STATUS_MALFORMED_JSON);
}

static void a_discount_needs_brand_code_and_count(void **state)
{
    (void)state;
    assert_errors("{}", "/brand_id This member is required.\n"
                        "/discount_code This member is required.\n"
                        "/total_count This member is required.\n");
}

/* Against mass assignment: clients may not set members that the service counts or makes. */
static void members_that_only_the_service_sets_are_errors(void **state)
{
    (void)state;
    assert_errors(BEGINNING COUNT ",\"id\":1,\"created_at\":1,\"granted_count\":1}",
                  "/id This member is not known here.\n"
                  "/created_at This member is not known here.\n"
                  "/granted_count This member is not known here.\n");
}

static void texts_of_another_type_are_errors(void **state)
{
    (void)state;
    assert_errors("{\"brand_id\":1,\"discount_code\":null" COUNT "}",
                  "/brand_id This must be a string.\n/discount_code This must be a string.\n");
    assert_errors("{\"brand_id\":[\"a\"],\"discount_code\":{\"a\":\"b\"}" COUNT "}",
                  "/brand_id This must be a string.\n/discount_code This must be a string.\n");
}

static void assert_lengths(size_t brand, size_t code, const char *expected)
{
    struct arena arena;
    const char *document;

    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    document = arena_printf(&arena, "{\"brand_id\":\"%0*d\",\"discount_code\":\"%0*d\"%s}",
                            (int)brand, 0, (int)code, 0, COUNT)
                   .p;
    assert_errors(document, expected);
    arena_fini(&arena);
}

static void texts_have_1_to_128_and_1_to_256_bytes(void **state)
{
    const char *brand = "/brand_id This must have 1 to 128 bytes of UTF-8 and no control "
                        "characters.\n";
    const char *code = "/discount_code This must have 1 to 256 bytes of UTF-8 and no control "
                       "characters.\n";

    (void)state;
    assert_lengths(128, 256, "");
    assert_lengths(129, 256, brand);
    assert_lengths(128, 257, code);
    assert_errors("{\"brand_id\":\"\",\"discount_code\":\"a\"" COUNT "}", brand);
    assert_errors("{\"brand_id\":\"a\",\"discount_code\":\"\"" COUNT "}", code);
    assert_errors("{\"brand_id\":\"a\",\"discount_code\":\"a\\u0007\"" COUNT "}", code);
    assert_errors("{\"brand_id\":\"a\\u0085\",\"discount_code\":\"a\"" COUNT "}", brand);
}

static void times_that_are_none_are_errors(void **state)
{
    (void)state;
    assert_errors(BEGINNING COUNT ",\"starts_at\":1606386477,\"expires_at\":\"tomorrow\"}",
                  "/starts_at" TIME_ERROR "/expires_at" TIME_ERROR);
    assert_errors(BEGINNING COUNT ",\"starts_at\":null}", "/starts_at" TIME_ERROR);
    assert_errors(BEGINNING COUNT ",\"starts_at\":\"2020-02-30T00:00:00Z\"}",
                  "/starts_at" TIME_ERROR);
}

static void a_discount_must_start_before_it_expires(void **state)
{
    const char *fault = "/expires_at This must be later than starts_at.\n";

    (void)state;
    assert_errors(BEGINNING COUNT ",\"starts_at\":\"2020-01-02T00:00:00Z\","
                                  "\"expires_at\":\"2020-01-01T00:00:00Z\"}",
                  fault);
    assert_errors(BEGINNING COUNT ",\"expires_at\":\"2020-01-01T00:00:00Z\","
                                  "\"starts_at\":\"2020-01-01T01:00:00+01:00\"}",
                  fault);
    assert_errors(BEGINNING COUNT ",\"starts_at\":\"2020-01-01T00:00:00Z\","
                                  "\"expires_at\":\"2020-01-01T00:00:00.000001Z\"}",
                  "");
}

/* Internally 0 means "no such time", but a client that sends this moment means the moment. */
static void a_discount_that_expired_in_1970_does_not_live_forever(void **state)
{
    struct arena arena;
    struct document_errors errors;
    struct discount discount;

    (void)state;
    arena_init(&arena, LIMIT_REQUEST_MEMORY);
    assert_int_equal(discount_read(STR(BEGINNING COUNT ",\"expires_at\":\"1970-01-01T00:00:00Z\"}"),
                                   &arena, &discount, &errors),
                     STATUS_OK);
    assert_true(!document_errors_are_none(&errors) || discount.expires_at_us != 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_brand_sends_is_read),
        cmocka_unit_test(the_times_of_a_sale_are_read),
        cmocka_unit_test(total_counts_from_1_to_the_limit_are_read),
        cmocka_unit_test(total_counts_out_of_range_are_errors),
        cmocka_unit_test(total_counts_that_are_no_integers_are_errors),
        cmocka_unit_test(a_total_count_that_no_integer_holds_is_malformed),
        cmocka_unit_test(a_discount_needs_brand_code_and_count),
        cmocka_unit_test(members_that_only_the_service_sets_are_errors),
        cmocka_unit_test(texts_of_another_type_are_errors),
        cmocka_unit_test(texts_have_1_to_128_and_1_to_256_bytes),
        cmocka_unit_test(times_that_are_none_are_errors),
        cmocka_unit_test(a_discount_must_start_before_it_expires),
        cmocka_unit_test(a_discount_that_expired_in_1970_does_not_live_forever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
