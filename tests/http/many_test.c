/* SPDX-License-Identifier: MIT */
/* The maximum number of clients and more: their cost, and that a waiting client is served when
 * another leaves. When descriptors run out, existing connections are not affected. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/pace.h"
#include "http/service.h"
#include "support/command.h"
#include "support/loopback.h"
#include "support/need.h"
#include "support/process.h"
#include "support/usage.h"

#define LIVEZ "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"
#define HEALTHY "GET /healthy HTTP/1.1\r\nHost: t\r\n\r\n"

/* ---- Connections that are only a descriptor ---- */

static void ask(int fd, const char *request)
{
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

/* Receives an answer, which is short enough to come at once, and returns its status. */
static int answer_take(int fd)
{
    char answer[4096];
    ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);

    assert_true(n > 12);
    answer[n] = '\0';
    assert_int_equal(strncmp(answer, "HTTP/1.1 ", 9), 0);
    return (int)strtol(answer + 9, NULL, 10);
}

static void assert_answered(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&poll_fd, 1, CLOCK_PATIENCE_MS), 1);
    assert_int_equal(answer_take(fd), 200);
}

static int open_and_ask(const struct service *service, const char *request)
{
    int fd = loopback_connect(service->port);

    assert_true(fd >= 0);
    ask(fd, request);
    return fd;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

struct level {
    pid_t pid;
    unsigned most;
};

static bool is_level(void *argument)
{
    const struct level *level = argument;

    return usage_descriptors(level->pid) <= level->most;
}

struct listeners {
    int port;
    unsigned wanted;
};

static bool all_listen(void *argument)
{
    const struct listeners *listeners = argument;

    return usage_listeners(listeners->port) == listeners->wanted;
}

/* Starts the service on a prepared store, and waits until each of its workers listens. Before that,
 * the others would get all connections. */
static void launch(struct service *service, unsigned workers, const char *more)
{
    char number[32];
    struct listeners listeners;

    snprintf(number, sizeof(number), "DISCOUNT_WORKERS=%u", workers);
    service_launch(service, (const char *[]){number, more, NULL});
    listeners = (struct listeners){service->port, workers};
    assert_true(clock_wait(all_listen, &listeners, CLOCK_PATIENCE_MS));
}

static void start(struct service *service, unsigned workers, const char *more)
{
    service_prepare(service);
    launch(service, workers, more);
}

/* ---- Ten thousand ---- */

#define IDLE_COUNT 10000
/* The limit for one idle connection: a little more than its 12 KiB for the next request. */
#define IDLE_MOST_BYTES (16 * 1024)
#define BATCH 500

static int idle[IDLE_COUNT];

/* Raises this process's limit of descriptors, or skips the test if that is not allowed. */
static void need_descriptors(rlim_t count)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    need(limit.rlim_max >= count, "a limit of open files above 12,500");
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Connects from 127.0.0.`host`. Each address has its own ports, and tests that run in parallel need
 * some too. */
static int connect_from(unsigned host, int port)
{
    const int one = 1;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffU) | host)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Opens ten thousand connections, each of which has made a request. */
static void idle_open(const struct service *service, unsigned round)
{
    for (size_t begin = 0; begin < IDLE_COUNT; begin += BATCH) {
        for (size_t i = begin; i < begin + BATCH; i++) {
            idle[i] = connect_from(10 + 2 * round + (unsigned)(i % 2), service->port);
            ask(idle[i], HEALTHY);
        }
        for (size_t i = begin; i < begin + BATCH; i++) {
            assert_answered(idle[i]);
        }
    }
}

/* Opens them, measures, and closes them. Returns the service's memory at the peak and afterwards.
 * */
