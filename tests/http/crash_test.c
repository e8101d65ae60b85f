/* SPDX-License-Identifier: MIT */
/* kill -9 loses nothing that was answered. The service is killed repeatedly while clients write,
 * and starts again on the same file. Every answer must still be true. A request without an answer
 * is in doubt; its client repeats it after the restart, which settles it.
 *
 * CRASH_SEED in the environment repeats the moments of another run. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/service.h"
#include "support/seed.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 20
#else
#define ROUNDS 100
#endif
#define CLIENTS 4
/* WIDE_STOCK: the discount that each client has alone. NARROW_STOCK: the discounts for which all
 * compete. */
#define WIDE_STOCK 1000000
#define NARROW_STOCK 15
#define LEAST_MS 5
#define MOST_MS 80
#define TIME 28 /* a granted_at and its NUL */

enum step_kind { STEP_GRANT, STEP_CONTEND, STEP_AGAIN, STEP_CREATE };

/* One request, which can be repeated until it is answered. */
struct step {
    enum step_kind kind;
    unsigned number; /* of the user, or of the creation */
    unsigned round;  /* which round's narrow discount is asked for */
    bool was_sent;   /* already, without an answer */
};

struct client {
    pthread_t thread;
    const struct discount_terms *flash_sale;
    int number;
    uint32_t random;
    struct step step; /* the next one, or the one in doubt */
    unsigned steps, grants, creations;
    char (*granted_at)[TIME];   /* owned; of the users that were granted */
    unsigned contended[ROUNDS]; /* units of each narrow discount */
    bool sold_out[ROUNDS];      /* whether "sold out" was answered */
    bool is_through;            /* this round settled every doubt */
    char fault[256];            /* the first answer that cannot be true; empty: none */
};

/* Shared by all clients; it changes only between rounds. */
struct discount_terms {
    int port;
    unsigned round;
    bool is_over; /* nothing new is asked, everything is checked */
    char wide[SERVICE_ID], narrow[ROUNDS][SERVICE_ID];
};

/* ---- Requests of a client ---- */

static void step_next(struct client *client)
{
    unsigned turn = client->steps++ % 16;
    struct step step = {.round = client->flash_sale->round};

    if (turn == 0) {
        step.kind = STEP_CREATE;
        step.number = client->creations;
    } else if (turn % 4 == 1) {
        step.kind = STEP_CONTEND;
        step.number = client->steps;
    } else if (turn == 3 && client->grants > 0) {
        step.kind = STEP_AGAIN;
        step.number = random_next(&client->random) % client->grants;
    } else {
        step.kind = STEP_GRANT;
        step.number = client->grants;
    }
    client->step = step;
}

static void step_write(const struct client *client, char ret_request[512])
{
    const struct step *step = &client->step;
    char body[128], target[64], key[64] = "";

    if (step->kind == STEP_CREATE) {
        snprintf(target, sizeof(target), "/discount");
        snprintf(key, sizeof(key), "Idempotency-Key: c%d-%u\r\n", client->number, step->number);
        snprintf(body, sizeof(body),
                 "{\"brand_id\":\"b\",\"discount_code\":\"c\",\"total_count\":1}");
    } else {
        snprintf(target, sizeof(target), "/discount/%s/grant",
                 step->kind == STEP_CONTEND ? client->flash_sale->narrow[step->round]
                                            : client->flash_sale->wide);
        snprintf(body, sizeof(body), "{\"user_id\":\"c%d-%u\"}", client->number, step->number);
    }
    snprintf(ret_request, 512,
             "POST %s HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n%s"
             "Content-Length: %zu\r\n\r\n%s",
             target, key, strlen(body), body);
}

/* ---- Answers ---- */

static void blame(struct client *client, const char *what, const struct http_response *response)
{
    snprintf(client->fault, sizeof(client->fault), "round %u, step %d of %u: %s: %d %.100s",
             client->flash_sale->round, (int)client->step.kind, client->step.number, what,
             response->status, response->body);
}

static void granted_at_of(const struct http_response *response, char ret_time[TIME])
{
    static const char name[] = "\"granted_at\":\"";
    const char *at = strstr(response->body, name);

    snprintf(ret_time, TIME, "%s", at == NULL ? "" : at + strlen(name));
}

static void grant_note(struct client *client, const struct http_response *response)
{
    unsigned n = client->grants++;

    if (n % 1024 == 0) {
        client->granted_at = realloc(client->granted_at, (n + 1024) * sizeof(char[TIME]));
        if (client->granted_at == NULL) {
            abort();
        }
    }
    granted_at_of(response, client->granted_at[n]);
}

