/* SPDX-License-Identifier: MIT */
/* Health, for balancers and orchestrators: they look at the status code only. */
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

/* Whether this replica should be sent requests: its store answers, and it is not being stopped. */
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

/* Whether this process lives. It does not ask the store: restarting every replica is no cure for a
 * store that is down. */
void ops_livez(struct request *request)
{
    request_reply(request, &healthy);
}
