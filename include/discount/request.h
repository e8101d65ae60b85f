/* SPDX-License-Identifier: MIT */
/* What the http room and the api room know of one another: a request that came in whole, the
 * answers a handler can give, and the shape of a route table.
 *
 * A request lives from its request line until its last byte was sent or its client is gone. It
 * belongs to one worker's thread. A handler answers exactly once, either before it returns or later
 * from the `done` of the operation it submitted; until then its client's connection is suspended.
 */
#ifndef DISCOUNT_REQUEST_H
#define DISCOUNT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "discount/arena.h"
#include "discount/limits.h"
#include "discount/metrics.h"
#include "discount/status.h"
#include "discount/store.h"
#include "discount/str.h"

struct request;

typedef void (*request_fn)(struct request *request);

/* One row of the route table. In `path` a segment written {name} matches any one segment, and its
 * value becomes the next of request->params. */
struct route {
    const char *method;
    const char *path;
    request_fn handler;
};

struct query_pair {
    struct str name;
    struct str value;
};

struct request {
    struct arena arena;  /* everything of the request; freed after the answer has gone */
    struct store *store; /* borrowed from the worker */
    const struct metrics_board *board; /* of all workers */
    struct metrics *metrics;           /* of this one */
    struct store_op op;                /* the operation in flight, if any */

    struct str target; /* as it came */
    struct str method;
    struct str params[LIMIT_PATH_SEGMENTS];     /* percent-decoded */
    struct query_pair query[LIMIT_QUERY_PAIRS]; /* percent-decoded, names differ */
    size_t query_count;
    struct str content_type;    /* n == 0: not sent; the same for the next three */
    struct str idempotency_key; /* as it came: bare or quoted */
    struct str if_none_match;
    struct str request_id; /* the client's if it is sane, else made here */
    struct str body;
    bool draining; /* the process has been told to stop */

    void *state;            /* the handler's own, between its functions; in the arena */
    request_fn stream_next; /* set by request_stream */
    struct arena page;      /* what a streaming handler needs for one piece; reset between pieces */
};

/* An answer's body and what stands above it. All of it must live as long as the request. */
struct reply {
    int code;
    const char *content_type; /* NULL: no body */
    struct str body;
    const char *location; /* the headers: NULL where not wanted */
    const char *allow;
    const char *etag;
    bool replayed;     /* Idempotent-Replayed: true */
    int retry_after_s; /* 0: none */
};

/* The request around the operation that a `done` is called with. */
static inline struct request *request_of(struct store_op *op)
{
    return CONTAINER_OF(op, struct request, op);
}

void request_reply(struct request *request, const struct reply *reply);

/* A refusal as RFC 9457 has it. */
struct problem {
    enum status status;
    const char *detail; /* NULL: the status's own. Holds no characters that JSON escapes */
    /* Further members as JSON text, each followed by a comma and sorting between "detail" and
     * "request_id"; n == 0: none. */
    struct str members;
    const char *allow; /* as in struct reply */
    int retry_after_s; /* 0: 1 for the statuses of code 503, else none */
};

void request_problem(struct request *request, const struct problem *problem);
/* request_problem with nothing but a status. */
void request_refuse(struct request *request, enum status status);

/* Answers 200 with a body of unknown length that begins with `first`. Each time the client has
 * taken what there was, `next` is called; it answers, then or later, with one request_stream_push,
 * _end or _abort. What is pushed must live until the next call of `next` (request->page does). */
void request_stream(struct request *request, const char *content_type, struct str first,
                    request_fn next);
void request_stream_push(struct request *request, struct str bytes);
/* Pushes the last bytes. */
void request_stream_end(struct request *request, struct str bytes);
/* Cuts the answer off, so that the client sees that it is not whole. */
void request_stream_abort(struct request *request);

/* The value of a query member; n == 0 and p == NULL when it was not given. */
struct str request_query(const struct request *request, const char *name);

#endif