/* The user's grant must be the one that was answered. */
static void grant_compare(struct client *client, unsigned number,
                          const struct http_response *response)
{
    char granted_at[TIME];

    granted_at_of(response, granted_at);
    if (response->status != 200 || strcmp(granted_at, client->granted_at[number]) != 0) {
        blame(client, "a grant that was answered is not there", response);
    }
}

/* Processes the answer to the step. */
static void step_done(struct client *client, const struct http_response *response)
{
    const struct step *step = &client->step;
    bool is_granted = response->status == 201 || (response->status == 200 && step->was_sent);

    switch (step->kind) {
    case STEP_AGAIN:
        grant_compare(client, step->number, response);
        return;
    case STEP_CREATE:
        client->creations += response->status == 201;
        if (response->status == 201) {
            return;
        }
        break;
    case STEP_CONTEND:
        client->contended[step->round] += is_granted;
        client->sold_out[step->round] |= response->status == 409;
        if (is_granted || response->status == 409) {
            return;
        }
        break;
    case STEP_GRANT:
        if (is_granted) {
            grant_note(client, response);
            return;
        }
        break;
    }
    blame(client, "not an answer to this", response);
}

/* ---- A client ---- */

/* Sends a request and receives the answer. Returns false if the connection ended first. */
static bool exchange(struct client *client, struct http_connection *connection, const char *request,
                     struct http_response *ret_response)
{
    enum http_end end = HTTP_CLOSED;

    if (http_send_text(connection, request)) {
        end = http_receive(connection, "POST", CLOCK_PATIENCE_MS, ret_response);
    }
    if (end == HTTP_TIMEOUT || end == HTTP_MALFORMED) {
        snprintf(client->fault, sizeof(client->fault), "an answer that was late or malformed");
    }
    return end == HTTP_COMPLETE;
}

static bool step_try(struct client *client, struct http_connection *connection)
{
    struct http_response response;
    char request[512];

    step_write(client, request);
    if (!exchange(client, connection, request, &response)) {
        client->step.was_sent = true;
        return false;
    }
    step_done(client, &response);
    http_response_fini(&response);
    return true;
}

/* Reads one of the client's grants. */
static bool recall(struct client *client, struct http_connection *connection, unsigned number)
{
    struct http_response response;
    char request[256];

    snprintf(request, sizeof(request),
             "GET /discount/%s/grant?user_id=c%d-%u HTTP/1.1\r\nHost: t\r\n\r\n",
             client->flash_sale->wide, client->number, number);
    if (!exchange(client, connection, request, &response)) {
        return false;
    }
    grant_compare(client, number, &response);
    http_response_fini(&response);
    return true;
}

/* Reads the client's last grants, which a crash would lose first. After the last kill, reads all of
 * them. */
static bool recall_some(struct client *client, struct http_connection *connection)
{
    unsigned from = client->flash_sale->is_over || client->grants < 3 ? 0 : client->grants - 3;

    for (unsigned n = from; n < client->grants; n++) {
        if (!recall(client, connection, n) || client->fault[0] != '\0') {
            return false;
        }
    }
    return true;
}

static bool step_take(struct client *client, struct http_connection *connection)
{
    if (!step_try(client, connection) || client->fault[0] != '\0') {
        return false;
    }
    step_next(client);
    return true;
}

/* Runs one round, which begins with the step in doubt. */
static void *client_main(void *argument)
{
    struct client *client = argument;
    struct http_connection connection;
    bool goes_on = http_connect(&connection, client->flash_sale->port);

    if (goes_on && client->step.was_sent) {
        goes_on = step_take(client, &connection);
    }
    goes_on = goes_on && recall_some(client, &connection);
    client->is_through = goes_on;
    while (goes_on && !client->flash_sale->is_over) {
        goes_on = step_take(client, &connection);
    }
    http_disconnect(&connection);
    return NULL;
}

/* ---- The rounds ---- */

struct crash {
    struct service service;
    struct discount_terms flash_sale;
    struct client clients[CLIENTS];
    uint32_t random;
    unsigned in_doubt; /* requests, at all kills together */
};

static void clients_start(struct crash *crash)
{
    crash->flash_sale.port = crash->service.port;
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(
            pthread_create(&crash->clients[i].thread, NULL, client_main, &crash->clients[i]), 0);
    }
}

