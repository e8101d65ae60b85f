/* SPDX-License-Identifier: MIT */
/* The contract between the http module and the api module: complete requests, the answers that a
 * handler can give, and the route table.
 *
 * A request lives from its request line until its last byte is sent or its client is gone. It
 * belongs to one worker's thread. A handler answers exactly once: before it returns, or later, from
 * the `done` of the operation that it submitted. The client's connection waits until then. */
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

/* One row of the route table. A segment {name} of `path` matches any one segment, whose value
 * becomes the next entry of request->params. */
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
    struct arena arena;  /* all memory of the request; freed after the answer was sent */
    struct store *store; /* borrowed from the worker */
    const struct metrics_board *board; /* of all workers */
    struct metrics *metrics;           /* of this worker */
    struct store_op op;                /* the operation in flight, if any */

    struct str target; /* as received */
    struct str method;
    struct str params[LIMIT_PATH_SEGMENTS];     /* percent-decoded */
    struct query_pair query[LIMIT_QUERY_PAIRS]; /* percent-decoded, names differ */
    size_t query_count;
    struct str content_type;    /* n == 0: not sent; also for the next three */
    struct str idempotency_key; /* as received: bare or quoted */
    struct str if_none_match;
    struct str request_id; /* the client's if it is valid, else generated */
    struct str body;
    bool draining; /* the process is shutting down */

    void *state;            /* the handler's own state, in the arena */
    request_fn stream_next; /* set by request_stream */
    struct arena page;      /* memory of a streaming handler for one piece; reset between pieces */
};

/* The body and headers of an answer. All of it must live as long as the request. */
struct reply {
    int code;
    const char *content_type; /* NULL: no body is sent */
    struct str body;          /* of a 304: the body of the 200; only its length is sent */
    const char *location;     /* headers; NULL: not sent */
    const char *allow;
    const char *etag;
    bool replayed;     /* Idempotent-Replayed: true */
    int retry_after_s; /* 0: none */
};

/* Returns the request that embeds the operation. For `done` functions. */
static inline struct request *request_of(struct store_op *op)
{
    return CONTAINER_OF(op, struct request, op);
}

void request_reply(struct request *request, const struct reply *reply);

/* An error answer in the format of RFC 9457. */
struct problem {
    enum status status;
    const char *detail; /* NULL: the status's own. Without characters that JSON escapes */
    /* Further members as JSON text; n == 0: none. Each is followed by a comma, and they sort
     * between "detail" and "request_id". */
    struct str members;
    const char *allow; /* as in struct reply */
    int retry_after_s; /* 0: 1 second for statuses of code 503, else none */
};

void request_problem(struct request *request, const struct problem *problem);
/* As request_problem, with only a status. */
void request_refuse(struct request *request, enum status status);

/* Answers 200 with a body of unknown length that begins with `first`. `next` is called each time
 * the client has taken all that was pushed. It must respond, then or later, with one call of
 * request_stream_push, _end or _abort. Pushed bytes must live until the next call of `next`; those
 * in request->page do. */
void request_stream(struct request *request, const char *content_type, struct str first,
                    request_fn next);
void request_stream_push(struct request *request, struct str bytes);
/* Pushes the last bytes and ends the answer. */
void request_stream_end(struct request *request, struct str bytes);
/* Closes the connection, so that the client sees that the answer is incomplete. */
void request_stream_abort(struct request *request);

/* Returns the value of a query parameter; p == NULL and n == 0 when it was not given. */
struct str request_query(const struct request *request, const char *name);

#endif
