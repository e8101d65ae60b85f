/* SPDX-License-Identifier: MIT */
/* A Redis that is away for a while: which requests wait for it, and how often the service tries to
 * connect. Also how soon it succeeds, and what the outage costs in memory. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/service.h"
#include "support/loopback.h"

static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

static void start_durable(struct service *service, const char *const *variables)
{
    *service = (struct service){.redis = redis_server_start(durable)};
    snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=%s",
             redis_server_url(service->redis));
    service_launch(service, variables);
}

static bool is_over(void *argument)
{
    return clock_ms() >= *(const int64_t *)argument;
}

/* Lets time pass. */
static void let_pass(int64_t ms)
{
    int64_t end_ms = clock_ms() + ms;

    assert_true(clock_wait(is_over, &end_ms, 2 * ms + CLOCK_PATIENCE_MS));
}

/* ---- Requests that wait ---- */

static void a_request_waits_for_a_redis_that_comes_back(void **state)
{
    struct service service;
    struct http_connection waiting;
    struct http_response response;
    char id[SERVICE_ID];
    int64_t begin_ms;

    (void)state;
    start_durable(&service,
                  (const char *[]){"DISCOUNT_WORKERS=1", "DISCOUNT_DEADLINE_MS=20000", NULL});
    service_create(&service, 10, id);
    redis_server_kill(service.redis);
    assert_true(discountd_log_wait(service.daemon, "no connection", CLOCK_PATIENCE_MS));
    waiting = service_connect(&service);
    service_send_grant(&waiting, id, "u");

    /* Health checks are answered at once; they do not wait with the other requests. */
    begin_ms = clock_ms();
    assert_int_equal(service_status(&service, "GET", "/readyz", NULL, NULL), 503);
    assert_int_equal(service_status(&service, "GET", "/healthy", NULL, NULL), 503);
    assert_int_equal(service_status(&service, "GET", "/livez", NULL, NULL), 200);
    assert_true(clock_ms() - begin_ms < 10000);

    redis_server_restart(service.redis);
    response = service_receive(&waiting, "POST");
    assert_int_equal(response.status, 201);
    http_response_fini(&response);
    http_disconnect(&waiting);
    assert_int_equal(service_grant(&service, id, "u"), 200);
    service_stop(&service);
}

static bool is_refused_at_once(void *argument)
{
    const struct service *service = argument;
    int64_t begin_ms = clock_ms();

    assert_int_equal(service_status(service, "GET", "/discount", NULL, NULL), 503);
    return clock_ms() - begin_ms < 500;
}

/* A request after an outage longer than a deadline would wait in vain, so it is refused at once. */
static void a_long_outage_is_told_at_once(void **state)
{
    struct service service;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DEADLINE_MS=1000", NULL});
    redis_server_kill(service.redis);
    assert_true(clock_wait(is_refused_at_once, &service, CLOCK_PATIENCE_MS));
    service_stop(&service);
}

/* ---- Recovery ---- */

struct stock {
    struct service service;
    char id[SERVICE_ID];
};

static bool is_granted(void *argument)
{
    const struct stock *stock = argument;
    int status = service_grant(&stock->service, stock->id, "u");

    return status == 200 || status == 201;
}

/* Returns how long an outage lasts for clients after its end. It is so long that the back-off is at
 * its maximum. */
static int64_t recovery_ms(struct stock *stock, bool by_kill)
{
    struct redis_server *redis = stock->service.redis;
    int64_t begin_ms;

    (by_kill ? redis_server_kill : redis_server_freeze)(redis);
    let_pass(2500);
    (by_kill ? redis_server_restart : redis_server_thaw)(redis);
    begin_ms = clock_ms();
    assert_true(clock_wait(is_granted, stock, CLOCK_PATIENCE_MS));
    return clock_ms() - begin_ms;
}

static void it_recovers_within_a_second_or_so(void **state)
{
    enum { MOST_MS = 5000 };
    struct stock stock;
    int64_t killed_ms, hung_ms;

    (void)state;
    start_durable(&stock.service, (const char *[]){"DISCOUNT_DEADLINE_MS=1000", NULL});
    service_create(&stock.service, 10, stock.id);
    killed_ms = recovery_ms(&stock, true);
    hung_ms = recovery_ms(&stock, false);
    print_message("recovered %d ms after a restart, %d ms after a hang\n", (int)killed_ms,
                  (int)hung_ms);
    assert_true(killed_ms < MOST_MS && hung_ms < MOST_MS);
    service_stop(&stock.service);
}

/* ---- Attempts to connect ---- */

#define WATCHED_MS 4000
#define ACCEPTED_MOST 1000

/* Accepts connections and closes them at once. Returns when each came. */
static size_t accept_and_close(int listener, int64_t ret_came_ms[ACCEPTED_MOST])
{
    int64_t end_ms = clock_ms() + WATCHED_MS;
    size_t count = 0;

    for (;;) {
        struct pollfd polled = {.fd = listener, .events = POLLIN};
        int64_t left_ms = end_ms - clock_ms();

        if (left_ms <= 0 || count == ACCEPTED_MOST) {
            return count;
        }
        if (poll(&polled, 1, (int)left_ms) > 0) {
            close(accept(listener, NULL, NULL));
            ret_came_ms[count++] = clock_ms();
        }
    }
}