static void idle_round(const struct service *service, unsigned round, long *ret_most_kib,
                       long *ret_after_kib)
{
    pid_t pid = discountd_pid(service->daemon);
    unsigned before = usage_descriptors(pid);
    struct level level = {pid, before + 2};
    struct pace among = {0};

    idle_open(service, round);
    *ret_most_kib = usage_memory_kib(pid, "VmRSS:");
    assert_true(usage_descriptors(pid) >= before + IDLE_COUNT - 2);
    pace_requests(&among, service->port, 100);
    pace_assert(&among, "among ten thousand idle connections", PACE_MOST_US);
    for (size_t i = 0; i < IDLE_COUNT; i += 100) {
        ask(idle[i], HEALTHY);
        assert_answered(idle[i]);
    }
    close_all(idle, IDLE_COUNT);
    assert_true(clock_wait(is_level, &level, CLOCK_PATIENCE_MS));
    *ret_after_kib = usage_memory_kib(pid, "VmRSS:");
}

static void ten_thousand_idle_connections_cost_little_and_leave_nothing(void **state)
{
    struct service service;
    struct pace warm = {0};
    long before_kib, most_kib[2], after_kib[2], cost;

    (void)state;
    need_descriptors(12500);
    /* The kernel spreads them over the workers by a hash, so not quite evenly. */
    start(&service, 2, "DISCOUNT_CONNECTIONS=6000");
    pace_requests(&warm, service.port, 100);
    before_kib = usage_memory_kib(discountd_pid(service.daemon), "VmRSS:");
    for (unsigned round = 0; round < 2; round++) {
        idle_round(&service, round, &most_kib[round], &after_kib[round]);
    }
    cost = (most_kib[0] - before_kib) * 1024 / IDLE_COUNT;
    fprintf(stderr,
            "%ld bytes for each idle connection; %ld KiB before, %ld and %ld with all of them, "
            "%ld and %ld after\n",
            cost, before_kib, most_kib[0], most_kib[1], after_kib[0], after_kib[1]);
    if (usage_is_plain()) {
        assert_true(cost < IDLE_MOST_BYTES);
        assert_true(most_kib[1] < most_kib[0] + most_kib[0] / 20);
        assert_true(after_kib[1] < after_kib[0] + most_kib[0] / 20);
    }
    service_stop(&service);
}

/* ---- The limit ---- */

/* The longest time between the end of one connection and the answer to another. */
#define FREED_MOST_US 50000

#define CLIENTS 128
#define SLOTS 8
#define CYCLES 40

struct queue_of_clients {
    struct pollfd waiting[CLIENTS]; /* fd is -1 after the answer */
    int served[CLIENTS];            /* in the order of their answers */
    size_t served_count;
};

/* Waits until one more waiting client has been answered. Returns false after the time is over. */
static bool one_is_served(struct queue_of_clients *clients, int within_ms)
{
    if (poll(clients->waiting, CLIENTS, within_ms) <= 0) {
        return false;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients->waiting[i].fd >= 0 && clients->waiting[i].revents != 0) {
            assert_int_equal(answer_take(clients->waiting[i].fd), 200);
            clients->served[clients->served_count++] = clients->waiting[i].fd;
            clients->waiting[i].fd = -1;
            return true;
        }
    }
    return false;
}

/* Far more clients than slots send requests. Whenever an answered client leaves, another is
 * answered at once. The kernel decides which worker has which client. The order of leaving frees
 * slots of all workers in turn. */
static void assert_freed_slots_are_taken(unsigned workers, const char *connections)
{
    static struct queue_of_clients clients;
    struct pace freed = {0};
    struct service service;
    size_t gone = 0;

    clients.served_count = 0;
    start(&service, workers, connections);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients.waiting[i] = (struct pollfd){.fd = open_and_ask(&service, LIVEZ), .events = POLLIN};
    }
    while (clients.served_count < SLOTS) {
        assert_true(one_is_served(&clients, CLOCK_PATIENCE_MS));
    }
    assert_false(one_is_served(&clients, 200));
    while (gone < CYCLES) {
        int64_t begin_us = pace_now_us();

        close(clients.served[gone++]);
        assert_true(one_is_served(&clients, CLOCK_PATIENCE_MS));
        pace_note(&freed, pace_now_us() - begin_us);
    }
    pace_assert(&freed, "a freed slot is taken", FREED_MOST_US);
    for (size_t i = 0; i < CLIENTS; i++) {
        close(clients.waiting[i].fd);
    }
    close_all(clients.served + gone, clients.served_count - gone);
    service_stop(&service);
}

