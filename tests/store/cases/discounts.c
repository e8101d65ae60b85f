/* SPDX-License-Identifier: MIT */
/* Creating, reading and listing discounts, and the idempotency key. */
#include <stdio.h>

#include "discount/limits.h"
#include "store/cases/cases.h"

#define NO_KEY ((struct str){NULL, 0})

/* ---- One discount ---- */

static void a_created_discount_is_read_back(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct attempt *created = create_now(fixture, &case_discount, NO_KEY);
    struct attempt *read = get_now(fixture, created->op.create.discount.id);

    CHECK_STATUS(fixture, created, STATUS_OK);
    CHECK(fixture, !created->op.create.replayed);
    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_STR(fixture, read->op.get.discount.brand_id, case_discount.brand_id);
    CHECK_STR(fixture, read->op.get.discount.discount_code, case_discount.discount_code);
    CHECK_INT(fixture, read->op.get.discount.total_count, case_discount.total_count);
    CHECK_INT(fixture, read->op.get.discount.granted_count, 0);
    CHECK_INT(fixture, read->op.get.discount.created_at_us,
              created->op.create.discount.created_at_us);
    CHECK_INT(fixture, read->op.get.discount.starts_at_us, 0);
    CHECK_INT(fixture, read->op.get.discount.expires_at_us, 0);
}

static void a_window_is_read_back(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_window(fixture, 1700000000123456, 253402300799999999);
    struct attempt *read = get_now(fixture, id);

    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_INT(fixture, read->op.get.discount.starts_at_us, 1700000000123456);
    CHECK_INT(fixture, read->op.get.discount.expires_at_us, 253402300799999999);
}

static void the_longest_and_largest_values_are_read_back(void **state)
{
    struct store_fixture *fixture = case_store(state);
    char brand[LIMIT_BRAND_ID], code[LIMIT_DISCOUNT_CODE];
    const struct discount large = {.brand_id = {brand, sizeof(brand)},
                                   .discount_code = {code, sizeof(code)},
                                   .total_count = LIMIT_TOTAL_COUNT};
    struct attempt *created, *read;

    for (size_t i = 0; i < sizeof(brand); i += 2) {
        memcpy(brand + i, "\xC3\xA9", 2);
    }
    memset(code, '"', sizeof(code));
    created = create_now(fixture, &large, NO_KEY);
    read = get_now(fixture, created->op.create.discount.id);
    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_STR(fixture, read->op.get.discount.brand_id, large.brand_id);
    CHECK_STR(fixture, read->op.get.discount.discount_code, large.discount_code);
    CHECK_INT(fixture, read->op.get.discount.total_count, LIMIT_TOTAL_COUNT);
}

static void values_that_look_like_commands_are_read_back(void **state)
{
    struct store_fixture *fixture = case_store(state);
    const struct discount odd = {.brand_id = STR("x'; DROP TABLE discounts; --"),
                                 .discount_code = STR("*1 $4 PING \\r\\n \"}{%s%n"),
                                 .total_count = 1};
    struct attempt *created = create_now(fixture, &odd, NO_KEY);
    struct attempt *read = get_now(fixture, created->op.create.discount.id);

    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_STR(fixture, read->op.get.discount.brand_id, odd.brand_id);
    CHECK_STR(fixture, read->op.get.discount.discount_code, odd.discount_code);
}

static void an_unknown_discount_is_not_found(void **state)
{
    struct store_fixture *fixture = case_store(state);

    CHECK_STATUS(fixture, get_now(fixture, STR("dsc-AAAAAAAAAAAAAAAAAAAAAA")),
                 STATUS_DISCOUNT_NOT_FOUND);
}

static void the_granted_are_counted(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str id = given_discount(fixture, 3);
    struct attempt *read;

    grant_now(fixture, id, STR("ann"));
    grant_now(fixture, id, STR("bob"));
    grant_now(fixture, id, STR("ann"));
    read = get_now(fixture, id);
    CHECK_STATUS(fixture, read, STATUS_OK);
    CHECK_INT(fixture, read->op.get.discount.granted_count, 2);
}

