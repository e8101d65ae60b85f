/* SPDX-License-Identifier: MIT */
/* User ids: which of them get no new grant, and what becomes of grants that they hold already. How
 * long an id may be. A wallet that is asked for with its user in the query. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "discount/limits.h"
#include "http/service.h"

#define NO_DISCOUNT "dsc-AAAAAAAAAAAAAAAAAAAAAA"
#define VISIBLE "This must have a visible character."
#define TRIMMED "This must not begin or end with white space."
#define DOTS "This must not be . or .., which clients remove from a path."

/* Ids without a new grant: in JSON, in a target, and why. */
struct odd_id {
    const char *text, *encoded, *error;
};

static const struct odd_id odd_ids[] = {
    {".", "%2E", DOTS},
    {"..", "%2E%2e", DOTS},
    {" ", "%20", TRIMMED},
    {" ann", "%20ann", TRIMMED},
    {"ann ", "ann%20", TRIMMED},
    {"ann\u00a0", "ann%C2%A0", TRIMMED},
    {"\u3000ann", "%E3%80%80ann", TRIMMED},
    {"ann\u2028", "ann%E2%80%A8", TRIMMED},
    {"ann \u200b", "ann%20%E2%80%8B", TRIMMED},
    {"\u200b", "%E2%80%8B", VISIBLE},
    {"\ufeff", "%EF%BB%BF", VISIBLE},
    {"\u2060\u00ad\ufe0f\U000e0061", "%E2%81%A0%C2%AD%EF%B8%8F%F3%A0%81%A1", VISIBLE},
};

#define ODD_IDS (sizeof(odd_ids) / sizeof(odd_ids[0]))

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static struct http_response ask(const struct service *service, const char *id, const char *user)
{
    char target[64], body[512];

    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    snprintf(body, sizeof(body), "{\"user_id\":\"%s\"}", user);
    return service_request(service, "POST", target, NULL, body);
}

static int ask_status(const struct service *service, const char *id, const char *user)
{
    struct http_response response = ask(service, id, user);
    int status = response.status;

    http_response_fini(&response);
    return status;
}

/* Requires a problem that names this error of the user id. */
static void assert_refused(const struct service *service, const char *id, const char *user,
                           const char *detail)
{
    struct http_response response = ask(service, id, user);
    json_t *problem, *errors;

    if (response.status != 422) {
        fail_msg("\"%s\": %d %s", user, response.status, response.body);
    }
    service_assert_problem(&response, 422, "invalid-grant");
    problem = service_json(&response);
    errors = json_object_get(problem, "errors");
    assert_int_equal(json_array_size(errors), 1);
    assert_string_equal(text_of(json_array_get(errors, 0), "pointer"), "/user_id");
    assert_string_equal(text_of(json_array_get(errors, 0), "detail"), detail);
    json_decref(problem);
    http_response_fini(&response);
}

/* ---- Ids without a new grant ---- */

static void an_odd_id_gets_no_grant(void **state)
{
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 2, id);
    for (size_t i = 0; i < ODD_IDS; i++) {
        assert_refused(&service, id, odd_ids[i].text, odd_ids[i].error);
    }
    /* Not one unit was taken. Sold out or not, the error is the same. */
    assert_int_equal(ask_status(&service, id, "ann"), 201);
    assert_int_equal(ask_status(&service, id, "..."), 201);
    assert_refused(&service, id, "..", DOTS);
    service_stop(&service);
}

static void no_discount_is_not_found_for_an_odd_id_too(void **state)
{
    static const char *const ids[] = {NO_DISCOUNT, "dsc-none"};
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct http_response response = ask(&service, ids[i], "..");

        service_assert_problem(&response, 404, "discount-not-found");
        assert_non_null(strstr(response.body, "\"granted\":false"));
        http_response_fini(&response);
    }
    service_stop(&service);
}

/* What only looks odd: each of these is granted. */
static void any_other_id_gets_a_grant(void **state)
{
    static const char *const users[] = {
        "...",
        "%2e%2e",
        "a/../b",
        "../..",
        "a b",
        "\u00e4",
        "a\u200bb",
        "\u200bann",
        "\ufeffann",
        "a\u3000b",
        "\u2764\ufe0f",
        "\u0300",
        "\u0645\u06cc\u200c",
        "`",
        "-",
        "~",
    };
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 100, id);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        int status = ask_status(&service, id, users[i]);

        if (status != 201) {
            fail_msg("\"%s\": %d", users[i], status);
        }
    }
    service_stop(&service);
}

