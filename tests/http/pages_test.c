/* SPDX-License-Identifier: MIT */
/* Lists page by page, as clients read them: all discounts, those of one brand, a discount's grants,
 * a user's wallet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"

#define MOST 512
/* Room for a cursor and its NUL. */
#define CURSOR 512

/* The names of the items on all pages of a list, in order. */
struct items {
    char names[MOST][160];
    size_t count, pages;
};

static int setup(void **state)
{
    struct service *service = calloc(1, sizeof(*service));

    assert_non_null(service);
    service_start(service, NULL);
    *state = service;
    return 0;
}

/* Does the same, with 250 discounts. */
static int setup_full(void **state)
{
    struct service *service = calloc(1, sizeof(*service));

    assert_non_null(service);
    service_prepare(service);
    service_fill(service, 250);
    service_launch(service, NULL);
    *state = service;
    return 0;
}

static int teardown(void **state)
{
    service_stop(*state);
    free(*state);
    return 0;
}

static json_t *get(const struct service *service, const char *target)
{
    struct http_response response = service_request(service, "GET", target, NULL, NULL);
    json_t *json;

    if (response.status != 200) {
        fail_msg("GET %s: %d %s", target, response.status, response.body);
    }
    assert_string_equal(http_header(&response, "Content-Type"), "application/json");
    json = service_json(&response);
    http_response_fini(&response);
    return json;
}

/* Reads one page. Returns false if it is the last one; otherwise ret_cursor is the next page's. */
static bool page_read(const struct service *service, const char *target, const char *member,
                      const char *name, struct items *items, char ret_cursor[CURSOR])
{
    json_t *page = get(service, target);
    json_t *array = json_object_get(page, member), *item;
    const char *cursor = json_string_value(json_object_get(page, "next_cursor"));
    size_t i;

    assert_true(json_is_array(array));
    assert_int_equal(json_object_size(page), cursor == NULL ? 1 : 2);
    json_array_foreach(array, i, item)
    {
        assert_true(items->count < MOST);
        snprintf(items->names[items->count++], sizeof(items->names[0]), "%s",
                 json_string_value(json_object_get(item, name)));
    }
    items->pages++;
    if (cursor != NULL) {
        snprintf(ret_cursor, CURSOR, "%s", cursor);
    }
    json_decref(page);
    return cursor != NULL;
}

/* Reads all pages of at most `limit` items. `target` ends in ? or &. */
static struct items *pages_read(const struct service *service, const char *target,
                                const char *member, const char *name, int limit)
{
    struct items *items = calloc(1, sizeof(*items));
    char next[2048], cursor[CURSOR];

    assert_non_null(items);
    snprintf(next, sizeof(next), "%slimit=%d", target, limit);
    while (page_read(service, next, member, name, items, cursor)) {
        snprintf(next, sizeof(next), "%slimit=%d&cursor=%s", target, limit, cursor);
    }
    return items;
}

/* Reads the whole list in one answer. */
static struct items *whole_read(const struct service *service, const char *target,
                                const char *member, const char *name)
{
    struct items *items = calloc(1, sizeof(*items));
    char cursor[CURSOR];

    assert_non_null(items);
    assert_false(page_read(service, target, member, name, items, cursor));
    return items;
}

static void assert_same(const struct items *a, const struct items *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_string_equal(a->names[i], b->names[i]);
    }
}

static void create_for(const struct service *service, const char *brand, char ret_id[SERVICE_ID])
{
    struct http_response response;
    char body[256];
    json_t *json;

    snprintf(body, sizeof(body),
             "{\"brand_id\":\"%s\",\"discount_code\":\"c\",\"total_count\":1000}", brand);
    response = service_request(service, "POST", "/discount", NULL, body);
    assert_int_equal(response.status, 201);
    json = service_json(&response);
    snprintf(ret_id, SERVICE_ID, "%s", json_string_value(json_object_get(json, "id")));
    json_decref(json);
    http_response_fini(&response);
}

/* ---- Discounts ---- */

static void pages_of_any_size_join_to_the_whole_list(void **state)
{
    const struct service *service = *state;
    static const struct {
        int limit;
        size_t pages;
    } sizes[] = {{1, 250}, {7, 36},  {99, 3},  {100, 3}, {101, 3},
                 {125, 2}, {249, 2}, {250, 1}, {1000, 1}};
    struct items *whole;

    whole = whole_read(service, "/discount", "discounts", "id");
    assert_int_equal(whole->count, 250);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct items *paged = pages_read(service, "/discount?", "discounts", "id", sizes[i].limit);

        assert_same(paged, whole);
        assert_int_equal(paged->pages, sizes[i].pages);
        free(paged);
    }
    free(whole);
}

