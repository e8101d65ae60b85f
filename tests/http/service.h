/* SPDX-License-Identifier: MIT */
/* The whole service for one test: a real redis-server and a discountd on it. All of it on the
 * test's own thread; what goes wrong fails the test. */
#ifndef HTTP_SERVICE_H
#define HTTP_SERVICE_H

#include <jansson.h>

#include "support/clock.h"
#include "support/discountd.h"
#include "support/raw_http.h"
#include "support/redis_server.h"
#include "support/test.h"

struct service {
    struct redis_server *redis;
    struct discountd *daemon;
    int port;
};

/* Room for an id and its NUL. */
#define SERVICE_ID 27

/* Starts both. `variables` are more "NAME=VALUE" for discountd, a NULL at their end; or NULL. */
void service_start(struct service *service, const char *const *variables);
/* Stops both: discountd by SIGTERM, after which it must exit with 0. */
void service_stop(struct service *service);

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

/* The body, which must be one JSON object; the caller's to json_decref. */
json_t *service_json(const struct http_response *response);
/* Requires a problem of this name and status, with all the members that every problem has. */
void service_assert_problem(struct http_response *response, int status, const char *name);

/* A connection that is open; the test's to http_disconnect. */
struct http_connection service_connect(const struct service *service);
/* Receives one whole answer. */
struct http_response service_receive(struct http_connection *connection, const char *method);

#endif
