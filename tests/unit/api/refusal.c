/* SPDX-License-Identifier: MIT */
#include "unit/api/refusal.h"

#include <jansson.h>

#include "http/reply.h"
#include "support/test.h"

struct refusal {
    struct request request;
    enum status status;
    struct str body;
    unsigned count;
};

void request_problem(struct request *request, const struct problem *problem)
{
    struct refusal *refusal = CONTAINER_OF(request, struct refusal, request);

    refusal->status = problem->status;
    refusal->body = reply_problem(request, problem).body;
    refusal->count++;
}

void request_refuse(struct request *request, enum status status)
{
    request_problem(request, &(struct problem){.status = status});
}

/* The refusal has its own arena, because that of the errors may be full on purpose. */
static void refuse(struct refusal *refusal, enum status status,
                   const struct document_errors *errors)
{
    *refusal = (struct refusal){.request.request_id = STR("r-1")};
    arena_init(&refusal->request.arena, LIMIT_REQUEST_MEMORY);
    document_refuse(&refusal->request, status, errors);
    assert_int_equal(refusal->count, 1);
    /* The body lists the errors, or the status is another one. */
    assert_true(refusal->status != status || refusal->body.p == NULL ||
                memmem(refusal->body.p, refusal->body.n, "\"errors\":[", 10) != NULL);
}

const char *refusal_print(enum status status, const struct document_errors *errors)
{
    struct refusal refusal;
    json_error_t error;
    json_t *body, *fault;
    const char *text = "";
    size_t i;

    refuse(&refusal, status, errors);
    assert_ptr_equal(memchr(refusal.body.p, '\n', refusal.body.n),
                     refusal.body.p + refusal.body.n - 1);
    body = json_loadb(refusal.body.p, refusal.body.n, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(body);
    assert_int_equal(json_integer_value(json_object_get(body, "status")), status_code(status));
    json_array_foreach(json_object_get(body, "errors"), i, fault)
    {
        text = arena_printf(errors->arena, "%s%s %s\n", text,
                            json_string_value(json_object_get(fault, "pointer")),
                            json_string_value(json_object_get(fault, "detail")))
                   .p;
        assert_non_null(text);
    }
    json_decref(body);
    arena_fini(&refusal.request.arena);
    return text;
}

enum status refusal_status(enum status status, const struct document_errors *errors)
{
    struct refusal refusal;

    refuse(&refusal, status, errors);
    arena_fini(&refusal.request.arena);
    return refusal.status;
}
