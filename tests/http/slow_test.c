/* SPDX-License-Identifier: MIT */
/* Clients that are as slow as possible. Each is cut at its deadline, whatever it still sends or
 * reads. Hundreds of them do not disturb other clients. list_test.c measures the cost of lists that
 * are not read. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/pace.h"
#include "http/service.h"
#include "support/loopback.h"
#include "support/need.h"
#include "support/process.h"
#include "support/usage.h"

#define GET_LIST "GET /discount HTTP/1.1\r\nHost: t\r\n\r\n"
/* A list that is too large for any socket's buffers: over a megabyte. */
#define LONG_LIST 4000

/* On a slow machine many lists keep the store busy, which these tests are not about. */
static const char patient[] = "DISCOUNT_DEADLINE_MS=20000";

/* ---- Slow clients ---- */

/* Where a slow client is slow. */
enum kind { SLOW_LINE, SLOW_HEADERS, SLOW_BODY, SLOW_READER, KINDS };

static const char *const begins[KINDS] = {
    "GET /",
    "GET / HTTP/1.1\r\nHost: t\r\nX-Slow: ",
    ("POST /discount HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
     "Content-Length: 5000\r\n\r\n"),
    GET_LIST,
};

struct slow_client {
    int fd; /* -1: cut */
    enum kind kind;
    int64_t began_ms, lived_ms;
};

#define MOST_CLIENTS 240

struct slow_clients {
    int port;
    size_t count;
    unsigned cuts;
    struct slow_client clients[MOST_CLIENTS];
};

static void slow_begin(const struct slow_clients *slow, struct slow_client *client)
{
    /* Otherwise the reader's own kernel would buffer much, hundreds of times. */
    const int room = 4096;
    size_t n = strlen(begins[client->kind]);

    client->began_ms = clock_ms();
    client->fd = loopback_connect(slow->port);
    assert_true(client->fd >= 0);
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    assert_int_equal(send(client->fd, begins[client->kind], n, MSG_NOSIGNAL), n);
}

static void slow_end(struct slow_clients *slow, struct slow_client *client)
{
    close(client->fd);
    client->fd = -1;
    client->lived_ms = clock_ms() - client->began_ms;
    slow->cuts++;
}

/* Returns whether the server has ended the connection. A reader notices a reset while bytes are
 * left to read, but an orderly close only after them. */
static bool is_cut(const struct slow_client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLRDHUP};

    return poll(&poll_fd, 1, 0) == 1;
}

