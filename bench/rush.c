/* SPDX-License-Identifier: MIT */
/* A load generator for a rush of users, with an open loop. Each user arrives at its own time,
 * whether earlier users were answered or not. The wait is measured from that time on. A generator
 * that waits for an answer before the next request would leave out the longest waits.
 *
 *   rush --port PORT --discount ID... [--rate PER-SECOND] [--count USERS] [--connections MOST]
 *        [--open] [--per-user TIMES] [--again REFUSED] [--patience MS] [--prefix TEXT]
 *        [--host ADDRESS]
 *
 * Users ask for grants of the discounts in turn, each over a free or a new connection. When no more
 * may be opened, they wait for a free one. --open opens all before the first arrival.
 *
 * --again: afterwards, all users with a grant ask again, and so do all users in doubt, and this
 * many refused ones. No user may get another answer than before.
 *
 * At the end it prints one line of JSON. For the grants, the refusals (409), the 503s, other
 * answers and missing answers, it has their number and how long the users waited, in milliseconds.
 * It also has the number of the last user to arrive who was granted a unit. It counts users who
 * were granted a unit although they asked after a refusal. It has the results of asking again, and
 * its own processor time until all were answered. One thread. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#define DISCOUNTS_MOST 10000
#define REQUEST_MOST 512
#define ANSWER_MOST 8192
/* The interval at which arrivals are noticed: on average an arrival is late by half of it. */
#define POLL_NS 250000
/* How many ask again at a time, and how often each may retry when its connection breaks. */
#define AGAIN_AT_ONCE 64
#define AGAIN_TRIES 3

enum outcome { GRANTED, REFUSED, PUT_OFF, OTHER, OUTCOMES };

static const char *const outcome_names[OUTCOMES] = {"granted", "refused", "put_off", "other"};

/* All values in microseconds. */
struct samples {
    uint32_t *waits; /* owned */
    size_t count, room;
};

struct attempt {
    uint64_t due_ns, sent_ns;
    uint32_t user;
    unsigned tries;
};

/* The answer to a user, to compare it with a later one. */
struct answered {
    uint64_t answer; /* a hash of its body */
    uint8_t outcome; /* OUTCOMES: none yet */
};

struct client {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    struct rush *rush;
    struct client *next_free;
    struct attempt attempt;
    bool is_busy;
    char request[REQUEST_MOST], answer[ANSWER_MOST];
    size_t request_size, answer_size;
};

struct rush {
    uv_loop_t loop;
    uv_poll_t arrivals;
    uv_timer_t patience;
    struct sockaddr_in address;
    const char *discounts[DISCOUNTS_MOST], *prefix;
    size_t discount_count;
    uint32_t rate, count, per_user, again, patience_ms;
    bool opens_first, is_again;

    uint64_t began_ns, last_granted_ns, last_answer_ns, first_refused_ns;
    uint64_t cpu_us; /* until all were answered */
    uint32_t last_winner, granted_after_refusal;
    struct answered *answered;         /* owned; one for each user */
    uint32_t same, different;          /* users with an answer who asked again */
    uint32_t now_granted, now_refused; /* users without an answer */
    uint32_t unsettled;                /* still without an answer */
    uint32_t arrived, ended;
    uint32_t broken;  /* connections */
    uint32_t late_us; /* the longest delay of this generator behind its own schedule */
    struct client *free_clients;
    size_t clients, clients_most, opening;
    int timer;               /* a descriptor */
    struct attempt *waiting; /* owned; attempts without a connection, a ring of `count` */
    size_t waiting_from, waiting_count, waiting_most;
    struct samples samples[OUTCOMES];
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "rush: out of memory\n");
        exit(2);
    }
    return memory;
}

/* ---- Results ---- */

static void sample_add(struct samples *samples, uint64_t wait_ns)
{
    if (samples->count == samples->room) {
        samples->room = samples->room == 0 ? 1024 : 2 * samples->room;
        samples->waits = must(realloc(samples->waits, samples->room * sizeof(uint32_t)));
    }
    samples->waits[samples->count++] =
        wait_ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(wait_ns / 1000);
}

static int wait_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Returns milliseconds; the samples are sorted. */
static double percentile(const struct samples *samples, double share)
{
    size_t at = (size_t)(share * (double)samples->count);

    return samples->count == 0
               ? 0
               : samples->waits[at < samples->count ? at : samples->count - 1] / 1000.0;
}

static uint64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double ms_since(const struct rush *rush, uint64_t then_ns)
{
    return then_ns == 0 ? 0 : (double)(then_ns - rush->began_ns) / 1e6;
}

