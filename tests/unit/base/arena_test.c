/* SPDX-License-Identifier: MIT */
#include "discount/arena.h"

#include "unit/assert_str.h"

#define ROOM 65536

static void memory_is_aligned_for_any_type(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    for (size_t size = 1; size <= 64; size++) {
        uintptr_t at = (uintptr_t)arena_alloc(&arena, size);

        assert_true(at != 0);
        assert_int_equal(at % _Alignof(max_align_t), 0);
    }
    arena_fini(&arena);
}

/* The sizes cross the ends of blocks in every possible way. */
static void pieces_do_not_overlap(void **state)
{
    enum { PIECES = 200 };
    struct arena arena;
    unsigned char *pieces[PIECES];

    (void)state;
    arena_init(&arena, ROOM);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = arena_alloc(&arena, i + 1);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t k = 0; k <= i; k++) {
            assert_int_equal(pieces[i][k], i);
        }
    }
    arena_fini(&arena);
}

static void nothing_at_all_is_still_a_place(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    assert_non_null(arena_alloc(&arena, 0));
    arena_fini(&arena);
}

static void zalloc_gives_zeroes(void **state)
{
    struct arena arena;
    const unsigned char *bytes;

    (void)state;
    arena_init(&arena, ROOM);
    memset(arena_alloc(&arena, 3000), 0xff, 3000);
    arena_fini(&arena);
    bytes = arena_zalloc(&arena, 3000);
    assert_non_null(bytes);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(bytes[i], 0);
    }
    arena_fini(&arena);
}

static void a_piece_may_be_as_big_as_the_limit(void **state)
{
    struct arena arena;
    char *bytes;

    (void)state;
    arena_init(&arena, ROOM);
    bytes = arena_alloc(&arena, ROOM);
    assert_non_null(bytes);
    memset(bytes, 1, ROOM);
    arena_fini(&arena);
}

static void a_piece_past_the_limit_is_refused(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    assert_null(arena_alloc(&arena, ROOM + 1));
    assert_null(arena_zalloc(&arena, ROOM + 1));
    arena_fini(&arena);
}

static void many_small_pieces_together_stay_within_the_limit(void **state)
{
    struct arena arena;
    size_t taken = 0;

    (void)state;
    arena_init(&arena, ROOM);
    while (arena_alloc(&arena, 64) != NULL) {
        taken += 64;
    }
    assert_in_range(taken, ROOM / 2, ROOM);
    arena_fini(&arena);
}

static void after_a_refusal_smaller_pieces_are_still_given(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    assert_non_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, ROOM));
    assert_non_null(arena_alloc(&arena, 1));
    arena_fini(&arena);
}

/* Sizes that would overflow when they are rounded up. */
static void absurd_sizes_are_refused(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    for (size_t less = 0; less < 64; less++) {
        assert_null(arena_alloc(&arena, SIZE_MAX - less));
    }
    arena_fini(&arena);
}

static void an_arena_can_be_used_up_again_after_fini(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    for (int round = 0; round < 3; round++) {
        assert_non_null(arena_alloc(&arena, ROOM));
        assert_null(arena_alloc(&arena, ROOM));
        arena_fini(&arena);
        assert_int_equal(arena.used, 0);
    }
}

static void dup_copies_and_puts_a_nul_behind(void **state)
{
    struct arena arena;
    char original[] = "User 1, and more";
    struct str copy;

    (void)state;
    arena_init(&arena, ROOM);
    copy = arena_dup(&arena, (struct str){original, 6});
    original[0] = 'L';
    assert_str_equal(copy, "User 1");
    assert_int_equal(copy.p[6], '\0');
    arena_fini(&arena);
}

static void dup_of_nothing_is_an_empty_text(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, ROOM);
    assert_str_equal(arena_dup(&arena, (struct str){NULL, 0}), "");
    arena_fini(&arena);
}

static void printf_prints_texts_longer_than_a_block(void **state)
{
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, ROOM);
    text = arena_printf(&arena, "%05000d|%.*s", 7, 2, "abc");
    assert_int_equal(text.n, 5003);
    assert_str_equal(str_from(text, 4999), "7|ab");
    assert_int_equal(text.p[text.n], '\0');
    arena_fini(&arena);
}

/* Texts that fill their block except for one byte. */
static void the_nul_behind_a_text_is_nobody_elses(void **state)
{
    struct arena arena;
    struct str printed, copied;

    (void)state;
    arena_init(&arena, ROOM);
    printed = arena_printf(&arena, "%032d", 0);
    memset(arena_alloc(&arena, 16), 'x', 16);
    copied = arena_dup(&arena, printed);
    memset(arena_alloc(&arena, 16), 'x', 16);
    assert_int_equal(strlen(printed.p), 32);
    assert_int_equal(strlen(copied.p), 32);
    arena_fini(&arena);
}

static void lent_memory_comes_first_and_is_not_freed(void **state)
{
    static _Alignas(max_align_t) char lent[256];
    struct arena arena;
    char *first, *second;

    (void)state;
    arena_init_in(&arena, lent, sizeof(lent), 1024 * 1024);
    first = arena_alloc(&arena, 64);
    assert_true(first > lent && first + 64 <= lent + sizeof(lent));
    second = arena_alloc(&arena, 1000);
    assert_non_null(second);
    assert_false(second >= lent && second < lent + sizeof(lent));
    memset(first, 'a', 64);
    memset(second, 'b', 1000);
    assert_int_equal(first[63], 'a');
    arena_fini(&arena); /* a sanitizer would report it if this freed memory that it does not own */
    assert_non_null(arena_alloc(&arena, 64));
    arena_fini(&arena);
}

static void texts_past_the_limit_are_null(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 0);
    assert_null(arena_dup(&arena, STR("x")).p);
    assert_null(arena_printf(&arena, "x").p);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_for_any_type),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(nothing_at_all_is_still_a_place),
        cmocka_unit_test(zalloc_gives_zeroes),
        cmocka_unit_test(a_piece_may_be_as_big_as_the_limit),
        cmocka_unit_test(a_piece_past_the_limit_is_refused),
        cmocka_unit_test(many_small_pieces_together_stay_within_the_limit),
        cmocka_unit_test(after_a_refusal_smaller_pieces_are_still_given),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(an_arena_can_be_used_up_again_after_fini),
        cmocka_unit_test(dup_copies_and_puts_a_nul_behind),
        cmocka_unit_test(dup_of_nothing_is_an_empty_text),
        cmocka_unit_test(printf_prints_texts_longer_than_a_block),
        cmocka_unit_test(the_nul_behind_a_text_is_nobody_elses),
        cmocka_unit_test(lent_memory_comes_first_and_is_not_freed),
        cmocka_unit_test(texts_past_the_limit_are_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
