/* SPDX-License-Identifier: MIT */
/* The handlers, and the table that names them. Each answers its request exactly once; see
 * discount/request.h. */
#ifndef API_API_H
#define API_API_H

#include "discount/request.h"

/* THE table: every path of the service. */
extern const struct route api_routes[];
extern const size_t api_route_count;

/* Once, by main, before there are threads. */
void api_init(void);

void discount_create(struct request *request);
void discount_list(struct request *request);
void discount_get(struct request *request);
void grant_create(struct request *request);
void grant_get(struct request *request);
void wallet_list(struct request *request);
void problem_page(struct request *request);
void metrics_text(struct request *request);
void contract_get(struct request *request);
void ops_healthy(struct request *request);
void ops_livez(struct request *request);

#endif