/* A cursor without a limit gives the rest of the list. */
static void a_list_goes_on_where_a_page_ended(void **state)
{
    const struct service *service = *state;
    struct items *items = calloc(1, sizeof(*items));
    char cursor[CURSOR], target[1024];

    assert_non_null(items);
    assert_true(page_read(service, "/discount?limit=30", "discounts", "id", items, cursor));
    snprintf(target, sizeof(target), "/discount?cursor=%s", cursor);
    assert_false(page_read(service, target, "discounts", "id", items, cursor));
    assert_int_equal(items->count, 250);
    assert_string_equal(items->names[29], "dsc-000000000000000000030A");
    assert_string_equal(items->names[30], "dsc-000000000000000000031A");
    free(items);
}

static void the_empty_list_is_an_empty_array(void **state)
{
    const struct service *service = *state;
    struct items *items = pages_read(service, "/discount?", "discounts", "id", 10);

    assert_int_equal(items->count, 0);
    free(items);
    items = whole_read(service, "/discount?brand_id=none", "discounts", "id");
    assert_int_equal(items->count, 0);
    free(items);
}

static void a_brands_discounts_are_its_own(void **state)
{
    const struct service *service = *state;
    char ids[6][SERVICE_ID];
    struct items *items;

    for (size_t i = 0; i < 6; i++) {
        create_for(service, i % 2 == 0 ? "IKEA" : "H&M + \u00e5", ids[i]);
    }
    items = pages_read(service, "/discount?brand_id=H%26M%20%2B%20%C3%A5&", "discounts", "id", 2);
    assert_int_equal(items->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(items->names[i], ids[2 * i + 1]);
    }
    free(items);
}

/* ---- Grants ---- */

static void a_discounts_grants_are_listed_in_the_order_of_granting(void **state)
{
    const struct service *service = *state;
    char id[SERVICE_ID], target[128], user[32];
    struct items *whole, *paged;

    service_create(service, 1000, id);
    for (int i = 0; i < 150; i++) {
        snprintf(user, sizeof(user), "user %d", (i * 7) % 150);
        assert_int_equal(service_grant(service, id, user), 201);
    }
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    whole = whole_read(service, target, "grants", "user_id");
    assert_int_equal(whole->count, 150);
    for (int i = 0; i < 150; i++) {
        snprintf(user, sizeof(user), "user %d", (i * 7) % 150);
        assert_string_equal(whole->names[i], user);
    }
    snprintf(target, sizeof(target), "/discount/%s/grant?", id);
    paged = pages_read(service, target, "grants", "user_id", 40);
    assert_same(paged, whole);
    assert_int_equal(paged->pages, 4);
    free(paged);
    free(whole);
}

static void an_item_of_a_discounts_grants_is_the_grant(void **state)
{
    const struct service *service = *state;
    char id[SERVICE_ID], target[128];
    json_t *list, *one;

    service_create(service, 5, id);
    assert_int_equal(service_grant(service, id, "User 1"), 201);
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    list = get(service, target);
    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=User%%201", id);
    one = get(service, target);
    assert_true(json_equal(json_array_get(json_object_get(list, "grants"), 0), one));
    json_decref(list);
    json_decref(one);
}

static void the_grants_of_no_discount_are_not_found(void **state)
{
    const struct service *service = *state;
    struct http_response response = service_request(
        service, "GET", "/discount/dsc-AAAAAAAAAAAAAAAAAAAAAA/grant?limit=5", NULL, NULL);

    service_assert_problem(&response, 404, "discount-not-found");
    http_response_fini(&response);
}

/* ---- Wallets ---- */

static void a_wallet_is_newest_first_and_says_since_when(void **state)
{
    const struct service *service = *state;
    char ids[5][SERVICE_ID], target[256];
    struct items *items;
    json_t *wallet, *user_grant, *grant;

    for (size_t i = 0; i < 5; i++) {
        create_for(service, "IKEA", ids[i]);
        assert_int_equal(service_grant(service, ids[i], "a/b c"), 201);
    }
    items = pages_read(service, "/user/a%2Fb%20c/discount?", "discounts", "id", 2);
    assert_int_equal(items->count, 5);
    assert_int_equal(items->pages, 3);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(items->names[i], ids[4 - i]);
    }
    free(items);
    wallet = get(service, "/user/a%2Fb%20c/discount?limit=1");
    user_grant = json_array_get(json_object_get(wallet, "discounts"), 0);
    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=a%%2Fb%%20c", ids[4]);
    grant = get(service, target);
    assert_true(json_equal(json_object_get(user_grant, "granted_at"),
                           json_object_get(grant, "granted_at")));
    assert_string_equal(json_string_value(json_object_get(user_grant, "brand_id")), "IKEA");
    assert_int_equal(json_integer_value(json_object_get(user_grant, "total_count")), 1000);
    json_decref(wallet);
    json_decref(grant);
}

static void who_holds_nothing_has_an_empty_wallet(void **state)
{
    struct items *items = whole_read(*state, "/user/nobody/discount", "discounts", "id");

    assert_int_equal(items->count, 0);
    free(items);
}

/* ---- Cursors of other lists ---- */