static void times_of_creation_are_strictly_increasing(void **state)
{
    enum { COUNT = 500 };
    struct store_fixture *fixture = case_store(state);
    struct attempt *created[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        created[i] = submit_create(fixture, &case_discount, NO_KEY);
    }
    CHECK(fixture, store_fixture_settle(fixture));
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_STATUS(fixture, created[i], STATUS_OK);
        CHECK(fixture, i == 0 || created[i]->op.create.discount.created_at_us >
                                     created[i - 1]->op.create.discount.created_at_us);
    }
}

static void the_time_of_creation_is_now(void **state)
{
    struct store_fixture *fixture = case_store(state);
    int64_t before_us = now_us();
    struct attempt *created = create_now(fixture, &case_discount, NO_KEY);

    /* Each creation of a burst gets a later microsecond, so their times run ahead of the clock. */
    CHECK(fixture, created->op.create.discount.created_at_us > before_us - 1000000);
    CHECK(fixture, created->op.create.discount.created_at_us < now_us() + 1000000);
}

/* ---- The list ---- */

static void a_created_discount_is_listed(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct attempt *created = create_now(fixture, &case_discount, NO_KEY);
    const struct discount *made = &created->op.create.discount;
    struct attempt *list;
    const struct discount *listed;

    grant_now(fixture, made->id, STR("ann"));
    list = submit_list(fixture, made->created_at_us - 1, 10);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, list, STATUS_OK);
    CHECK_INT(fixture, list->op.list.count, 1);
    listed = &list->op.list.discounts[0];
    CHECK_STR(fixture, listed->id, made->id);
    CHECK_STR(fixture, listed->brand_id, case_discount.brand_id);
    CHECK_STR(fixture, listed->discount_code, case_discount.discount_code);
    CHECK_INT(fixture, listed->total_count, case_discount.total_count);
    CHECK_INT(fixture, listed->granted_count, 1);
    CHECK_INT(fixture, listed->created_at_us, made->created_at_us);
}

static void the_list_begins_with_the_first_discount(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct attempt *list;

    given_discount(fixture, 1);
    list = submit_list(fixture, 0, 1);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, list, STATUS_OK);
    CHECK_INT(fixture, list->op.list.count, 1);
}

static void the_list_ends_behind_the_last_discount(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct attempt *created = create_now(fixture, &case_discount, NO_KEY);
    struct attempt *list = submit_list(fixture, created->op.create.discount.created_at_us, 10);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, list, STATUS_OK);
    CHECK_INT(fixture, list->op.list.count, 0);
}

/* Reads the page after `after_us`. Returns where the next page begins. */
static int64_t page_check(struct store_fixture *fixture, int64_t after_us, size_t limit,
                          struct attempt *const *created, size_t left)
{
    struct attempt *page = submit_list(fixture, after_us, limit);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, page, STATUS_OK);
    CHECK_INT(fixture, page->op.list.count, left < limit ? left : limit);
    for (size_t i = 0; i < page->op.list.count; i++) {
        CHECK_STR(fixture, page->op.list.discounts[i].id, created[i]->op.create.discount.id);
        after_us = page->op.list.discounts[i].created_at_us;
    }
    return after_us;
}

static void pages_give_each_of_many_discounts_once_and_in_order(void **state)
{
    enum { COUNT = 1030, LIMIT = 100 };
    struct store_fixture *fixture = case_store(state);
    struct attempt *created[COUNT];
    int64_t after_us;

    for (size_t i = 0; i < COUNT; i++) {
        created[i] = submit_create(fixture, &case_discount, NO_KEY);
    }
    CHECK(fixture, store_fixture_settle(fixture));
    after_us = created[0]->op.create.discount.created_at_us - 1;
    for (size_t seen = 0; seen <= COUNT; seen += LIMIT) {
        after_us = page_check(fixture, after_us, LIMIT, created + seen, COUNT - seen);
    }
}

/* Creates discounts in one turn, so close together that their times would be equal on any clock. */
static void create_at_once(struct store_fixture *fixture, size_t count,
                           struct attempt **ret_created)
{
    for (size_t i = 0; i < count; i++) {
        ret_created[i] = submit_create(fixture, &case_discount, NO_KEY);
    }
    CHECK(fixture, store_fixture_settle(fixture));
}

