/* SPDX-License-Identifier: MIT */
/* The handlers, and the table that names them. Each handler answers its request exactly once; see
 * discount/request.h. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "discount/request.h"

/* Every path of the service. */
extern const struct route routes_table[];
extern const size_t routes_count;

/* Called once, by main, before there are threads. */
void routes_init(void);

void discount_create(struct request *request);
void discount_list(struct request *request);
void discount_get(struct request *request);
void grant_create(struct request *request);
void grant_get(struct request *request);
void wallet_list(struct request *request);
void wallet_list_by_query(struct request *request);
void problem_page(struct request *request);
void metrics_text(struct request *request);
void assets_contract(struct request *request);
void ops_healthy(struct request *request);
void ops_livez(struct request *request);

#endif