static void a_freed_slot_is_taken_within_50_ms(void **state)
{
    (void)state;
    assert_freed_slots_are_taken(1, "DISCOUNT_CONNECTIONS=8");
}

static void so_it_is_when_every_worker_is_at_its_limit(void **state)
{
    (void)state;
    assert_freed_slots_are_taken(2, "DISCOUNT_CONNECTIONS=4");
}

/* ---- No more descriptors ---- */

/* Lowers the limit of descriptors to 3, so that none can be opened; feed restores it. Open ones
 * stay open. */
static void starve(const struct service *service, struct rlimit *ret_before)
{
    struct rlimit now;

    assert_int_equal(prlimit(discountd_pid(service->daemon), RLIMIT_NOFILE, NULL, ret_before), 0);
    now = (struct rlimit){.rlim_cur = 3, .rlim_max = ret_before->rlim_max};
    assert_int_equal(prlimit(discountd_pid(service->daemon), RLIMIT_NOFILE, &now, NULL), 0);
}

static void feed(const struct service *service, const struct rlimit *before)
{
    assert_int_equal(prlimit(discountd_pid(service->daemon), RLIMIT_NOFILE, before, NULL), 0);
}

static unsigned times_logged(const struct service *service, const char *text)
{
    unsigned count = 0;

    for (const char *at = discountd_log(service->daemon); (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Returns the processor time that the service takes while it gets no requests. */
static int64_t cpu_ms_during(const struct service *service, int ms)
{
    int64_t before_ms = usage_cpu_ms(discountd_pid(service->daemon));

    poll(NULL, 0, ms);
    return usage_cpu_ms(discountd_pid(service->daemon)) - before_ms;
}

static void without_descriptors_it_waits_quietly_and_serves_who_is_there(void **state)
{
    enum { HERE = 12, OUTSIDE = 30, WATCH_MS = 2500 };
    int here[HERE], outside[OUTSIDE];
    struct service service;
    struct rlimit before;
    int64_t cpu_ms;

    (void)state;
    start(&service, 2, NULL);
    for (size_t i = 0; i < HERE; i++) {
        here[i] = open_and_ask(&service, HEALTHY);
        assert_answered(here[i]);
    }
    starve(&service, &before);
    for (size_t i = 0; i < OUTSIDE; i++) {
        outside[i] = open_and_ask(&service, HEALTHY);
    }
    assert_true(discountd_log_wait(service.daemon, "cannot accept", CLOCK_PATIENCE_MS));
    cpu_ms = cpu_ms_during(&service, WATCH_MS);
    fprintf(stderr, "without descriptors: %ld ms of processor time in %d ms\n", (long)cpu_ms,
            WATCH_MS);
    assert_true(cpu_ms < WATCH_MS / 20);
    /* Each connection that closes makes the service try again. */
    close_all(here + 1, HERE - 1);
    ask(here[0], HEALTHY);
    assert_answered(here[0]);
    ask(here[0], "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_answered(here[0]);
    assert_true(times_logged(&service, "cannot accept") <= 2);
    feed(&service, &before);
    for (size_t i = 0; i < OUTSIDE; i++) {
        assert_answered(outside[i]);
    }
    close(here[0]);
    close_all(outside, OUTSIDE);
    service_stop(&service);
}

struct health {
    int fd;
    int status;
};

static bool has_health(void *argument)
{
    const struct health *health = argument;

    ask(health->fd, HEALTHY);
    return answer_take(health->fd) == health->status;
}

static void a_store_that_is_lost_without_descriptors_is_found_again_with_them(void **state)
{
    struct service service;
    struct rlimit before;
    struct health health;

    (void)state;
    start(&service, 1, NULL);
    health.fd = open_and_ask(&service, HEALTHY);
    assert_answered(health.fd);
    starve(&service, &before);
    redis_server_kill(service.redis);
    health.status = 503;
    assert_true(clock_wait(has_health, &health, CLOCK_PATIENCE_MS));
    redis_server_restart(service.redis);
    assert_true(cpu_ms_during(&service, 1000) < 100);
    assert_true(has_health(&health));
    feed(&service, &before);
    health.status = 200;
    assert_true(clock_wait(has_health, &health, CLOCK_PATIENCE_MS));
    close(health.fd);
    service_stop(&service);
}

/* ---- The reserve, and the limit at the start ---- */

static void clients_cannot_take_the_descriptors_of_the_store(void **state)
{
    static struct queue_of_clients clients;
    struct health health = {.status = 200};
    struct service service;

    (void)state;
    clients.served_count = 0;
    service_prepare(&service);
    process_limit_descriptors(160);
    launch(&service, 2, NULL);
    process_limit_descriptors(0);
    assert_non_null(strstr(discountd_log(service.daemon), "allows 32 connections per worker only"));
    for (size_t i = 0; i < CLIENTS; i++) {
        clients.waiting[i] = (struct pollfd){.fd = open_and_ask(&service, LIVEZ), .events = POLLIN};
    }
    while (clients.served_count < 64) {
        assert_true(one_is_served(&clients, CLOCK_PATIENCE_MS));
    }
    assert_false(one_is_served(&clients, 200));
    assert_true(usage_descriptors(discountd_pid(service.daemon)) < 160);

    redis_server_kill(service.redis);
    assert_true(discountd_log_wait(service.daemon, "no connection", CLOCK_PATIENCE_MS));
    redis_server_restart(service.redis);
    for (size_t i = 0; i < 16; i++) {
        health.fd = clients.served[i];
        assert_true(clock_wait(has_health, &health, CLOCK_PATIENCE_MS));
    }
    close_all(clients.served, clients.served_count);
    for (size_t i = 0; i < CLIENTS; i++) {
        close(clients.waiting[i].fd);
    }
    service_stop(&service);
}

static void a_limit_that_leaves_no_room_for_clients_is_said_at_the_start(void **state)
{
    char output[COMMAND_OUTPUT], store[160];
    struct service service;

    (void)state;
    service_prepare(&service);
    snprintf(store, sizeof(store), "%s", service.store);
    process_limit_descriptors(60);
    assert_int_equal(command_run(NULL,
                                 (const char *[]){store, "DISCOUNT_LISTEN=127.0.0.1:0",
                                                  "DISCOUNT_WORKERS=2", NULL},
                                 output),
                     1);
    process_limit_descriptors(0);
    assert_non_null(strstr(output, "the limit of open files is too low for 2 workers"));
    service_end(&service);
}

static void a_soft_limit_is_raised_as_far_as_the_connections_need(void **state)
{
    struct rlimit own, low, raised;
    struct service service;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
    service_prepare(&service);
    low = (struct rlimit){200, own.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    launch(&service, 2, "DISCOUNT_CONNECTIONS=500");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &own), 0);
    assert_int_equal(prlimit(discountd_pid(service.daemon), RLIMIT_NOFILE, NULL, &raised), 0);
    assert_true(raised.rlim_cur >= 2 * 500 + 64);
    assert_null(strstr(discountd_log(service.daemon), "limit of open files"));
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_idle_connections_cost_little_and_leave_nothing),
        cmocka_unit_test(a_freed_slot_is_taken_within_50_ms),
        cmocka_unit_test(so_it_is_when_every_worker_is_at_its_limit),
        cmocka_unit_test(without_descriptors_it_waits_quietly_and_serves_who_is_there),
        cmocka_unit_test(a_store_that_is_lost_without_descriptors_is_found_again_with_them),
        cmocka_unit_test(clients_cannot_take_the_descriptors_of_the_store),
        cmocka_unit_test(a_limit_that_leaves_no_room_for_clients_is_said_at_the_start),
        cmocka_unit_test(a_soft_limit_is_raised_as_far_as_the_connections_need),
    };

    return cmocka_run_group_tests_name("http many", tests, NULL, NULL);
}