static void pages_of_every_size_give_what_was_created_at_once_once_each(void **state)
{
    enum { COUNT = 40 };
    struct store_fixture *fixture = case_store(state);
    struct attempt *created[COUNT];

    create_at_once(fixture, COUNT, created);
    for (size_t limit = 1; limit <= COUNT; limit++) {
        int64_t after_us = created[0]->op.create.discount.created_at_us - 1;
        size_t seen = 0;

        for (; seen < COUNT; seen += limit) {
            after_us = page_check(fixture, after_us, limit, created + seen, COUNT - seen);
        }
        page_check(fixture, after_us, limit, NULL, 0);
    }
}

static void discounts_that_two_stores_create_at_once_are_listed_once_each(void **state)
{
    enum { EACH = 50 };
    struct store_fixture *fixture = case_store(state);
    struct attempt *created[2][EACH];
    struct store_fixture second;
    int64_t after_us =
        create_now(fixture, &case_discount, NO_KEY)->op.create.discount.created_at_us;
    size_t seen[2] = {0, 0};

    case_second(state, &second);
    for (size_t i = 0; i < EACH; i++) {
        created[0][i] = submit_create(fixture, &case_discount, NO_KEY);
        created[1][i] = submit_create(&second, &case_discount, NO_KEY);
        store_flush(fixture->turn.store);
        store_flush(second.turn.store);
    }
    CHECK(fixture, store_fixture_settle(fixture) && store_fixture_settle(&second));
    for (size_t i = 0; i < 2 * EACH; i++) {
        struct attempt *page = submit_list(fixture, after_us, 1);
        const struct discount *listed;
        size_t who;

        CHECK(fixture, store_fixture_settle(fixture));
        CHECK_INT(fixture, page->op.list.count, 1);
        listed = &page->op.list.discounts[0];
        who = seen[0] < EACH && str_eq(listed->id, created[0][seen[0]]->op.create.discount.id) ? 0
                                                                                               : 1;
        CHECK(fixture, seen[who] < EACH);
        CHECK_STR(fixture, listed->id, created[who][seen[who]]->op.create.discount.id);
        CHECK(fixture, listed->created_at_us > after_us);
        after_us = listed->created_at_us;
        seen[who]++;
    }
    CHECK_NOTHING(&second, store_fixture_close(&second));
}

static void what_is_created_while_somebody_pages_comes_behind(void **state)
{
    enum { COUNT = 30, LIMIT = 4 };
    struct store_fixture *fixture = case_store(state);
    struct attempt *created[2 * COUNT];
    size_t count = COUNT;
    int64_t after_us;

    create_at_once(fixture, COUNT, created);
    after_us = created[0]->op.create.discount.created_at_us - 1;
    for (size_t seen = 0; seen < count; seen += LIMIT) {
        after_us = page_check(fixture, after_us, LIMIT, created + seen, count - seen);
        if (count < 2 * COUNT) {
            created[count++] = create_now(fixture, &case_discount, NO_KEY);
        }
    }
    CHECK_INT(fixture, count, COUNT + COUNT / (LIMIT - 1));
}

/* ---- The idempotency key ---- */

/* Returns a key that no other case and no earlier run has used. */
static struct str new_key(struct store_fixture *fixture)
{
    return create_now(fixture, &case_discount, NO_KEY)->op.create.discount.id;
}

static void the_same_key_and_inputs_give_the_first_discount(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str key = new_key(fixture);
    struct attempt *first = create_now(fixture, &case_discount, key);
    struct attempt *again = create_now(fixture, &case_discount, key);

    CHECK_STATUS(fixture, first, STATUS_OK);
    CHECK(fixture, !first->op.create.replayed);
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, again->op.create.replayed);
    CHECK_STR(fixture, again->op.create.discount.id, first->op.create.discount.id);
    CHECK_INT(fixture, again->op.create.discount.created_at_us,
              first->op.create.discount.created_at_us);
}

static void a_replayed_creation_stores_nothing(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str key = new_key(fixture);
    struct attempt *first = create_now(fixture, &case_discount, key);
    struct attempt *list;

    create_now(fixture, &case_discount, key);
    list = submit_list(fixture, first->op.create.discount.created_at_us, 10);
    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_INT(fixture, list->op.list.count, 0);
}

