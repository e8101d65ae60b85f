/* SPDX-License-Identifier: MIT */
/* The query of a request is ours to parse. libmicrohttpd has a parser of its own, and nothing after
 * the "?" may reach it (target_seen in src/http/server.c). So a worker runs in this process, and
 * libmicrohttpd is asked, in the middle of each request, for what it knows of the query. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "api/routes.h"
#include "discount/engine.h"
#include "discount/log.h"
#include "http/service.h"
#include "service/bind.h"
#include "service/worker.h"

/* ---- What libmicrohttpd knows ---- */

static atomic_size_t times_asked, header_bytes, query_bytes;

int __real_MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                       MHD_KeyValueIteratorN iterator, void *cls);
int __wrap_MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                       MHD_KeyValueIteratorN iterator, void *cls);

static enum MHD_Result bytes_add(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_size, const char *value, size_t value_size)
{
    (void)kind, (void)name, (void)value;
    atomic_fetch_add((atomic_size_t *)cls, name_size + value_size);
    return MHD_YES;
}

/* The server asks for the headers of each request. */
int __wrap_MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                       MHD_KeyValueIteratorN iterator, void *cls)
{
    atomic_fetch_add(&times_asked, 1);
    __real_MHD_get_connection_values_n(connection, MHD_HEADER_KIND, bytes_add, &header_bytes);
    __real_MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, bytes_add, &query_bytes);
    return __real_MHD_get_connection_values_n(connection, kind, iterator, cls);
}

/* ---- The service ---- */

struct host {
    struct config config;
    struct store_engine *engine;
    struct metrics_board board;
    struct metrics metrics;
    struct worker *worker;
    int port;
};

static int port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static bool is_up(void *argument)
{
    const struct host *host = argument;
    struct http_response response;

    if (!http_request(host->port, "GET", "/livez", NULL, NULL, &response)) {
        return false;
    }
    http_response_fini(&response);
    return true;
}

static int setup(void **state)
{
    static char listen[] = "DISCOUNT_LISTEN=127.0.0.1:0", workers[] = "DISCOUNT_WORKERS=1";
    static struct host host;
    const char *fault = NULL;
    int fd;

    *state = &host;
    log_set_level(LOG_ERROR);
    assert_true(config_read((char *[]){listen, workers, NULL}, stderr, &host.config));
    host.engine = store_engine_open("sqlite::memory:", &fault);
    assert_non_null(host.engine);
    assert_true(store_engine_start(host.engine));
    routes_init();
    assert_true(bind_all(&host.config, &fd));
    host.port = port_of(fd);
    host.board = (struct metrics_board){&host.metrics, 1, 0};
    host.worker =
        worker_start(&host.config, host.engine, &host.board, routes_table, routes_count, fd);
    assert_non_null(host.worker);
    assert_true(clock_wait(is_up, &host, CLOCK_PATIENCE_MS));
    return 0;
}

static int teardown(void **state)
{
    struct host *host = *state;

    worker_stop(host->worker);
    worker_join(host->worker);
    store_engine_close(host->engine);
    return 0;
}

/* ---- The test ---- */

static void assert_hidden(const struct host *host, const char *method, const char *target,
                          int status)
{
    struct http_response response;
    size_t asked = atomic_load(&times_asked), headers = atomic_load(&header_bytes);

    assert_true(http_request(host->port, method, target, NULL, NULL, &response));
    assert_int_equal(response.status, status);
    http_response_fini(&response);
    assert_int_equal(atomic_load(&times_asked), asked + 1);
    assert_true(atomic_load(&header_bytes) > headers);
    assert_int_equal(atomic_load(&query_bytes), 0);
}

/* The statuses show that the query is there for this service. */
static void nothing_after_the_question_mark_reaches_the_library(void **state)
{
    assert_hidden(*state, "GET", "/discount?limit=10", 200);
    assert_hidden(*state, "GET", "/discount?limit=0", 400);
    assert_hidden(*state, "GET", "/discount?brand_id=IKEA&limit=10", 200);
    assert_hidden(*state, "HEAD", "/discount?brand_id=IK%45A", 200);
    assert_hidden(*state, "GET", "/discount?unknown", 400);
    assert_hidden(*state, "POST", "/discount?name=value", 400);
    assert_hidden(*state, "GET", "/discount?", 200);
    assert_hidden(*state, "GET", "/livez?a=b?c=d", 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_after_the_question_mark_reaches_the_library),
    };

    return cmocka_run_group_tests_name("http hidden query", tests, setup, teardown);
}
