/* SPDX-License-Identifier: MIT */
/* Finds the route of a method and path segments, or returns 404 or 405. */
#include "http/router.h"

#include <assert.h>

/* Returns whether the segments match a route's path. Its variable parts go to params. */
static bool path_matches(const char *path, const struct target *target, struct str *params)
{
    size_t param_count = 0;

    for (size_t i = 0; i < target->segment_count; i++) {
        struct str want;

        if (*path != '/') {
            return false;
        }
        want = (struct str){path + 1, strcspn(path + 1, "/")};
        path = want.p + want.n;
        if (want.n > 0 && want.p[0] == '{') {
            if (target->segments[i].n == 0) {
                return false;
            }
            params[param_count++] = target->segments[i];
        } else if (!str_eq(want, target->segments[i])) {
            return false;
        }
    }
    return *path == '\0';
}

static void allow_add(char allow[ROUTER_ALLOW_SIZE], const char *method)
{
    assert(strlen(allow) + strlen(method) + 2 < ROUTER_ALLOW_SIZE);
    if (allow[0] != '\0') {
        strcat(allow, ", ");
    }
    strcat(allow, method);
}

enum status router_match(const struct router *router, struct str method,
                         const struct target *target, const struct route **ret_route,
                         struct str ret_params[LIMIT_PATH_SEGMENTS],
                         char ret_allow[ROUTER_ALLOW_SIZE])
{
    struct str wanted = str_eq(method, STR("HEAD")) ? STR("GET") : method;
    bool found = false;

    ret_allow[0] = '\0';
    for (size_t i = 0; i < router->route_count; i++) {
        const struct route *route = &router->routes[i];

        if (!path_matches(route->path, target, ret_params)) {
            continue;
        }
        if (str_eq(str_of(route->method), wanted)) {
            *ret_route = route;
            return STATUS_OK;
        }
        found = true;
        allow_add(ret_allow, route->method);
        if (strcmp(route->method, "GET") == 0) {
            allow_add(ret_allow, "HEAD");
        }
    }
    if (!found) {
        return STATUS_NOT_FOUND;
    }
    allow_add(ret_allow, "OPTIONS");
    return STATUS_METHOD_NOT_ALLOWED;
}