static void report(struct rush *rush)
{
    size_t answered = 0;

    printf("{\"arrived\":%u,\"rate\":%u,\"connections\":%zu,\"broken\":%u,\"late_ms\":%.1f,"
           "\"queued_most\":%zu,\"last_granted_ms\":%.1f,\"last_answer_ms\":%.1f,\"cpu_ms\":%.1f,"
           "\"last_winner\":%u,\"granted_after_refusal\":%u",
           rush->arrived, rush->rate, rush->clients, rush->broken, rush->late_us / 1000.0,
           rush->waiting_most, ms_since(rush, rush->last_granted_ns),
           ms_since(rush, rush->last_answer_ns), (double)rush->cpu_us / 1000, rush->last_winner,
           rush->granted_after_refusal);
    for (size_t i = 0; i < OUTCOMES; i++) {
        struct samples *samples = &rush->samples[i];

        answered += samples->count;
        if (samples->count > 0) {
            qsort(samples->waits, samples->count, sizeof(uint32_t), wait_compare);
        }
        printf(",\"%s\":{\"count\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,"
               "\"max_ms\":%.2f}",
               outcome_names[i], samples->count, percentile(samples, 0.5),
               percentile(samples, 0.99), percentile(samples, 0.999), percentile(samples, 1));
        free(samples->waits);
    }
    printf(",\"unanswered\":%zu,\"same\":%u,\"different\":%u,\"now_granted\":%u,"
           "\"now_refused\":%u,\"unsettled\":%u}\n",
           rush->arrived - answered, rush->same, rush->different, rush->now_granted,
           rush->now_refused, rush->unsettled);
}

/* Ends an attempt, answered or not. */
static void attempt_gone(struct rush *rush)
{
    if (++rush->ended == rush->count) {
        uv_stop(&rush->loop);
    }
}

static void attempt_end(struct rush *rush, const struct attempt *attempt, enum outcome outcome,
                        uint64_t answer)
{
    uint64_t now = uv_hrtime();

    sample_add(&rush->samples[outcome], now - attempt->due_ns);
    rush->answered[attempt->user] =
        (struct answered){.answer = answer, .outcome = (uint8_t)outcome};
    if (outcome == GRANTED) {
        rush->last_granted_ns = now;
        rush->last_winner =
            attempt->user + 1 > rush->last_winner ? attempt->user + 1 : rush->last_winner;
        /* The user asked after a refusal had been received. */
        rush->granted_after_refusal +=
            rush->first_refused_ns != 0 && attempt->sent_ns > rush->first_refused_ns;
    } else if (outcome == REFUSED && rush->first_refused_ns == 0) {
        rush->first_refused_ns = now;
    }
    rush->last_answer_ns = now;
    attempt_gone(rush);
}

static enum outcome outcome_of(int status)
{
    switch (status) {
    case 200:
    case 201:
        return GRANTED;
    case 409:
        return REFUSED;
    case 503:
        return PUT_OFF;
    default:
        return OTHER;
    }
}

/* A granted user must get the same grant as a repeat, and a refused user must be refused. */
static void again_end(struct rush *rush, const struct attempt *attempt, int status, uint64_t answer)
{
    const struct answered *answered = &rush->answered[attempt->user];

    if (outcome_of(status) == PUT_OFF) {
        rush->unsettled++;
    } else if (answered->outcome == GRANTED || answered->outcome == REFUSED) {
        if (answered->outcome == GRANTED ? status == 200 && answer == answered->answer
                                         : status == 409) {
            rush->same++;
        } else {
            rush->different++;
        }
    } else if (status == 200 || status == 201) {
        rush->now_granted++;
    } else if (status == 409) {
        rush->now_refused++;
    } else {
        rush->unsettled++;
    }
    attempt_gone(rush);
}

/* ---- A client ---- */

static void attempt_begin(struct client *client, struct attempt attempt);
static void client_open(struct rush *rush, const struct attempt *attempt);

static void client_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void wait_in_line(struct rush *rush, struct attempt attempt)
{
    rush->waiting[(rush->waiting_from + rush->waiting_count++) % rush->count] = attempt;
}

/* Returns the first one in the queue. */
static struct attempt next_in_line(struct rush *rush)
{
    struct attempt next = rush->waiting[rush->waiting_from];

    rush->waiting_from = (rush->waiting_from + 1) % rush->count;
    rush->waiting_count--;
    return next;
}

