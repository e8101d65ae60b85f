/* SPDX-License-Identifier: MIT */
/* The attack catalogue, sent to discountd directly and through nginx. After each attack the
 * connection is in sync or closed, and the process lives. In the end the store holds exactly what
 * the answers said was made. docs/testing.md has the catalogue's table, which the argument "table"
 * prints. The argument "all" reports every attack, not only those that failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/attacks/send.h"
#include "http/service.h"
#include "support/need.h"
#include "support/nginx_server.h"

#define ENDED_MOST 32

static const struct attack_class *const classes[] = {
    &attacks_on_framing,         &attacks_on_chunks,           &attacks_on_header_lines,
    &attacks_on_header_meanings, &attacks_on_request_line,     &attacks_on_methods,
    &attacks_on_paths,           &attacks_on_queries,          &attacks_on_ids,
    &attacks_on_media_types,     &attacks_on_idempotency_keys, &attacks_on_json_syntax,
    &attacks_on_json_text,       &attacks_on_json_members,     &attacks_on_sizes,
};
static const size_t class_count = sizeof(classes) / sizeof(classes[0]);

/* ATTACK_DEADLINE_MS: a request that ends in its middle is waited for no longer. */
static const char *const variables[] = {"DISCOUNT_CLIENT_DEADLINE_MS=3000", NULL};

static bool report_all;

/* One run of the catalogue. */
struct run {
    struct service service;
    struct nginx_server *nginx; /* owned; NULL: directly */
    int port;
    char id[SERVICE_ID];
    struct attack_made made;
    unsigned requests, errors;
};

/* Each attack of the catalogue; NULL behind the last. */
static const struct attack *attack_at(size_t i)
{
    for (size_t j = 0; j < class_count; j++) {
        if (i < classes[j]->count) {
            return &classes[j]->attacks[i];
        }
        i -= classes[j]->count;
    }
    return NULL;
}

static const char *expectation(const struct attack *attack, bool is_through_nginx)
{
    return is_through_nginx && attack->through_nginx != NULL ? attack->through_nginx
                                                             : attack->expected;
}

/* Whether the result is one of those that stand in `expected` with "|" between them. */
static bool is_expected(const char *expected, const char *result)
{
    size_t n = strlen(result);

    for (;;) {
        size_t length = strcspn(expected, "|");

        if (length == n && memcmp(expected, result, n) == 0) {
            return true;
        }
        if (expected[length] == '\0') {
            return false;
        }
        expected += length + 1;
    }
}

static void report(const struct run *run, const struct attack *attack, bool is_good,
                   const char *result)
{
    fprintf(stderr, "%s: %s%s: %s\n", is_good ? "good" : "error",
            run->nginx == NULL ? "" : "nginx: ", attack->name, result);
    if (!is_good) {
        fprintf(stderr, "    expected: %s\n", expectation(attack, run->nginx != NULL));
    }
}

static void send_one(const struct run *run, const struct attack *attack,
                     struct attack_sent *ret_sent)
{
    size_t size = 0;
    char *bytes = attack_bytes(attack, run->id, &size);

    attack_send(ret_sent, run->port, bytes, size, attack->ends);
    ret_sent->lingers = run->nginx != NULL;
    free(bytes);
}

/* Looks whether an attack is answered as expected, and whether the service lives. */
static void judge(struct run *run, const struct attack *attack, struct attack_sent *sent)
{
    char result[ATTACK_RESULT];
    bool is_good;

    attack_receive(sent, &run->made, result);
    is_good = is_expected(expectation(attack, run->nginx != NULL), result);
    run->requests++;
    run->errors += !is_good;
    if (!is_good || report_all) {
        report(run, attack, is_good, result);
    }
    if (service_status(&run->service, "GET", "/livez", NULL, NULL) != 200) {
        fail_msg("after \"%s\" the service does not live", attack->name);
    }
}

/* The `name` of each item of a list, with a line's end behind each. */
static char *list_get(const struct run *run, const char *target, const char *list, const char *name)
{
    struct http_response response = service_request(&run->service, "GET", target, NULL, NULL);
    json_t *body = service_json(&response), *item;
    char *names = NULL;
    size_t i;

    json_array_foreach(json_object_get(body, list), i, item)
    {
        attack_made_add(&names, json_string_value(json_object_get(item, name)));
    }
    json_decref(body);
    http_response_fini(&response);
    return names;
}