/* ---- Grants from before ---- */

/* Stores a grant behind the service's back. */
static void grant_put(sqlite3 *file, const char *id, const char *user)
{
    char *sql = sqlite3_mprintf("INSERT INTO grants (user_id, discount, granted_at) SELECT %Q, "
                                "number, created_at + 1 FROM discounts WHERE id = %Q",
                                user, id);

    assert_non_null(sql);
    assert_int_equal(sqlite3_exec(file, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
}

/* Stores a grant of the discount for each odd id, as an older version has made them. */
static void odd_grants_put(struct service *service, const char *id)
{
    sqlite3 *file = NULL;
    int status = -1;

    if (service->redis != NULL) {
        for (size_t i = 0; i < ODD_IDS; i++) {
            redis_server_command(service->redis, "ZADD discount:{%s}:grants 1795342342326409 %s",
                                 id, odd_ids[i].text);
            redis_server_command(service->redis, "ZADD user:{%s}:discounts 1795342342326409 %s",
                                 odd_ids[i].text, id);
        }
        return;
    }
    discountd_signal(service->daemon, SIGTERM);
    assert_true(discountd_wait_exit(service->daemon, CLOCK_PATIENCE_MS, &status));
    discountd_stop(service->daemon);
    assert_int_equal(sqlite3_open(strchr(service->store, ':') + 1, &file), SQLITE_OK);
    for (size_t i = 0; i < ODD_IDS; i++) {
        grant_put(file, id, odd_ids[i].text);
    }
    assert_int_equal(sqlite3_close(file), SQLITE_OK);
    service_launch(service, NULL);
}

/* Requires the grant, from a repeated request and when it is read. */
static void assert_granted(const struct service *service, const char *id, const struct odd_id *odd)
{
    struct http_response repeated = ask(service, id, odd->text), read;
    char target[256];

    if (repeated.status != 200) {
        fail_msg("\"%s\": %d %s", odd->text, repeated.status, repeated.body);
    }
    assert_string_equal(http_header(&repeated, "Idempotent-Replayed"), "true");
    assert_null(http_header(&repeated, "Location"));
    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=%s", id, odd->encoded);
    read = service_request(service, "GET", target, NULL, NULL);
    assert_int_equal(read.status, 200);
    assert_string_equal(read.body, repeated.body);
    http_response_fini(&repeated);
    http_response_fini(&read);
}

/* Requires the discount in the wallet, wherever its user stands in the target. */
static void assert_in_wallet(const struct service *service, const char *id,
                             const struct odd_id *odd)
{
    static const char *const targets[] = {"/user/%s/discount", "/user/discount?user_id=%s"};

    for (size_t i = 0; i < 2; i++) {
        struct http_response response;
        char target[256];

        snprintf(target, sizeof(target), i == 0 ? targets[0] : targets[1], odd->encoded);
        response = service_request(service, "GET", target, NULL, NULL);
        assert_int_equal(response.status, 200);
        if (strstr(response.body, id) == NULL) {
            fail_msg("GET %s: %s", target, response.body);
        }
        http_response_fini(&response);
    }
}

static void a_grant_of_an_odd_id_from_before_is_kept(void **state)
{
    struct service service;
    struct http_response response;
    char id[SERVICE_ID], target[64];
    json_t *list;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, ODD_IDS, id);
    odd_grants_put(&service, id);
    for (size_t i = 0; i < ODD_IDS; i++) {
        assert_granted(&service, id, &odd_ids[i]);
        assert_in_wallet(&service, id, &odd_ids[i]);
    }
    snprintf(target, sizeof(target), "/discount/%s/grant", id);
    response = service_request(&service, "GET", target, NULL, NULL);
    list = service_json(&response);
    assert_int_equal(json_array_size(json_object_get(list, "grants")), ODD_IDS);
    json_decref(list);
    http_response_fini(&response);
    assert_int_equal(ask_status(&service, id, "ann"), 409);
    service_stop(&service);
}

/* ---- Long ids ---- */

static void an_id_has_up_to_255_bytes(void **state)
{
    char id[SERVICE_ID], target[1024], user[260], encoded[800];
    struct service service;
    struct http_response response;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    /* 85 characters of three bytes each. */
    for (size_t i = 0; i < 85; i++) {
        memcpy(user + 3 * i, "\u20ac", 4);
        memcpy(encoded + 9 * i, "%E2%82%AC", 10);
    }
    assert_int_equal(strlen(user), 255);
    response = ask(&service, id, user);
    assert_int_equal(response.status, 201);
    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=%s", id, encoded);
    assert_string_equal(http_header(&response, "Location"), target);
    http_response_fini(&response);
    assert_int_equal(service_status(&service, "GET", target, NULL, NULL), 200);
    assert_int_equal(ask_status(&service, id, user), 200);
    for (int in_query = 0; in_query < 2; in_query++) {
        snprintf(target, sizeof(target),
                 in_query ? "/user/discount?user_id=%s&limit=1" : "/user/%s/discount", encoded);
        response = service_request(&service, "GET", target, NULL, NULL);
        assert_int_equal(response.status, 200);
        assert_non_null(strstr(response.body, id));
        http_response_fini(&response);
    }
    service_stop(&service);
}

static void an_id_of_256_bytes_is_refused(void **state)
{
    char id[SERVICE_ID], target[1024], user[260];
    struct service service;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    memset(user, 'u', 256);
    user[256] = '\0';
    assert_refused(&service, id, user,
                   "This must have 1 to 255 bytes of UTF-8 and no control characters.");
    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=%s", id, user);
    assert_int_equal(service_status(&service, "GET", target, NULL, NULL), 400);
    snprintf(target, sizeof(target), "/user/%s/discount", user);
    assert_int_equal(service_status(&service, "GET", target, NULL, NULL), 400);
    snprintf(target, sizeof(target), "/user/discount?user_id=%s", user);
    assert_int_equal(service_status(&service, "GET", target, NULL, NULL), 400);
    service_stop(&service);
}

/* The longest names are those of users, so this is the longest cursor. */
static void the_longest_id_has_a_cursor(void **state)
{
    char id[SERVICE_ID], target[1024], user[LIMIT_USER_ID + 1];
    struct service service;
    struct http_response response;
    json_t *page;

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 5, id);
    memset(user, 'u', LIMIT_USER_ID);
    user[LIMIT_USER_ID] = '\0';
    assert_int_equal(ask_status(&service, id, user), 201);
    assert_int_equal(ask_status(&service, id, "ann"), 201);
    snprintf(target, sizeof(target), "/discount/%s/grant?limit=1", id);
    response = service_request(&service, "GET", target, NULL, NULL);
    page = service_json(&response);
    snprintf(target, sizeof(target), "/discount/%s/grant?cursor=%s", id,
             text_of(page, "next_cursor"));
    json_decref(page);
    http_response_fini(&response);
    response = service_request(&service, "GET", target, NULL, NULL);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(response.body, "\"ann\""));
    assert_null(strstr(response.body, "uuu"));
    http_response_fini(&response);
    service_stop(&service);
}

