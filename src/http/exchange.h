/* SPDX-License-Identifier: MIT */
/* The exchanges of one worker: requests and their answers, from the request line to the last byte.
 * exchange.c opens with the way of one. Everything here belongs to the worker's thread.
 *
 * The server embeds the struct, starts libmicrohttpd with the callbacks at the end, and runs it. An
 * exchange ends by itself, in a callback. Only server.c and exchange.c include this header, since
 * it brings libmicrohttpd with it. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "discount/queue.h"
#include "http/router.h"

/* Runs of the daemon after each event while requests are parked. An answer may need this many steps
 * (it is put together, its head goes out, its body, the connection is read again), and nothing else
 * shows that work is left. */
#define EXCHANGES_RUNS_AFTER 4

/* What the exchanges of one worker share. Lives as long as the daemon. */
struct exchanges {
    struct router router;
    struct store *store;               /* borrowed, for the struct's life; the next two too */
    const struct metrics_board *board; /* of all workers */
    struct metrics *metrics;           /* of this one */
    unsigned count;
    unsigned moving;   /* their requests come in or their answers go out */
    unsigned parked;   /* libmicrohttpd asks for their answers each time it runs */
    struct queue left; /* answered after their clients had gone; see exchanges_free_left */
    unsigned runs_due; /* runs of the daemon that the last event is still worth */
    bool wants_run;    /* a run is due, whatever libmicrohttpd says; the server sets it too */
    bool draining;     /* each answer closes its connection; the server sets it */
    struct MHD_Response *no_memory; /* owned; prebuilt, for when nothing can be built */
    uint64_t id_prefix, id_count;   /* request ids: random per worker, then counted */
};

/* False when there is no memory or no random number for it. Joins the board. */
bool exchanges_init(struct exchanges *exchanges, const struct router *router, struct store *store,
                    struct metrics_board *board);
/* After the daemon was stopped, which completes what was in progress. */
void exchanges_fini(struct exchanges *exchanges);

/* Frees those that were answered after their clients had gone. No handler may be running. */
void exchanges_free_left(struct exchanges *exchanges);

/* An event of a connection was seen: work may be left that shows in no other way. */
static inline void exchanges_event_seen(struct exchanges *exchanges)
{
    exchanges->runs_due = EXCHANGES_RUNS_AFTER;
}

/* The daemon runs now. A run that was asked for costs none of those that are due. */
static inline void exchanges_run_begins(struct exchanges *exchanges)
{
    exchanges->runs_due -= exchanges->runs_due > 0 && !exchanges->wants_run;
    exchanges->wants_run = false;
}

/* Whether anything but the parked exchanges may have something to do. A connection without an
 * exchange may, too, when libmicrohttpd answers it itself: the first run is for that. */
static inline bool exchanges_may_move(const struct exchanges *exchanges)
{
    return exchanges->runs_due == EXCHANGES_RUNS_AFTER ||
           (exchanges->runs_due > 0 && exchanges->moving > 0);
}

/* ---- Callbacks for libmicrohttpd ---- */

/* MHD_OPTION_URI_LOG_CALLBACK, with the struct exchanges as its argument. The context of the
 * connection's socket is its struct conn, or NULL: then there is no exchange. */
void *exchange_target_seen(void *cls, const char *uri, struct MHD_Connection *connection);

/* The MHD_AccessHandlerCallback, with the struct exchanges as its argument. */
enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_size, void **request_cls);

/* MHD_OPTION_NOTIFY_COMPLETED, without an argument. */
void exchange_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                        enum MHD_RequestTerminationCode code);

#endif