static void the_same_key_twice_in_one_turn_creates_one_discount(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str key = new_key(fixture);
    struct attempt *first = submit_create(fixture, &case_discount, key);
    struct attempt *again = submit_create(fixture, &case_discount, key);

    CHECK(fixture, store_fixture_settle(fixture));
    CHECK_STATUS(fixture, first, STATUS_OK);
    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, first->op.create.replayed != again->op.create.replayed);
    CHECK_STR(fixture, again->op.create.discount.id, first->op.create.discount.id);
}

static void the_same_key_from_two_stores_at_once_creates_one_discount(void **state)
{
    enum { EACH = 20 };
    struct store_fixture *fixture = case_store(state);
    struct str key = new_key(fixture);
    struct attempt *created[2 * EACH];
    struct store_fixture second;
    size_t first = 0;

    case_second(state, &second);
    for (size_t i = 0; i < EACH; i++) {
        created[2 * i] = submit_create(fixture, &case_discount, key);
        created[2 * i + 1] = submit_create(&second, &case_discount, key);
        store_flush(fixture->turn.store);
        store_flush(second.turn.store);
    }
    CHECK(fixture, store_fixture_settle(fixture) && store_fixture_settle(&second));
    for (size_t i = 0; i < 2 * EACH; i++) {
        CHECK_STATUS(fixture, created[i], STATUS_OK);
        CHECK_STR(fixture, created[i]->op.create.discount.id, created[0]->op.create.discount.id);
        CHECK_INT(fixture, created[i]->op.create.discount.created_at_us,
                  created[0]->op.create.discount.created_at_us);
        first += !created[i]->op.create.replayed;
    }
    CHECK_INT(fixture, first, 1);
    CHECK_NOTHING(&second, store_fixture_close(&second));
}

static void the_longest_keys_differ_in_their_last_byte(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str mark = new_key(fixture);
    char key[LIMIT_IDEMPOTENCY_KEY];

    memset(key, 'k', sizeof(key));
    memcpy(key, mark.p, mark.n);
    for (char last = '!'; last <= '~'; last++) {
        struct attempt *created, *again;

        key[sizeof(key) - 1] = last;
        created = create_now(fixture, &case_discount, (struct str){key, sizeof(key)});
        again = create_now(fixture, &case_discount, (struct str){key, sizeof(key)});
        CHECK_STATUS(fixture, created, STATUS_OK);
        CHECK(fixture, !created->op.create.replayed);
        CHECK(fixture, again->op.create.replayed);
        CHECK_STR(fixture, again->op.create.discount.id, created->op.create.discount.id);
    }
}

static void the_same_key_with_other_inputs_is_refused(void **state)
{
    static const struct discount first = {.brand_id = STR_INIT("a brand"),
                                          .discount_code = STR_INIT("A1"),
                                          .total_count = 23,
                                          .starts_at_us = 4,
                                          .expires_at_us = 1800000000000000};
    /* In each, one input differs. In the last two the bytes are the same but are split differently.
     * */
    static const struct discount others[] = {
        {.discount_code = STR_INIT("A2"),
         .total_count = 23,
         .starts_at_us = 4,
         .expires_at_us = 1800000000000000},
        {.discount_code = STR_INIT("A1"),
         .total_count = 24,
         .starts_at_us = 4,
         .expires_at_us = 1800000000000000},
        {.discount_code = STR_INIT("A1"),
         .total_count = 23,
         .starts_at_us = 5,
         .expires_at_us = 1800000000000000},
        {.discount_code = STR_INIT("A1"),
         .total_count = 23,
         .starts_at_us = 4,
         .expires_at_us = 1800000000000001},
        {.discount_code = STR_INIT("A1"), .total_count = 23, .starts_at_us = 4},
        {.discount_code = STR_INIT("A12"),
         .total_count = 3,
         .starts_at_us = 4,
         .expires_at_us = 1800000000000000},
        {.discount_code = STR_INIT("A1"), .total_count = 234, .expires_at_us = 1800000000000000},
    };
    struct store_fixture *fixture = case_store(state);
    struct str key = new_key(fixture);

    CHECK_STATUS(fixture, create_now(fixture, &first, key), STATUS_OK);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct discount other = others[i];

        other.brand_id = first.brand_id;
        CHECK_STATUS(fixture, create_now(fixture, &other, key), STATUS_IDEMPOTENCY_KEY_REUSED);
    }
}