/* The cursor of the first page of one item. `target` ends in ? or &. */
static void cursor_of(const struct service *service, const char *target, char ret_cursor[CURSOR])
{
    char first[1024];
    json_t *page;

    snprintf(first, sizeof(first), "%slimit=1", target);
    page = get(service, first);
    snprintf(ret_cursor, CURSOR, "%s", json_string_value(json_object_get(page, "next_cursor")));
    json_decref(page);
}

/* Requires that the list refuses the cursor, and says why. */
static void assert_of_another_list(const struct service *service, const char *target,
                                   const char *cursor)
{
    static const char *const limits[] = {"", "limit=1&", "limit=1000&"};
    char whole[2048];

    for (size_t i = 0; i < 3; i++) {
        struct http_response response;

        snprintf(whole, sizeof(whole), "%s%scursor=%s", target, limits[i], cursor);
        response = service_request(service, "GET", whole, NULL, NULL);
        if (response.status != 400 || strstr(response.body, "another list") == NULL) {
            fail_msg("GET %s: %d %s", whole, response.status, response.body);
        }
        service_assert_problem(&response, 400, "malformed-request");
        http_response_fini(&response);
        assert_int_equal(service_status(service, "HEAD", whole, NULL, NULL), 400);
    }
}

static void assert_of_this_list(const struct service *service, const char *target,
                                const char *cursor)
{
    char whole[2048];

    snprintf(whole, sizeof(whole), "%scursor=%s", target, cursor);
    json_decref(get(service, whole));
    assert_int_equal(service_status(service, "HEAD", whole, NULL, NULL), 200);
}

/* Every pair of lists, each with its own subject and filter. The discounts are of two brands, and
 * two users hold them in different orders. */
static void a_cursor_is_good_for_its_own_list_only(void **state)
{
    const struct service *service = *state;
    char ids[4][SERVICE_ID], cursors[7][CURSOR], grants[2][64];
    const char *targets[7] = {
        "/discount?", "/discount?brand_id=IKEA&", "/discount?brand_id=Lego&", grants[0],
        grants[1],    "/user/ann/discount?",      "/user/bob%2Fb/discount?",
    };

    for (size_t i = 0; i < 4; i++) {
        create_for(service, i % 2 == 0 ? "IKEA" : "Lego", ids[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(service_grant(service, ids[i], "ann"), 201);
        assert_int_equal(service_grant(service, ids[3 - i], "bob/b"), 201);
    }
    snprintf(grants[0], sizeof(grants[0]), "/discount/%s/grant?", ids[0]);
    snprintf(grants[1], sizeof(grants[1]), "/discount/%s/grant?", ids[1]);
    for (size_t i = 0; i < 7; i++) {
        cursor_of(service, targets[i], cursors[i]);
    }
    for (size_t i = 0; i < 49; i++) {
        if (i / 7 == i % 7) {
            assert_of_this_list(service, targets[i / 7], cursors[i % 7]);
        } else {
            assert_of_another_list(service, targets[i / 7], cursors[i % 7]);
        }
    }
}

/* The subject is a text, however it is written in a target. */
static void a_cursor_is_good_however_its_list_is_written(void **state)
{
    const struct service *service = *state;
    char id[SERVICE_ID], cursor[CURSOR];

    for (int i = 0; i < 2; i++) {
        create_for(service, "H&M + \u00e5", id);
        assert_int_equal(service_grant(service, id, "a+b c~"), 201);
    }
    cursor_of(service, "/discount?brand_id=H%26M%20%2B%20%C3%A5&", cursor);
    assert_of_this_list(service, "/discount?brand_id=%48%26M+%2b+%c3%a5&limit=5&", cursor);
    cursor_of(service, "/user/a%2Bb%20c~/discount?", cursor);
    assert_of_this_list(service, "/user/%61+b%20c%7e/discount?limit=7&", cursor);
}

/* As they were before cursors named their list. */
static void an_old_cursor_is_refused(void **state)
{
    static const char *const targets[] = {
        "/discount?cursor=ZDE3OTUzNDIzNDIzMjY0MDgg",
        "/user/ann/discount?cursor=dzE3OTUzNTU2ODE2MTY2MjggZHNjLUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
    };

    for (size_t i = 0; i < 2; i++) {
        struct http_response response = service_request(*state, "GET", targets[i], NULL, NULL);

        service_assert_problem(&response, 400, "malformed-request");
        http_response_fini(&response);
    }
}

#define PAGES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_of_any_size_join_to_the_whole_list, setup_full,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_list_goes_on_where_a_page_ended, setup_full, teardown),
        PAGES(the_empty_list_is_an_empty_array),
        PAGES(a_brands_discounts_are_its_own),
        PAGES(a_discounts_grants_are_listed_in_the_order_of_granting),
        PAGES(an_item_of_a_discounts_grants_is_the_grant),
        PAGES(the_grants_of_no_discount_are_not_found),
        PAGES(a_wallet_is_newest_first_and_says_since_when),
        PAGES(who_holds_nothing_has_an_empty_wallet),
        PAGES(a_cursor_is_good_for_its_own_list_only),
        PAGES(a_cursor_is_good_however_its_list_is_written),
        PAGES(an_old_cursor_is_refused),
    };

    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