/* Back-off doubles to 400 ms, plus or minus half, so the final minimum is 200 ms. It must vary, or
 * all workers of all replicas would try at the same moments. */
static void it_is_looked_for_with_back_off_and_jitter(void **state)
{
    enum { MOST = WATCHED_MS / 200 + 5, SETTLED = 4, DIFFERENT_MS = 20, LONGEST_MS = 1500 };
    static int64_t came_ms[ACCEPTED_MOST];
    int64_t least_ms = INT64_MAX, most_ms = 0;
    struct discountd *daemon;
    char store[64];
    int port, listener = loopback_listen(&port);
    size_t count;

    (void)state;
    assert_true(listener >= 0);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=redis://127.0.0.1:%d", port);
    daemon = discountd_launch((const char *[]){store, "DISCOUNT_WORKERS=1", NULL});
    count = accept_and_close(listener, came_ms);
    assert_in_range(count, SETTLED + 2, MOST);
    for (size_t i = SETTLED; i < count; i++) {
        int64_t waited_ms = came_ms[i] - came_ms[i - 1];

        least_ms = waited_ms < least_ms ? waited_ms : least_ms;
        most_ms = waited_ms > most_ms ? waited_ms : most_ms;
    }
    print_message("%zu connections in %d ms; the last %d to %d ms behind each other\n", count,
                  WATCHED_MS, (int)least_ms, (int)most_ms);
    assert_true(most_ms - least_ms > DIFFERENT_MS);
    assert_true(most_ms < LONGEST_MS);
    discountd_stop(daemon);
    close(listener);
}

/* ---- What it costs in memory ---- */

#define CLIENTS 32

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* Sanitizers keep freed memory, and notes about the rest. */
#define GROWTH_MOST_KIB (512 * 1024)
#else
#define GROWTH_MOST_KIB (8 * 1024)
#endif

struct client {
    const struct service *service;
    const char *id;
    unsigned number;
    pthread_t thread;
    atomic_bool *is_stopped;
    size_t answered, refused, broken;
};

/* Asks for grants, one after another, over one connection. */
static void *client_run(void *argument)
{
    struct client *client = argument;
    struct http_connection connection = {.fd = -1};

    for (unsigned i = 0; !atomic_load(client->is_stopped); i++) {
        struct http_response response;
        char request[512];

        if (connection.fd < 0 && !http_connect(&connection, client->service->port)) {
            client->broken++;
            break;
        }
        snprintf(request, sizeof(request),
                 "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                 "Content-Length: 22\r\n\r\n{\"user_id\":\"%02u-%05u\"}",
                 client->id, client->number % 100, i % 100000);
        if (!http_send_text(&connection, request) ||
            http_receive(&connection, "POST", CLOCK_PATIENCE_MS, &response) != HTTP_COMPLETE) {
            client->broken++;
            break;
        }
        client->answered++;
        client->refused += response.status == 503;
        client->broken +=
            response.status != 503 && response.status != 201 && response.status != 200;
        http_response_fini(&response);
    }
    http_disconnect(&connection);
    return NULL;
}

static long resident_kib(const struct service *service)
{
    char path[64], line[128];
    long kib = -1;
    FILE *status;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)discountd_pid(service->daemon));
    status = fopen(path, "r");
    assert_non_null(status);
    while (kib < 0 && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = atol(line + 6);
        }
    }
    fclose(status);
    assert_true(kib > 0);
    return kib;
}

static void memory_is_flat_through_outages_under_load(void **state)
{
    enum { ROUNDS = 2 };
    struct service service;
    struct client clients[CLIENTS];
    atomic_bool is_stopped = false;
    char id[SERVICE_ID];
    size_t answered = 0, refused = 0, broken = 0;
    long before_kib, after_kib;

    (void)state;
    service_start(&service, (const char *[]){"DISCOUNT_DEADLINE_MS=1000", NULL});
    service_create(&service, 1000000, id);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] =
            (struct client){.service = &service, .id = id, .number = i, .is_stopped = &is_stopped};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]), 0);
    }
    let_pass(500);
    before_kib = resident_kib(&service);
    for (int round = 0; round < ROUNDS; round++) {
        redis_server_freeze(service.redis);
        /* Longer than two deadlines, so that some requests are refused at once. */
        let_pass(2500);
        redis_server_thaw(service.redis);
        let_pass(300);
        redis_server_command(service.redis, "CLIENT KILL TYPE normal SKIPME yes");
        let_pass(300);
    }
    after_kib = resident_kib(&service);
    atomic_store(&is_stopped, true);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        answered += clients[i].answered;
        refused += clients[i].refused;
        broken += clients[i].broken;
    }
    print_message("%zu answers, %zu of them 503; %ld KiB before, %ld KiB after\n", answered,
                  refused, before_kib, after_kib);
    assert_int_equal(broken, 0);
    assert_true(refused > 0);
    assert_true(after_kib - before_kib < GROWTH_MOST_KIB);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_waits_for_a_redis_that_comes_back),
        cmocka_unit_test(a_long_outage_is_told_at_once),
        cmocka_unit_test(it_recovers_within_a_second_or_so),
        cmocka_unit_test(it_is_looked_for_with_back_off_and_jitter),
        cmocka_unit_test(memory_is_flat_through_outages_under_load),
    };

    return cmocka_run_group_tests_name("redis outage", tests, NULL, NULL);
}