/* No folding, no normalization, nothing trimmed. */
static void ids_are_compared_byte_for_byte(void **state)
{
    static const char *const users[] = {"caf\u00e9", "cafe\u0301",      "CAF\u00c9",
                                        "Caf\u00e9", "caf\uff45\u0301", "caf\u00e9\u200b"};
    struct service service;
    char id[SERVICE_ID];

    (void)state;
    service_start(&service, NULL);
    service_create(&service, 100, id);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        assert_int_equal(ask_status(&service, id, users[i]), 201);
    }
    service_stop(&service);
}

/* ---- The user in the query ---- */

/* Requires the same answer to both, and to HEAD no body. */
static void assert_same(const struct service *service, const char *a, const char *b)
{
    struct http_response one = service_request(service, "GET", a, NULL, NULL),
                         other = service_request(service, "GET", b, NULL, NULL);

    if (one.status != 200 || other.status != 200) {
        fail_msg("GET %s: %d, GET %s: %d", a, one.status, b, other.status);
    }
    assert_string_equal(one.body, other.body);
    assert_string_equal(http_header(&one, "Content-Type"), http_header(&other, "Content-Type"));
    http_response_fini(&one);
    http_response_fini(&other);
    one = service_request(service, "HEAD", b, NULL, NULL);
    assert_int_equal(one.status, 200);
    assert_int_equal(one.body_size, 0);
    http_response_fini(&one);
}