static void a_key_belongs_to_its_brand(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct str key = new_key(fixture);
    struct discount other = case_discount;
    struct attempt *theirs;

    other.brand_id = STR("another brand");
    create_now(fixture, &case_discount, key);
    theirs = create_now(fixture, &other, key);
    CHECK_STATUS(fixture, theirs, STATUS_OK);
    CHECK(fixture, !theirs->op.create.replayed);
}

/* However brand and key are joined, no two pairs may become the same text. */
static void brand_and_key_cannot_be_mistaken_for_another_pair(void **state)
{
    static const struct {
        struct str brand, key; /* a part that makes them new follows each */
    } pairs[] = {
        {STR_INIT("a}:b"), STR_INIT("c")}, {STR_INIT("a"), STR_INIT("b}:c")},
        {STR_INIT("a:b"), STR_INIT("c")},  {STR_INIT("a"), STR_INIT("b:c")},
        {STR_INIT("4:{a"), STR_INIT("c")}, {STR_INIT("a}"), STR_INIT(":c")},
        {STR_INIT("a "), STR_INIT("c")},   {STR_INIT("a"), STR_INIT(" c")},
    };
    struct store_fixture *fixture = case_store(state);
    struct str mark = new_key(fixture);
    const struct discount *first = &case_discount;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char brand[64], key[64];
        struct discount discount = *first;
        struct attempt *created;
        int brand_n = snprintf(brand, sizeof(brand), "%s", pairs[i].brand.p);
        int key_n = snprintf(key, sizeof(key), "%s%.*s", pairs[i].key.p, (int)mark.n, mark.p);

        discount.brand_id = (struct str){brand, (size_t)brand_n};
        created = create_now(fixture, &discount, (struct str){key, (size_t)key_n});
        CHECK_STATUS(fixture, created, STATUS_OK);
        CHECK(fixture, !created->op.create.replayed);
    }
}

static void without_a_key_nothing_is_replayed(void **state)
{
    struct store_fixture *fixture = case_store(state);
    struct attempt *first = create_now(fixture, &case_discount, NO_KEY);
    struct attempt *again = create_now(fixture, &case_discount, NO_KEY);

    CHECK_STATUS(fixture, again, STATUS_OK);
    CHECK(fixture, !again->op.create.replayed);
    CHECK(fixture, !str_eq(first->op.create.discount.id, again->op.create.discount.id));
}

int cases_discounts(void)
{
    const struct CMUnitTest cases[] = {
        CASE(a_created_discount_is_read_back),
        CASE(a_window_is_read_back),
        CASE(the_longest_and_largest_values_are_read_back),
        CASE(values_that_look_like_commands_are_read_back),
        CASE(an_unknown_discount_is_not_found),
        CASE(the_granted_are_counted),
        CASE(times_of_creation_are_strictly_increasing),
        CASE(the_time_of_creation_is_now),
        CASE(a_created_discount_is_listed),
        CASE(the_list_begins_with_the_first_discount),
        CASE(the_list_ends_behind_the_last_discount),
        CASE(pages_give_each_of_many_discounts_once_and_in_order),
        CASE(pages_of_every_size_give_what_was_created_at_once_once_each),
        CASE(discounts_that_two_stores_create_at_once_are_listed_once_each),
        CASE(what_is_created_while_somebody_pages_comes_behind),
        CASE(the_same_key_and_inputs_give_the_first_discount),
        CASE(a_replayed_creation_stores_nothing),
        CASE(the_same_key_twice_in_one_turn_creates_one_discount),
        CASE(the_same_key_from_two_stores_at_once_creates_one_discount),
        CASE(the_longest_keys_differ_in_their_last_byte),
        CASE(the_same_key_with_other_inputs_is_refused),
        CASE(a_key_belongs_to_its_brand),
        CASE(brand_and_key_cannot_be_mistaken_for_another_pair),
        CASE(without_a_key_nothing_is_replayed),
    };

    return cmocka_run_group_tests_name("discounts", cases, NULL, NULL);
}
