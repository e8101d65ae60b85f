/* SPDX-License-Identifier: MIT */
/* The route table: every path of the service and its handler. */
#include "api/routes.h"
#include "api/document_json.h"

const struct route routes_table[] = {
    {"POST", "/discount/{id}/grant", grant_create},
    {"GET", "/discount/{id}/grant", grant_get},
    {"GET", "/discount/{id}", discount_get},
    {"POST", "/discount", discount_create},
    {"GET", "/discount", discount_list},
    {"GET", "/user/{user_id}/discount", wallet_list},
    {"GET", "/user/discount", wallet_list_by_query},
    {"GET", "/problems/{name}", problem_page},
    {"GET", "/openapi.yaml", assets_contract},
    {"GET", "/healthy", ops_healthy},
    {"GET", "/readyz", ops_healthy},
    {"GET", "/livez", ops_livez},
    {"GET", "/metrics", metrics_text},
};

_Static_assert(sizeof(routes_table) / sizeof(routes_table[0]) < METRICS_ROUTES,
               "room to count each route, and requests without a route");

const size_t routes_count = sizeof(routes_table) / sizeof(routes_table[0]);

void routes_init(void)
{
    document_init();
}
