/* SPDX-License-Identifier: MIT */
/* Turns every status into an answer. Each text in a problem is a constant of ours, or its caller
 * has made it safe for JSON. So it is printed, not encoded. */
#include "http/reply.h"

#define RETRY_AFTER_S 1

struct reply reply_problem(struct request *request, const struct problem *problem)
{
    enum status status = problem->status;
    int code = status_code(status);
    struct str body = arena_printf(
        &request->arena,
        "{\"detail\":\"%s\",%.*s\"request_id\":\"%.*s\",\"status\":%d,\"title\":\"%s\","
        "\"type\":\"/problems/%s\"}\n",
        problem->detail == NULL ? status_detail(status) : problem->detail, (int)problem->members.n,
        problem->members.n == 0 ? "" : problem->members.p, (int)request->request_id.n,
        request->request_id.n == 0 ? "" : request->request_id.p, code, status_title(status),
        status_name(status));

    return (struct reply){
        .code = code,
        .content_type = "application/problem+json",
        .body = body,
        .allow = problem->allow,
        .retry_after_s =
            problem->retry_after_s == 0 && code == 503 ? RETRY_AFTER_S : problem->retry_after_s,
    };
}

bool reply_request_id_is_sane(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alphanumeric && c != '-' && c != '_' && c != '.' && c != '~') {
            return false;
        }
    }
    return id.n >= 1 && id.n <= LIMIT_REQUEST_ID;
}
