/* SPDX-License-Identifier: MIT */
#include "store/siphash.h"

#include "support/test.h"

/* The key and the texts of the paper's appendix: bytes that count from 0 on. */
static uint64_t hash_of_first(size_t n)
{
    static const struct siphash_key key = {
        {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    char text[64];

    for (size_t i = 0; i < n; i++) {
        text[i] = (char)i;
    }
    return siphash(&key, (struct str){text, n});
}

static void it_is_the_published_function(void **state)
{
    (void)state;
    assert_true(hash_of_first(0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(hash_of_first(1) == UINT64_C(0x74f839c593dc67fd));
    assert_true(hash_of_first(7) == UINT64_C(0xab0200f58b01d137));
    assert_true(hash_of_first(8) == UINT64_C(0x93f5f5799a932462));
    assert_true(hash_of_first(15) == UINT64_C(0xa129ca6149be45e5));
    assert_true(hash_of_first(63) == UINT64_C(0x958a324ceb064572));
}

static void another_key_is_another_function(void **state)
{
    const struct siphash_key one = {{1, 2}}, other = {{1, 3}};

    (void)state;
    assert_true(siphash(&one, STR("ann")) != siphash(&other, STR("ann")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_published_function),
        cmocka_unit_test(another_key_is_another_function),
    };

    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