/* A broken connection is no answer, so a user who asks again retries. */
static void attempt_broken(struct rush *rush, struct attempt attempt)
{
    if (rush->is_again && ++attempt.tries < AGAIN_TRIES) {
        wait_in_line(rush, attempt);
        return;
    }
    rush->unsettled += rush->is_again;
    attempt_gone(rush);
}

/* The connection is gone; its user has no answer. */
static void client_break(struct client *client)
{
    struct rush *rush = client->rush;

    if (uv_is_closing((uv_handle_t *)&client->tcp)) {
        return;
    }
    rush->clients--;
    rush->broken++;
    if (client->is_busy) {
        client->is_busy = false;
        attempt_broken(rush, client->attempt);
    } else {
        struct client **at = &rush->free_clients;

        while (*at != client) {
            at = &(*at)->next_free;
        }
        *at = client->next_free;
    }
    uv_close((uv_handle_t *)&client->tcp, client_closed);
    if (rush->waiting_count > 0 && rush->clients < rush->clients_most) {
        struct attempt next = next_in_line(rush);

        client_open(rush, &next);
    }
}

/* Takes the next waiting attempt, or waits itself. */
static void client_next(struct client *client)
{
    struct rush *rush = client->rush;

    client->is_busy = false;
    if (rush->waiting_count > 0) {
        attempt_begin(client, next_in_line(rush));
    } else {
        client->next_free = rush->free_clients;
        rush->free_clients = client;
    }
}

/* FNV-1a. */
static uint64_t hash(const char *text, size_t size)
{
    uint64_t value = 14695981039346656037U;

    for (size_t i = 0; i < size; i++) {
        value = (value ^ (uint8_t)text[i]) * 1099511628211U;
    }
    return value;
}

/* Returns the length of the answer that is being received, and of its head; 0: not known yet. */
static size_t answer_length(struct client *client, size_t *ret_head)
{
    const char *end, *length;

    client->answer[client->answer_size] = '\0';
    end = strstr(client->answer, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    length = strcasestr(client->answer, "\r\ncontent-length:");
    *ret_head = (size_t)(end - client->answer) + 4;
    return *ret_head + (length == NULL || length > end ? 0 : strtoul(length + 17, NULL, 10));
}

static void answer_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct client *client = handle->data;

    (void)suggested; /* answers have a fixed buffer */
    ret_room->base = client->answer + client->answer_size;
    ret_room->len = ANSWER_MOST - 1 - client->answer_size;
}

/* The answer is complete. */
static void answer_take(struct client *client, size_t head, size_t length)
{
    struct rush *rush = client->rush;
    int status = atoi(client->answer + strlen("HTTP/1.1 "));
    uint64_t answer =
        status == 200 || status == 201 ? hash(client->answer + head, length - head) : 0;

    client->is_busy = false;
    if (rush->is_again) {
        again_end(rush, &client->attempt, status, answer);
    } else {
        attempt_end(rush, &client->attempt, outcome_of(status), answer);
    }
    if (strcasestr(client->answer, "\r\nconnection: close") != NULL) {
        client->next_free = rush->free_clients;
        rush->free_clients = client;
        client_break(client);
    } else {
        client_next(client);
    }
}

static void answer_came(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    struct client *client = stream->data;
    size_t length, head = 0;

    (void)room; /* the buffer is the answer's */
    if (n < 0 || (n > 0 && !client->is_busy)) {
        client_break(client);
        return;
    }
    client->answer_size += (size_t)n;
    length = answer_length(client, &head);
    if (length == 0 || client->answer_size < length) {
        if (length >= ANSWER_MOST || client->answer_size == ANSWER_MOST - 1) {
            client_break(client);
        }
        return;
    }
    answer_take(client, head, length);
}

static void request_send(struct client *client)
{
    uv_buf_t request = uv_buf_init(client->request, (unsigned)client->request_size);

    client->attempt.sent_ns = uv_hrtime();
    if (uv_try_write((uv_stream_t *)&client->tcp, &request, 1) != (int)client->request_size) {
        /* Nothing could be read: the connection is broken, or the buffer is full. */
        client_break(client);
    }
}

static void attempt_begin(struct client *client, struct attempt attempt)
{
    struct rush *rush = client->rush;
    char body[128];
    int n = snprintf(body, sizeof(body), "{\"user_id\":\"%s%u\"}", rush->prefix,
                     attempt.user / rush->per_user);

    client->attempt = attempt;
    client->is_busy = true;
    client->answer_size = 0;
    client->request_size = (size_t)snprintf(
        client->request, REQUEST_MOST,
        "POST /discount/%s/grant HTTP/1.1\r\nHost: rush\r\nContent-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n%s",
        rush->discounts[attempt.user % rush->discount_count], n, body);
    if (uv_is_readable((uv_stream_t *)&client->tcp)) {
        request_send(client);
    }
}

