/* SPDX-License-Identifier: MIT */
/* The whole service for one test: a store of its own and a discountd on it. Which store, the
 * environment variable DISCOUNT_TEST_STORE says: "sqlite" is a file in a fresh directory, "redis" a
 * real redis-server. All of it on the test's own thread; what goes wrong fails the test. */
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
    struct directory directory; /* of that file */
    char store[160];            /* "DISCOUNT_STORE=URL" */
    struct discountd *daemon;   /* owned */
    int port;
};

/* Room for an id and its NUL. */
#define SERVICE_ID 27

/* Starts both. `variables` are more "NAME=VALUE" for discountd, a NULL at their end; or NULL. */
void service_start(struct service *service, const char *const *variables);
/* The same in two steps, with or without discounts in the store before discountd comes. */
void service_prepare(struct service *service);
/* Puts discounts into the store, far faster than by asking the service:
 * "dsc-000000000000000000001A" and so on, whose codes are long, so that the list is. */
void service_fill(const struct service *service, int count);
void service_launch(struct service *service, const char *const *variables);

/* Stops both: discountd by SIGTERM, after which it must exit with 0. */
void service_stop(struct service *service);
/* The same after a signal that the test has sent. */
void service_assert_exits_with_0(struct service *service);
/* Ends both, whatever they do. */
void service_end(struct service *service);

/* One request on a connection of its own, which must be answered. The response is the caller's. */
struct http_response service_request(const struct service *service, const char *method,
                                     const char *target, const char *headers, const char *body);
/* The same, when only the status matters. */
int service_status(const struct service *service, const char *method, const char *target,
                   const char *headers, const char *body);

/* Creates a discount of this stock. */
void service_create(const struct service *service, int total_count, char ret_id[SERVICE_ID]);
/* Asks for a grant and returns the status. */
int service_grant(const struct service *service, const char *id, const char *user);

/* How many discounts the list has. */
size_t service_count(const struct service *service);

/* The body, which must be one JSON object; the caller's to json_decref. */
json_t *service_json(const struct http_response *response);
/* Requires a problem of this name and status, with all the members that every problem has. */
void service_assert_problem(struct http_response *response, int status, const char *name);

/* A connection that is open; the test's to http_disconnect. */
struct http_connection service_connect(const struct service *service);
/* Asks for a grant and does not wait. */
void service_send_grant(struct http_connection *connection, const char *id, const char *user);
/* Receives one whole answer. */
struct http_response service_receive(struct http_connection *connection, const char *method);

#endif