/* Reads or sends one more byte. */
static void slow_go_on(struct slow_clients *slow, struct slow_client *client)
{
    char byte = 'a';

    if (is_cut(client)) {
        slow_end(slow, client);
    } else if (client->kind == SLOW_READER) {
        assert_true(recv(client->fd, &byte, 1, MSG_DONTWAIT) == 1 || errno == EAGAIN);
    } else if (send(client->fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        slow_end(slow, client);
    }
}

/* Opens the same number of each kind. */
static void slow_clients_open(struct slow_clients *slow, const struct service *service,
                              size_t count)
{
    assert_true(count <= MOST_CLIENTS);
    *slow = (struct slow_clients){.port = service->port, .count = count};
    for (size_t i = 0; i < count; i++) {
        slow->clients[i].kind = (enum kind)(i % KINDS);
        slow_begin(slow, &slow->clients[i]);
    }
}

static void clients_go_on(struct slow_clients *slow)
{
    for (size_t i = 0; i < slow->count; i++) {
        if (slow->clients[i].fd >= 0) {
            slow_go_on(slow, &slow->clients[i]);
        }
    }
}

/* Replaces those that were cut, as attackers do. */
static void clients_refill(struct slow_clients *slow)
{
    for (size_t i = 0; i < slow->count; i++) {
        if (slow->clients[i].fd < 0) {
            slow_begin(slow, &slow->clients[i]);
        }
    }
}

static void clients_leave(struct slow_clients *slow)
{
    for (size_t i = 0; i < slow->count; i++) {
        if (slow->clients[i].fd >= 0) {
            close(slow->clients[i].fd);
        }
    }
}

/* Waits: the pace of slow clients is what is tested. */
static void pass(int ms)
{
    poll(NULL, 0, ms);
}

/* ---- The server ---- */

struct level {
    pid_t pid;
    unsigned most;
};

static bool is_level(void *argument)
{
    const struct level *level = argument;

    return usage_descriptors(level->pid) <= level->most;
}

/* Requires that the server has closed all descriptors that it opened beyond this many. */
static void assert_level(const struct service *service, unsigned descriptors)
{
    struct level level = {discountd_pid(service->daemon), descriptors};

    assert_true(clock_wait(is_level, &level, CLOCK_PATIENCE_MS));
}

/* Starts it with a list that is too large for any socket. Returns how many descriptors it has then.
 * */
static unsigned start(struct service *service, const char *const *variables)
{
    struct pace warm = {0};

    service_prepare(service);
    service_fill(service, LONG_LIST);
    service_launch(service, variables);
    pace_requests(&warm, service->port, 20);
    return usage_descriptors(discountd_pid(service->daemon));
}

/* ---- Tests ---- */

static void each_is_cut_when_its_time_is_over_whatever_it_does(void **state)
{
    enum { COUNT = 40, DEADLINE_MS = 1000 };
    struct service service;
    static struct slow_clients slow;
    unsigned before = start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=1000", NULL});
    int64_t begin_ms = clock_ms();

    (void)state;
    slow_clients_open(&slow, &service, COUNT);
    while (slow.cuts < COUNT) {
        assert_true(clock_ms() - begin_ms < CLOCK_PATIENCE_MS);
        pass(20);
        clients_go_on(&slow);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(slow.clients[i].lived_ms >= DEADLINE_MS);
    }
    assert_level(&service, before + 2);
    clients_leave(&slow);
    service_stop(&service);
}

static void hundreds_of_them_slow_nobody_down(void **state)
{
    enum { REQUESTS = 100 };
    static struct slow_clients slow;
    struct pace alone = {0}, among = {0};
    struct service service;
    unsigned before =
        start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=1500", patient, NULL});
    pid_t pid = discountd_pid(service.daemon);

    (void)state;
    pace_requests(&alone, service.port, REQUESTS);
    slow_clients_open(&slow, &service, MOST_CLIENTS);
    /* Until some clients were cut and came again. */
    for (int i = 0; i < REQUESTS || slow.cuts == 0; i++) {
        clients_go_on(&slow);
        clients_refill(&slow);
        if (i < PACE_MOST) {
            pace_request(&among, service.port);
        }
        pass(20);
    }
    assert_true(usage_descriptors(pid) > before + MOST_CLIENTS / 2);
    clients_leave(&slow);
    assert_level(&service, before + 2);
    pace_assert(&alone, "alone", PACE_MOST_US);
    pace_assert(&among, "among slow clients", PACE_MOST_US);
    service_stop(&service);
}

/* In all it takes several times its deadline, but never for one piece. */
static void a_slow_but_steady_reader_gets_a_long_list(void **state)
{
    enum { PIECE = 32768, DEADLINE_MS = 1000 };
    static char piece[PIECE];
    const int room = PIECE;
    struct http_connection connection;
    struct service service;
    size_t took = 0;
    ssize_t n = 1;
    int64_t begin_ms = clock_ms();

    (void)state;
    start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=1000", NULL});
    connection = service_connect(&service);
    assert_int_equal(setsockopt(connection.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    assert_true(http_send_text(&connection, "GET /discount HTTP/1.1\r\nHost: t\r\n"
                                            "Connection: close\r\n\r\n"));
    while (n > 0) {
        pass(50);
        n = recv(connection.fd, piece, PIECE, 0);
        took += n > 0 ? (size_t)n : 0;
        if (n >= 5) {
            memmove(piece, piece + n - 5, 5);
        }
    }
    assert_int_equal(n, 0);
    /* Checks the last chunk of the body. */
    assert_memory_equal(piece, "0\r\n\r\n", 5);
    assert_true(took > (size_t)LONG_LIST * 250);
    assert_true(clock_ms() - begin_ms > 2 * DEADLINE_MS);
    http_disconnect(&connection);
    service_stop(&service);
}

/* ---- Slow clients of slowhttptest ---- */

static bool is_crowded(void *argument)
{
    return !is_level(argument);
}

/* Starts it with 200 connections; it writes to `output`. */
static pid_t slowhttptest_start(const struct service *service, const char *mode, int output)
{
    char command[512];
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, command, NULL};
    const int patience_s = CLOCK_PATIENCE_MS / 1000;
    pid_t pid;

    snprintf(command, sizeof(command),
             "exec slowhttptest %s -c 200 -r 400 -i 1 -l %d -p %d -u http://127.0.0.1:%d/discount",
             mode, patience_s, patience_s, service->port);
    pid = process_start("/bin/sh", arguments, environ, output);
    assert_true(pid > 0);
    return pid;
}

/* Ends it if needed, and requires that it could reach the service all the time. */
static void slowhttptest_end(pid_t pid, const char *mode, int output)
{
    enum { SAID = 1 << 18 };
    char *said = calloc(1, SAID);
    int status;

    assert_non_null(said);
    kill(pid, SIGINT);
    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &status));
    assert_true(pread(output, said, SAID - 1, 0) > 0);
    /* It writes for a terminal, so an escape sequence follows each value. */
    if (strstr(said, "YES\033") == NULL || strstr(said, "NO\033") != NULL) {
        fail_msg("slowhttptest %s: %s", mode, said);
    }
    free(said);
    close(output);
}

static void slowhttptest_is_shaken_off_in_each_of_its_modes(void **state)
{
    static const char *const modes[] = {"-H", "-B", "-X"};
    struct service service;
    unsigned before;

    (void)state;
    need_program("slowhttptest");
    before = start(&service, (const char *[]){"DISCOUNT_CLIENT_DEADLINE_MS=500", patient, NULL});
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct level half = {discountd_pid(service.daemon), before + 100};
        struct pace among = {0};
        int output = memfd_create("slowhttptest", MFD_CLOEXEC);
        pid_t pid = slowhttptest_start(&service, modes[i], output);

        assert_true(clock_wait(is_crowded, &half, CLOCK_PATIENCE_MS));
        pace_requests(&among, service.port, 50);
        pace_assert(&among, modes[i], PACE_MOST_US);
        assert_level(&service, before + 2);
        slowhttptest_end(pid, modes[i], output);
    }
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_cut_when_its_time_is_over_whatever_it_does),
        cmocka_unit_test(hundreds_of_them_slow_nobody_down),
        cmocka_unit_test(a_slow_but_steady_reader_gets_a_long_list),
        cmocka_unit_test(slowhttptest_is_shaken_off_in_each_of_its_modes),
    };

    return cmocka_run_group_tests_name("http slow", tests, NULL, NULL);
}