/* Gets the cursor of a page. */
static void cursor_of(const struct service *service, const char *target, char ret_cursor[512])
{
    struct http_response response = service_request(service, "GET", target, NULL, NULL);
    json_t *page = service_json(&response);

    assert_int_equal(response.status, 200);
    snprintf(ret_cursor, 512, "%s", text_of(page, "next_cursor"));
    json_decref(page);
    http_response_fini(&response);
}

static void a_wallet_is_the_same_with_its_user_in_the_query(void **state)
{
    struct service service;
    char id[SERVICE_ID], cursor[512], target[1024], other[1024];

    (void)state;
    service_start(&service, NULL);
    assert_same(&service, "/user/nobody/discount", "/user/discount?user_id=nobody");
    for (int i = 0; i < 3; i++) {
        service_create(&service, 5, id);
        assert_int_equal(ask_status(&service, id, "a/b c+"), 201);
    }
    assert_same(&service, "/user/a%2Fb%20c%2B/discount", "/user/discount?user_id=a%2Fb+c%2B");
    assert_same(&service, "/user/a%2Fb%20c+/discount?limit=2",
                "/user/discount?limit=2&user_id=a/b%20c%2B");
    cursor_of(&service, "/user/discount?user_id=a/b+c%2B&limit=1", cursor);
    snprintf(target, sizeof(target), "/user/a%%2Fb%%20c+/discount?cursor=%s", cursor);
    snprintf(other, sizeof(other), "/user/discount?cursor=%s&user_id=a/b+c%%2B", cursor);
    assert_same(&service, target, other);
    snprintf(target, sizeof(target), "/user/discount?user_id=a&cursor=%s", cursor);
    assert_int_equal(service_status(&service, "GET", target, NULL, NULL), 400);
    service_stop(&service);
}

static void a_wallet_of_no_user_is_malformed(void **state)
{
    static const char *const targets[] = {
        "/user/discount",
        "/user/discount?",
        "/user/discount?limit=1",
        "/user/discount?user_id",
        "/user/discount?user_id=",
        "/user/discount?user_id=a&user_id=a",
        "/user/discount?user_id=a&user%5fid=b",
        "/user/discount?user_id=a&x=1",
        "/user/discount?user_id=a&brand_id=b",
        "/user/discount?user_id=%00",
        "/user/discount?user_id=%c0%80",
        "/user/discount?user_id=a&limit=0",
        "/user/discount?user_id=a&cursor=x",
        "/user/a/discount?user_id=a",
    };
    struct service service;

    (void)state;
    service_start(&service, NULL);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct http_response response = service_request(&service, "GET", targets[i], NULL, NULL);

        if (response.status != 400) {
            fail_msg("GET %s: %d %s", targets[i], response.status, response.body);
        }
        service_assert_problem(&response, 400, "malformed-request");
        http_response_fini(&response);
    }
    assert_int_equal(service_status(&service, "POST", "/user/discount?user_id=a", NULL, ""), 405);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_odd_id_gets_no_grant),
        cmocka_unit_test(no_discount_is_not_found_for_an_odd_id_too),
        cmocka_unit_test(any_other_id_gets_a_grant),
        cmocka_unit_test(a_grant_of_an_odd_id_from_before_is_kept),
        cmocka_unit_test(an_id_has_up_to_255_bytes),
        cmocka_unit_test(an_id_of_256_bytes_is_refused),
        cmocka_unit_test(the_longest_id_has_a_cursor),
        cmocka_unit_test(ids_are_compared_byte_for_byte),
        cmocka_unit_test(a_wallet_is_the_same_with_its_user_in_the_query),
        cmocka_unit_test(a_wallet_of_no_user_is_malformed),
    };

    return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
