/* SPDX-License-Identifier: MIT */
/* Health checks for load balancers and orchestrators, which look only at the status code. */
#include "api/routes.h"

static const struct reply healthy = {
    .code = 200, .content_type = "text/plain", .body = STR_INIT("OK")};

static void healthy_done(struct store_op *op)
{
    struct request *request = request_of(op);

    if (op->status == STATUS_OK) {
        request_reply(request, &healthy);
    } else {
        request_refuse(request, op->status);
    }
}

/* Answers whether this replica should get requests: its store answers, and it is not stopping. */
void ops_healthy(struct request *request)
{
    if (request->draining) {
        request_problem(request, &(struct problem){.status = STATUS_UNAVAILABLE,
                                                   .detail = "This replica is being stopped."});
        return;
    }
    request->op.arena = &request->arena;
    store_ping(request->store, &request->op, healthy_done);
}

/* Answers whether this process is alive. It does not ask the store: if the store is down,
 * restarting every replica does not help. */
void ops_livez(struct request *request)
{
    request_reply(request, &healthy);
}