/* The store holds what was answered as made, in that order, and nothing else. */
static void made_check(const struct run *run)
{
    char target[64];
    char *names = list_get(run, "/discount", "discounts", "id");

    assert_string_equal(names, run->made.discounts);
    free(names);
    snprintf(target, sizeof(target), "/discount/%s/grant", run->id);
    names = list_get(run, target, "grants", "user_id");
    assert_string_equal(names, run->made.users);
    free(names);
}

/* Those that end are waited for: all of them are sent first, and looked at last. */
static void run_all(struct run *run)
{
    struct attack_sent ended[ENDED_MOST];
    size_t sent = 0, seen = 0;
    const struct attack *at;

    service_create(&run->service, 1000000, run->id);
    attack_made_add(&run->made.discounts, run->id);
    for (size_t i = 0; (at = attack_at(i)) != NULL; i++) {
        if (at->ends) {
            assert_true(sent < ENDED_MOST);
            send_one(run, at, &ended[sent++]);
        }
    }
    for (size_t i = 0; (at = attack_at(i)) != NULL; i++) {
        if (!at->ends) {
            struct attack_sent one;

            send_one(run, at, &one);
            judge(run, at, &one);
        }
    }
    for (size_t i = 0; (at = attack_at(i)) != NULL; i++) {
        if (at->ends) {
            judge(run, at, &ended[seen++]);
        }
    }
    made_check(run);
    fprintf(stderr, "%u requests%s, %u attacks not answered as expected\n", run->requests,
            run->nginx == NULL ? "" : " through nginx", run->errors);
}

static void every_attack_is_answered_as_expected(void **state)
{
    struct run run = {0};

    (void)state;
    service_start(&run.service, variables);
    run.port = run.service.port;
    run_all(&run);
    attack_made_fini(&run.made);
    service_stop(&run.service);
    assert_int_equal(run.errors, 0);
}

static void every_attack_is_answered_as_expected_through_nginx(void **state)
{
    struct run run = {0};

    (void)state;
    need_program("nginx");
    service_start(&run.service, variables);
    run.nginx = nginx_server_start(run.service.port);
    run.port = nginx_server_port(run.nginx);
    run_all(&run);
    if (run.errors > 0) {
        fprintf(stderr, "nginx wrote:\n%s", nginx_server_log(run.nginx));
    }
    attack_made_fini(&run.made);
    nginx_server_stop(run.nginx);
    service_stop(&run.service);
    assert_int_equal(run.errors, 0);
}

/* ---- The table ---- */

/* In Markdown; the caller's. */
static char *table_make(void)
{
    size_t size = 0, total = 0;
    char *table = NULL;
    FILE *to = open_memstream(&table, &size);

    assert_non_null(to);
    fputs("| input | cases | expected |\n|---|---|---|\n", to);
    for (size_t i = 0; i < class_count; i++) {
        fprintf(to, "| %s | %zu | %s |\n", classes[i]->name, classes[i]->count,
                classes[i]->expected);
        total += classes[i]->count;
    }
    fprintf(to, "| all | %zu | |\n", total);
    fclose(to);
    return table;
}

static char *documentation_read(void)
{
    const char *path = getenv("TESTING_MD");
    char *text = NULL;
    size_t room = 0;
    FILE *file;

    if (path == NULL) {
        fail_msg("the environment variable TESTING_MD must name the documentation");
    }
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    return text;
}

static void the_documentation_has_the_table(void **state)
{
    char *text = documentation_read(), *table = table_make();

    (void)state;
    if (strstr(text, table) == NULL) {
        fail_msg("docs/testing.md has another table than this one:\n%s", table);
    }
    free(table);
    free(text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_attack_is_answered_as_expected),
        cmocka_unit_test(every_attack_is_answered_as_expected_through_nginx),
        cmocka_unit_test(the_documentation_has_the_table),
    };

    if (argc > 1 && strcmp(argv[1], "table") == 0) {
        char *table = table_make();

        fputs(table, stdout);
        free(table);
        return 0;
    }
    report_all = argc > 1 && strcmp(argv[1], "all") == 0;
    return cmocka_run_group_tests_name("attacks", tests, NULL, NULL);
}