static void connected(uv_connect_t *connecting, int status)
{
    struct client *client = connecting->data;

    if (status == UV_ECANCELED) {
        return;
    }
    if (status < 0 || uv_read_start((uv_stream_t *)&client->tcp, answer_room, answer_came) < 0) {
        client_break(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    if (client->is_busy) {
        request_send(client);
        return;
    }
    client_next(client);
    if (--client->rush->opening == 0) {
        uv_stop(&client->rush->loop);
    }
}

/* Opens a connection for an attempt, or in advance if that is NULL. */
static void client_open(struct rush *rush, const struct attempt *attempt)
{
    struct client *client = must(calloc(1, sizeof(*client)));

    client->rush = rush;
    client->connecting.data = client;
    uv_tcp_init(&rush->loop, &client->tcp);
    client->tcp.data = client;
    rush->clients++;
    if (attempt != NULL) {
        attempt_begin(client, *attempt);
    }
    if (uv_tcp_connect(&client->connecting, &client->tcp, (struct sockaddr *)&rush->address,
                       connected) < 0) {
        client_break(client);
    }
}

/* ---- The rush ---- */

static void arrive(struct rush *rush, struct attempt attempt)
{
    struct client *client = rush->free_clients;

    if (client != NULL) {
        rush->free_clients = client->next_free;
        attempt_begin(client, attempt);
    } else if (rush->clients < rush->clients_most) {
        client_open(rush, &attempt);
    } else {
        wait_in_line(rush, attempt);
        rush->waiting_most =
            rush->waiting_count > rush->waiting_most ? rush->waiting_count : rush->waiting_most;
    }
}

static void time_is_up(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void arrivals_come(uv_poll_t *arrivals, int status, int events)
{
    struct rush *rush = arrivals->data;
    uint64_t now = uv_hrtime(), due = 0, rings;

    (void)status, (void)events; /* a timer has only one event */
    if (read(rush->timer, &rings, sizeof(rings)) < 0) {
        return;
    }
    while (rush->arrived < rush->count) {
        due = rush->began_ns + (uint64_t)rush->arrived * 1000000000 / rush->rate;
        if (due > now) {
            return;
        }
        if ((now - due) / 1000 > rush->late_us) {
            rush->late_us = (uint32_t)((now - due) / 1000);
        }
        arrive(rush, (struct attempt){.due_ns = due, .user = rush->arrived++});
    }
    uv_poll_stop(arrivals);
    uv_timer_start(&rush->patience, time_is_up, rush->patience_ms, 0);
}

static void connections_open(struct rush *rush)
{
    rush->opening = rush->clients_most;
    for (size_t i = 0; i < rush->clients_most; i++) {
        client_open(rush, NULL);
    }
    uv_timer_start(&rush->patience, time_is_up, rush->patience_ms, 0);
    uv_run(&rush->loop, UV_RUN_DEFAULT);
    uv_timer_stop(&rush->patience);
    if (rush->opening > 0) {
        fprintf(stderr, "rush: %zu of %zu connections could not be opened\n", rush->opening,
                rush->clients_most);
        exit(2);
    }
}

static void arrivals_start(struct rush *rush)
{
    struct itimerspec every = {{0, POLL_NS}, {0, POLL_NS}};

    rush->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (rush->timer < 0 || timerfd_settime(rush->timer, 0, &every, NULL) != 0) {
        fprintf(stderr, "rush: no timer\n");
        exit(2);
    }
    uv_poll_init(&rush->loop, &rush->arrivals, rush->timer);
    rush->arrivals.data = rush;
    rush->began_ns = uv_hrtime();
    uv_poll_start(&rush->arrivals, UV_READABLE, arrivals_come);
}

/* A late answer is dropped. */
static void busy_cut(uv_handle_t *handle, void *argument)
{
    struct client *client = handle->data;

    if (handle->type == UV_TCP && !uv_is_closing(handle) && client->is_busy) {
        client->rush->clients--;
        uv_close(handle, client_closed);
    }
    (void)argument; /* the argument of uv_walk */
}

/* Queues the users who ask again: all but the refused ones, and enough of those. */
static void again_line_up(struct rush *rush)
{
    uint64_t refused = rush->samples[REFUSED].count, seen = 0;

    rush->waiting_from = rush->waiting_count = 0;
    for (uint32_t user = 0; user < rush->arrived; user++) {
        if (rush->answered[user].outcome == REFUSED) {
            uint64_t before = seen * rush->again / refused;

            seen++;
            /* Chosen evenly among them. */
            if (refused > rush->again && seen * rush->again / refused == before) {
                continue;
            }
        }
        wait_in_line(rush, (struct attempt){.user = user});
    }
}

static void again_run(struct rush *rush)
{
    uv_walk(&rush->loop, busy_cut, NULL);
    again_line_up(rush);
    rush->is_again = true;
    rush->ended = rush->count - (uint32_t)rush->waiting_count;
    for (int i = 0; i < AGAIN_AT_ONCE && rush->waiting_count > 0; i++) {
        arrive(rush, next_in_line(rush));
    }
    uv_timer_start(&rush->patience, time_is_up, rush->patience_ms, 0);
    if (rush->ended < rush->count) {
        uv_run(&rush->loop, UV_RUN_DEFAULT);
    }
    rush->unsettled += rush->count - rush->ended;
}

static void rush_run(struct rush *rush)
{
    rush->waiting = must(calloc(rush->count, sizeof(struct attempt)));
    rush->answered = must(calloc(rush->count, sizeof(struct answered)));
    for (uint32_t user = 0; user < rush->count; user++) {
        rush->answered[user].outcome = OUTCOMES;
    }
    uv_loop_init(&rush->loop);
    uv_timer_init(&rush->loop, &rush->patience);
    if (rush->opens_first) {
        connections_open(rush);
    }
    rush->cpu_us = cpu_us();
    arrivals_start(rush);
    uv_run(&rush->loop, UV_RUN_DEFAULT);
    rush->cpu_us = cpu_us() - rush->cpu_us;
    if (rush->again > 0) {
        again_run(rush);
    }
    report(rush);
    free(rush->waiting);
    free(rush->answered);
}

/* ---- The command ---- */

static void usage(void)
{
    fprintf(stderr,
            "usage: rush --port PORT --discount ID... [--rate PER-SECOND] [--count USERS] "
            "[--connections MOST]\n            [--open] [--per-user TIMES] [--again REFUSED] "
            "[--patience MS] [--prefix TEXT]\n            [--host ADDRESS]\n");
    exit(2);
}

static uint32_t number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end != '\0' || value == 0 || value > UINT32_MAX) {
        usage();
    }
    return (uint32_t)value;
}

static void options_read(struct rush *rush, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},     {"discount", required_argument, NULL, 'd'},
        {"rate", required_argument, NULL, 'r'},     {"count", required_argument, NULL, 'n'},
        {"per-user", required_argument, NULL, 'u'}, {"connections", required_argument, NULL, 'c'},
        {"open", no_argument, NULL, 'o'},           {"again", required_argument, NULL, 'a'},
        {"patience", required_argument, NULL, 't'}, {"prefix", required_argument, NULL, 'x'},
        {"host", required_argument, NULL, 'h'},     {NULL, 0, NULL, 0},
    };
    const char *host = "127.0.0.1";
    uint32_t port = 0;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'p':
            port = number(optarg);
            break;
        case 'r':
            rush->rate = number(optarg);
            break;
        case 'n':
            rush->count = number(optarg);
            break;
        case 'u':
            rush->per_user = number(optarg);
            break;
        case 'c':
            rush->clients_most = number(optarg);
            break;
        case 'o':
            rush->opens_first = true;
            break;
        case 'a':
            rush->again = number(optarg);
            break;
        case 't':
            rush->patience_ms = number(optarg);
            break;
        case 'x':
            rush->prefix = optarg;
            break;
        case 'h':
            host = optarg;
            break;
        case 'd':
            if (rush->discount_count == DISCOUNTS_MOST) {
                usage();
            }
            rush->discounts[rush->discount_count++] = optarg;
            break;
        default:
            usage();
        }
    }
    if (port == 0 || port > 65535 || rush->discount_count == 0 || optind != argc ||
        uv_ip4_addr(host, (int)port, &rush->address) != 0) {
        usage();
    }
}

int main(int argc, char **argv)
{
    static struct rush rush = {.rate = 1000,
                               .count = 1000,
                               .per_user = 1,
                               .clients_most = 1000,
                               .patience_ms = 15000,
                               .prefix = "u"};
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    options_read(&rush, argc, argv);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    rush_run(&rush);
    return 0;
}
