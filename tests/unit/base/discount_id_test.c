/* SPDX-License-Identifier: MIT */
#include "discount/discount.h"

#include <stdlib.h>

#include "support/test.h"

/* This program is linked so that ids are made of these bytes, if they are set. */
static const unsigned char *random_bytes;

void __real_uuid_generate_random(unsigned char uuid[16]);
void __wrap_uuid_generate_random(unsigned char uuid[16]);

void __wrap_uuid_generate_random(unsigned char uuid[16])
{
    if (random_bytes == NULL) {
        __real_uuid_generate_random(uuid);
    } else {
        memcpy(uuid, random_bytes, 16);
    }
}

#define IDS 10000
/* A valid id; each test damages some part of it. */
#define ID "dsc-0123456789abcdefghi-_A"

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned bits_of(char c)
{
    const char *at = strchr(base64url, c);

    assert_non_null(at);
    return (unsigned)(at - base64url);
}

static void a_made_id_is_valid(void **state)
{
    char id[DISCOUNT_ID_LENGTH];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        discount_id_make(id);
        assert_true(discount_id_is_valid((struct str){id, sizeof(id)}));
    }
}

static void assert_made_of(const char bytes[16], const char *expected)
{
    char id[DISCOUNT_ID_LENGTH];

    random_bytes = (const unsigned char *)bytes;
    discount_id_make(id);
    random_bytes = NULL;
    assert_memory_equal(id, expected, sizeof(id));
}

static void an_id_spells_its_bytes_in_base64url(void **state)
{
    (void)state;
    assert_made_of("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
                   "dsc-AAECAwQFBgcICQoLDA0ODw");
    assert_made_of("\xfb\xef\xbe\xff\xff\xff\x00\x00\x00\x12\x34\x56\x78\x9a\xbc\xde",
                   "dsc-----____AAAAEjRWeJq83g");
}

/* RFC 9562 puts version and variant into the high bits of bytes 7 and 9. These are character 9 and
 * the low bits of character 11. */
static void a_made_id_is_a_random_uuid(void **state)
{
    char id[DISCOUNT_ID_LENGTH];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        discount_id_make(id);
        assert_int_equal(bits_of(id[4 + 8]) >> 2, 4);
        assert_int_equal(bits_of(id[4 + 10]) & 3, 2);
    }
}

static void making_an_id_writes_no_byte_more(void **state)
{
    char room[DISCOUNT_ID_LENGTH + 1];

    (void)state;
    room[DISCOUNT_ID_LENGTH] = '#';
    discount_id_make(room);
    assert_int_equal(room[DISCOUNT_ID_LENGTH], '#');
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, DISCOUNT_ID_LENGTH);
}

static void ten_thousand_ids_differ(void **state)
{
    static char ids[IDS][DISCOUNT_ID_LENGTH];

    (void)state;
    for (size_t i = 0; i < IDS; i++) {
        discount_id_make(ids[i]);
    }
    qsort(ids, IDS, sizeof(ids[0]), compare);
    for (size_t i = 1; i < IDS; i++) {
        assert_memory_not_equal(ids[i - 1], ids[i], DISCOUNT_ID_LENGTH);
    }
}

static void the_whole_alphabet_may_stand_in_an_id(void **state)
{
    char id[] = ID;

    (void)state;
    for (const char *c = base64url; *c != '\0'; c++) {
        id[4] = *c;
        assert_true(discount_id_is_valid(str_of(id)));
    }
}

static void no_other_byte_may_stand_in_an_id(void **state)
{
    char id[] = ID;

    (void)state;
    for (int c = 0; c < 256; c++) {
        if (c == '\0' || strchr(base64url, c) == NULL) {
            for (size_t i = 4; i < DISCOUNT_ID_LENGTH; i++) {
                memcpy(id, ID, sizeof(id));
                id[i] = (char)c;
                assert_false(discount_id_is_valid((struct str){id, DISCOUNT_ID_LENGTH}));
            }
        }
    }
}

/* 22 characters have 132 bits, a UUID has 128. With another last character, two texts would be the
 * same discount. */
static void an_id_has_one_spelling_only(void **state)
{
    char id[] = ID;

    (void)state;
    for (const char *c = base64url; *c != '\0'; c++) {
        id[DISCOUNT_ID_LENGTH - 1] = *c;
        assert_int_equal(discount_id_is_valid(str_of(id)), bits_of(*c) % 16 == 0);
    }
}

static void an_id_of_another_length_is_refused(void **state)
{
    (void)state;
    assert_true(discount_id_is_valid(str_of(ID)));
    assert_false(discount_id_is_valid(str_of(ID "A")));
    assert_false(discount_id_is_valid((struct str){ID, DISCOUNT_ID_LENGTH - 1}));
    assert_false(discount_id_is_valid(STR("dsc-")));
    assert_false(discount_id_is_valid((struct str){NULL, 0}));
}

static void an_id_without_its_prefix_is_refused(void **state)
{
    (void)state;
    assert_false(discount_id_is_valid(STR("DSC-0123456789abcdefghi-_A")));
    assert_false(discount_id_is_valid(STR("dsc_0123456789abcdefghi-_A")));
    assert_false(discount_id_is_valid(STR("00000123456789abcdefghi-_A")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_id_is_valid),
        cmocka_unit_test(an_id_spells_its_bytes_in_base64url),
        cmocka_unit_test(a_made_id_is_a_random_uuid),
        cmocka_unit_test(making_an_id_writes_no_byte_more),
        cmocka_unit_test(ten_thousand_ids_differ),
        cmocka_unit_test(the_whole_alphabet_may_stand_in_an_id),
        cmocka_unit_test(no_other_byte_may_stand_in_an_id),
        cmocka_unit_test(an_id_has_one_spelling_only),
        cmocka_unit_test(an_id_of_another_length_is_refused),
        cmocka_unit_test(an_id_without_its_prefix_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
