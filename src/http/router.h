/* SPDX-License-Identifier: MIT */
/* Finds the route of a request in the caller's table. Pure; any thread. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "discount/request.h"
#include "http/target.h"

struct router {
    const struct route *routes; /* borrowed */
    size_t route_count;
};

/* Room for every method name of one resource. */
#define ROUTER_ALLOW_SIZE 64

/* Returns OK with the route and its params; HEAD finds the route of GET. Returns NOT_FOUND if no
 * route has the path. Returns METHOD_NOT_ALLOWED if routes with other methods have it; ret_allow
 * names those methods. OPTIONS returns METHOD_NOT_ALLOWED too; the caller then answers 204 with the
 * methods. */
enum status router_match(const struct router *router, struct str method,
                         const struct target *target, const struct route **ret_route,
                         struct str ret_params[LIMIT_PATH_SEGMENTS],
                         char ret_allow[ROUTER_ALLOW_SIZE]);

#endif
