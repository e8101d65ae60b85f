/* SPDX-License-Identifier: MIT */
/* Finds the route of a request in a table that somebody else wrote. Pure; any thread. */
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

/* OK with the route and its params; HEAD finds the route of GET. NOT_FOUND when no route has the
 * path; METHOD_NOT_ALLOWED when others have it, with their methods in ret_allow. OPTIONS answers
 * METHOD_NOT_ALLOWED too: its caller turns that into the 204 that names the methods. */
enum status router_match(const struct router *router, struct str method,
                         const struct target *target, const struct route **ret_route,
                         struct str ret_params[LIMIT_PATH_SEGMENTS],
                         char ret_allow[ROUTER_ALLOW_SIZE]);

#endif
