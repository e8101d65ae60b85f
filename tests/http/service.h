/* SPDX-License-Identifier: MIT */
/* The whole service for one test: its own store, and a discountd on it. The environment variable
 * DISCOUNT_TEST_STORE names the store. "sqlite" is a file in a fresh directory, "redis" is a real
 * redis-server. On the test's own thread; any error fails the test. */
#ifndef HTTP_SERVICE_H
#define HTTP_SERVICE_H

#include <jansson.h>

#include "support/clock.h"
#include "support/directory.h"
#include "support/discountd.h"
#include "support/raw_http.h"
#include "support/redis_server.h"
#include "support/test.h"

struct service {
    struct redis_server *redis; /* owned; NULL: the store is a file */
    struct directory directory; /* contains that file */
    char store[160];            /* "DISCOUNT_STORE=URL" */
    struct discountd *daemon;   /* owned */
    int port;
};

/* Room for an id and its NUL. */
#define SERVICE_ID 27

/* Starts both. `variables` are more "NAME=VALUE" for discountd and end with NULL; NULL means none.
 * */
void service_start(struct service *service, const char *const *variables);
/* Does the same in two steps, so that discounts can be put into the store before discountd starts.
 * */
void service_prepare(struct service *service);
/* Puts discounts into the store, far faster than through the service. Their ids are
 * "dsc-000000000000000000001A" and so on. Their codes are long, so that the list is long. */
void service_fill(const struct service *service, int count);
void service_launch(struct service *service, const char *const *variables);

/* Stops both. discountd gets SIGTERM, after which it must exit with 0. */
void service_stop(struct service *service);
/* Waits for the same exit after a signal that the test has sent. */
void service_assert_exits_with_0(struct service *service);
/* Kills both, whatever they are doing. */
void service_end(struct service *service);

/* Sends one request on a new connection, which must be answered. The caller owns the response. */
struct http_response service_request(const struct service *service, const char *method,
                                     const char *target, const char *headers, const char *body);
/* Does the same if only the status matters. */
int service_status(const struct service *service, const char *method, const char *target,
                   const char *headers, const char *body);

/* Creates a discount of this stock. */
void service_create(const struct service *service, int total_count, char ret_id[SERVICE_ID]);
/* Asks for a grant. Returns the status. */
int service_grant(const struct service *service, const char *id, const char *user);

/* Returns how many discounts the list has. */
size_t service_count(const struct service *service);

/* Parses the body, which must be one JSON object. The caller frees it with json_decref. */
json_t *service_json(const struct http_response *response);
/* Requires a problem of this name and status, with all members that every problem has. */
void service_assert_problem(struct http_response *response, int status, const char *name);

/* Opens a connection; the test closes it with http_disconnect. */
struct http_connection service_connect(const struct service *service);
/* Sends a grant request and does not wait. */
void service_send_grant(struct http_connection *connection, const char *id, const char *user);
/* Receives one complete answer. */
struct http_response service_receive(struct http_connection *connection, const char *method);

#endif