static void clients_join(struct crash *crash)
{
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(crash->clients[i].thread, NULL);
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (crash->clients[i].fault[0] != '\0') {
            fail_msg("%s", crash->clients[i].fault);
        }
        crash->in_doubt += crash->clients[i].step.was_sent;
    }
}

/* Only the time limit ends a round. */
static bool never(void *argument)
{
    (void)argument; /* the argument is not used */
    return false;
}

static void round_run(struct crash *crash)
{
    int64_t ms = LEAST_MS + random_next(&crash->random) % (MOST_MS - LEAST_MS + 1);
    int status = 0;

    service_launch(&crash->service, NULL);
    service_create(&crash->service, NARROW_STOCK,
                   crash->flash_sale.narrow[crash->flash_sale.round]);
    clients_start(crash);
    clock_wait(never, NULL, ms);
    discountd_signal(crash->service.daemon, SIGKILL);
    assert_true(discountd_wait_exit(crash->service.daemon, CLOCK_PATIENCE_MS, &status));
    clients_join(crash);
    discountd_stop(crash->service.daemon);
    crash->service.daemon = NULL;
}

static long long granted_count(const struct service *service, const char *id)
{
    struct http_response response;
    char target[64];
    json_t *discount;
    long long count;

    snprintf(target, sizeof(target), "/discount/%s", id);
    response = service_request(service, "GET", target, NULL, NULL);
    assert_int_equal(response.status, 200);
    discount = service_json(&response);
    count = json_integer_value(json_object_get(discount, "granted_count"));
    json_decref(discount);
    http_response_fini(&response);
    return count;
}

/* Each narrow discount must have as many grants as units were answered. If any client was told that
 * it is sold out, that must be all of its stock. */
static void narrow_check(const struct crash *crash, unsigned round)
{
    long long granted = granted_count(&crash->service, crash->flash_sale.narrow[round]);
    unsigned answered = 0;
    bool sold_out = false;

    for (int i = 0; i < CLIENTS; i++) {
        answered += crash->clients[i].contended[round];
        sold_out = sold_out || crash->clients[i].sold_out[round];
    }
    assert_int_equal(granted, answered);
    assert_true(sold_out ? granted == NARROW_STOCK : granted <= NARROW_STOCK);
}

/* After the last kill: every doubt is settled, every grant is there, and every count is exact. */
static void all_check(struct crash *crash)
{
    unsigned grants = 0, creations = 0, in_doubt = crash->in_doubt;

    service_launch(&crash->service, NULL);
    crash->flash_sale.is_over = true;
    clients_start(crash);
    clients_join(crash);
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(crash->clients[i].is_through);
        grants += crash->clients[i].grants;
        creations += crash->clients[i].creations;
    }
    assert_int_equal(granted_count(&crash->service, crash->flash_sale.wide), grants);
    assert_int_equal(service_count(&crash->service), 1 + ROUNDS + creations);
    for (unsigned round = 0; round < ROUNDS; round++) {
        narrow_check(crash, round);
    }
    print_message("%d kills, %u grants and %u creations answered, %u requests in doubt\n", ROUNDS,
                  grants, creations, in_doubt);
    /* It must have been killed while it worked. */
    assert_true(grants > 20 * ROUNDS);
    assert_true(in_doubt > ROUNDS);
}

static void nothing_that_was_answered_is_lost_by_kill_9(void **state)
{
    struct crash *crash = calloc(1, sizeof(*crash));

    (void)state;
    assert_non_null(crash);
    crash->random = seed_choose("CRASH_SEED");
    service_start(&crash->service, NULL);
    service_create(&crash->service, WIDE_STOCK, crash->flash_sale.wide);
    discountd_stop(crash->service.daemon); /* the first kill */
    for (int i = 0; i < CLIENTS; i++) {
        crash->clients[i] = (struct client){
            .flash_sale = &crash->flash_sale, .number = i, .random = random_next(&crash->random)};
        step_next(&crash->clients[i]);
    }
    for (crash->flash_sale.round = 0; crash->flash_sale.round < ROUNDS; crash->flash_sale.round++) {
        round_run(crash);
    }
    all_check(crash);
    for (int i = 0; i < CLIENTS; i++) {
        free(crash->clients[i].granted_at);
    }
    service_stop(&crash->service);
    free(crash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_was_answered_is_lost_by_kill_9),
    };

    return cmocka_run_group_tests_name("http crash", tests, NULL, NULL);
}
