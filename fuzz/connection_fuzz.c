/* SPDX-License-Identifier: MIT */
/* Input: a small program, with a byte for each action and its arguments. An action connects, writes
 * a valid request, damages it, sends a part of it, reads, turns the loop, or leaves. The store may
 * answer or fail. It runs against the real server, with the simulation's store and clock
 * (tests/sim). The received bytes must be well-formed answers, at most as many as requests. Each
 * operation of the store must be done exactly once. When everything is closed, nothing may be left.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/json_memory.h"
#include "api/routes.h"
#include "discount/log.h"
#include "fuzz.h"
#include "sim/answer.h"
#include "sim/chance.h"
#include "sim/script.h"
#include "sim/virtual_clock.h"
#include "sim/world.h"

#define CONNECTIONS 4
#define BYTES 65536
/* If more comes, the answer counts as over. */
#define BYTES_BACK (1024 * 1024)
#define ACTIONS_MOST 400
#define STORE_DEADLINE_MS 100
#define CLIENT_DEADLINE_MS 1000
/* How often to wait for everything with a timeout, 50 ms at a time. */
#define ROUNDS_MOST 2000

struct connection {
    int fd; /* -1: not connected */
    bool is_over;
    char out[BYTES]; /* written; the first `sent` bytes have been sent */
    size_t out_size, sent;
    char in[BYTES_BACK]; /* everything received */
    size_t in_size;
};

struct fuzz {
    struct chance chance;
    struct world world;
    struct connection connections[CONNECTIONS];
    struct connection *current;
};

static struct script script; /* large, and used up at once */

/* ---- Writing ---- */

/* Replaces `n` bytes at `at`, which are not sent yet, by other bytes. */
static void replace(struct connection *connection, size_t at, size_t n, const char *bytes,
                    size_t size)
{
    size_t behind = connection->out_size - at - n;

    if (connection->out_size - n + size > sizeof(connection->out)) {
        return;
    }
    memmove(connection->out + at + size, connection->out + at + n, behind);
    if (size > 0) {
        memcpy(connection->out + at, bytes, size);
    }
    connection->out_size = at + size + behind;
}

static void request_write(struct fuzz *fuzz)
{
    struct connection *connection = fuzz->current;

    script.size = 0;
    script.count = 0;
    script_add(&script, &fuzz->chance, 1 + chance_below(&fuzz->chance, 9));
    replace(connection, connection->out_size, 0, script.bytes, script.size);
}

/* Writes bytes of the program itself: a dictionary and a fuzzer can damage these well. */
static void bytes_write(struct fuzz *fuzz)
{
    size_t n = chance_below(&fuzz->chance, 256);

    n = n < fuzz->chance.left ? n : fuzz->chance.left;
    replace(fuzz->current, fuzz->current->out_size, 0, (const char *)fuzz->chance.bytes, n);
    fuzz->chance.bytes += n;
    fuzz->chance.left -= n;
}

/* Chooses a position among the bytes that are not sent yet. */
static size_t directory_choose(struct fuzz *fuzz)
{
    size_t unsent = fuzz->current->out_size - fuzz->current->sent;
    size_t from_end = chance_below(&fuzz->chance, 1024);

    return fuzz->current->out_size - (from_end < unsent ? from_end : unsent);
}

static void bytes_spoil(struct fuzz *fuzz)
{
    static const char *const texts[] = {
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        ":",
        ",",
        ";",
        "%",
        "\"",
        "{",
        "0",
        "-1",
        "chunked\r\n",
        "\xff",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "HTTP/1.0",
        "99999999999999999999",
        "Host: u\r\n",
        "a=b&",
        "?",
        "/",
    };
    size_t at = directory_choose(fuzz), behind = fuzz->current->out_size - at;
    size_t removed = chance_below(&fuzz->chance, 8);
    unsigned i = chance_below(&fuzz->chance, 1 + sizeof(texts) / sizeof(texts[0]));
    const char *text = i == 0 ? "" : texts[i - 1];

    replace(fuzz->current, at, removed < behind ? removed : behind, text, strlen(text));
}

static void line_double(struct fuzz *fuzz)
{
    struct connection *connection = fuzz->current;
    size_t at = directory_choose(fuzz);
    const char *line = memchr(connection->out + at, '\n', connection->out_size - at);
    const char *end =
        line == NULL
            ? NULL
            : memchr(line + 1, '\n', (size_t)(connection->out + connection->out_size - line) - 1);
    char copy[256];
    size_t n;

    if (end == NULL || (size_t)(end - line) > sizeof(copy)) {
        return;
    }
    n = (size_t)(end - line);
    memcpy(copy, line + 1, n);
    replace(connection, (size_t)(line + 1 - connection->out), 0, copy, n);
}

/* ---- The connection ---- */

static void connection_open(struct fuzz *fuzz)
{
    fuzz->current = &fuzz->connections[chance_below(&fuzz->chance, CONNECTIONS)];
    if (fuzz->current->fd < 0 && !fuzz->current->is_over) {
        fuzz->current->fd = world_connect(&fuzz->world);
        fuzz->current->is_over = fuzz->current->fd < 0;
    }
}

static void send_some(struct connection *connection, size_t most)
{
    size_t left = connection->out_size - connection->sent;
    ssize_t n;

    if (connection->fd >= 0 && left > 0) {
        n = send(connection->fd, connection->out + connection->sent, most < left ? most : left,
                 MSG_NOSIGNAL);
        connection->sent += n > 0 ? (size_t)n : 0;
    }
}

static void receive(struct connection *connection)
{
    ssize_t n;

    if (connection->fd < 0 || connection->is_over) {
        return;
    }
    n = recv(connection->fd, connection->in + connection->in_size,
             sizeof(connection->in) - connection->in_size, 0);
    connection->in_size += n > 0 ? (size_t)n : 0;
    connection->is_over = n == 0 || (n < 0 && errno != EAGAIN);
}

static void leave(struct connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
        connection->fd = -1;
        connection->is_over = true;
    }
}

/* ---- Received bytes ---- */

/* Returns the maximum number of requests. Each has at least two line ends, its own and that of its
 * headers; a line may end in CR, LF or both. One more may have been refused before its end. */
static size_t requests_most(const struct connection *connection)
{
    size_t ends = 0;

    for (size_t i = 0; i < connection->sent; i++) {
        char c = connection->out[i];

        ends += c == '\n' ||
                (c == '\r' && (i + 1 == connection->sent || connection->out[i + 1] != '\n'));
    }
    return ends / 2 + 1;
}

static void body_check(const struct answer *answer)
{
    json_t *json;

    if (answer->is_chunked || answer->body.n == 0 || answer->body.n > 4096 ||
        answer->body.p[0] != '{') {
        return;
    }
    MUST(json_memory_begin());
    json = json_loadb(answer->body.p, answer->body.n, JSON_REJECT_DUPLICATES, NULL);
    MUST(json != NULL);
    json_decref(json);
}

static bool begins_with(struct str text, struct str front)
{
    return text.n >= front.n && memcmp(text.p, front.p, front.n) == 0;
}

/* An answer to HEAD ends with its head. Which answer that is depends on how the server has read its
 * input. So an answer counts as one if the next answer, or nothing, follows where a body would be.
 * */
static bool is_bodiless(struct str rest, bool has_head)
{
    const char *end = memmem(rest.p, rest.n, "\r\n\r\n", 4);
    struct str behind = {NULL, 0};

    if (!has_head || end == NULL) {
        return false;
    }
    behind = str_from(rest, (size_t)(end - rest.p) + 4);
    if (begins_with(rest, STR("HTTP/1.1 1"))) {
        return is_bodiless(behind, true); /* that was an interim answer */
    }
    return behind.n == 0 || begins_with(behind, STR("HTTP/1."));
}

static void answers_check(const struct connection *connection)
{
    bool has_head = memmem(connection->out, connection->sent, "HEAD", 4) != NULL;
    struct str rest = {connection->in, connection->in_size};
    size_t count = 0;

    while (rest.n > 0) {
        struct answer answer;
        const char *fault;
        enum answer_end end = answer_read(rest, is_bodiless(rest, has_head), &answer, &fault);

        if (end == ANSWER_BAD) {
            fprintf(stderr, "%s:\n%.*s\n", fault, (int)rest.n, rest.p);
        }
        MUST(end != ANSWER_BAD);
        if (end == ANSWER_PART) {
            break; /* the connection was cut, by either side */
        }
        MUST(!answer.closes || answer.size == rest.n);
        /* A streamed list is never empty, so this would be a body after an answer to HEAD. */
        MUST(!answer.is_chunked || !str_eq(answer.body, STR("0\r\n\r\n")));
        body_check(&answer);
        count++;
        rest = str_from(rest, answer.size);
    }
    MUST(count <= requests_most(connection));
}

/* ---- The program ---- */

static void others_act(struct fuzz *fuzz, unsigned action)
{
    struct connection *current = fuzz->current;

    switch (action) {
    case 0:
        receive(current);
        break;
    case 1:
        fake_store_answer(&fuzz->world.fake);
        break;
    case 2:
        virtual_clock_move(chance_below(&fuzz->chance, 256) * 10);
        break;
    case 3:
        if (current->fd >= 0) {
            shutdown(current->fd, SHUT_WR);
        }
        break;
    case 4:
        leave(current); /* with a reset, if it has not read everything */
        break;
    default:
        if (!fuzz->world.is_draining && chance_one_in(&fuzz->chance, 4)) {
            world_drain(&fuzz->world, chance_below(&fuzz->chance, 256));
        }
        break;
    }
}

static void act(struct fuzz *fuzz)
{
    unsigned action = chance_below(&fuzz->chance, 16);

    switch (action) {
    case 0:
    case 1:
        world_turn(&fuzz->world);
        break;
    case 2:
        connection_open(fuzz);
        break;
    case 3:
    case 4:
        request_write(fuzz);
        break;
    case 5:
        bytes_write(fuzz);
        break;
    case 6:
        bytes_spoil(fuzz);
        break;
    case 7:
        line_double(fuzz);
        break;
    case 8:
        send_some(fuzz->current, chance_below(&fuzz->chance, 256));
        break;
    case 9:
        send_some(fuzz->current, BYTES);
        break;
    default:
        others_act(fuzz, action - 10);
        break;
    }
}

/* Goes on until nothing changes any more. */
static void finish_sending(struct fuzz *fuzz)
{
    size_t before = 0, moved = 1;

    for (int quiet = 0; quiet < 3; quiet = moved != before ? 0 : quiet + 1) {
        before = moved;
        moved = fuzz->world.fake.submitted_count + fuzz->world.fake.delivered_count;
        world_turn(&fuzz->world);
        for (int i = 0; i < CONNECTIONS; i++) {
            send_some(&fuzz->connections[i], BYTES);
            receive(&fuzz->connections[i]);
            moved += fuzz->connections[i].sent + fuzz->connections[i].in_size;
        }
        if (!fuzz->world.is_closed) {
            fake_store_answer(&fuzz->world.fake);
        }
    }
}

static void wait(struct fuzz *fuzz, int round)
{
    MUST(round < ROUNDS_MOST);
    fake_store_answer(&fuzz->world.fake);
    world_turn(&fuzz->world);
    virtual_clock_move(round < 10 ? 1 : 50);
}

static void finish(struct fuzz *fuzz)
{
    finish_sending(fuzz);
    for (int i = 0; i < CONNECTIONS; i++) {
        answers_check(&fuzz->connections[i]);
        leave(&fuzz->connections[i]);
    }
    /* Nothing is left of connections that their clients have closed. */
    for (int i = 0; !fuzz->world.is_closed && fuzz->world.metrics.numbers[METRIC_CONNECTIONS] > 0;
         i++) {
        wait(fuzz, i);
    }
    if (!fuzz->world.is_draining) {
        world_drain(&fuzz->world, 0);
    }
    for (int i = 0; !fuzz->world.is_closed; i++) {
        wait(fuzz, i);
    }
    world_check_end(&fuzz->world);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool is_initialised;
    static struct fuzz fuzz;
    unsigned kind;

    if (!is_initialised) {
        is_initialised = true;
        log_set_level(LOG_ERROR);
        routes_init();
    }
    fuzz.chance = chance_from_bytes(bytes, size);
    kind = chance_below(&fuzz.chance, 256);
    world_open(&fuzz.world, &fuzz.chance,
               &(struct world_options){
                   .unsent_most = (kind & 1) != 0 ? 4096 : 0,
                   .connections = (kind & 2) != 0 ? 2 : CONNECTIONS,
                   .in_flight = (kind & 4) != 0 ? 1 : 16,
                   .store_deadline_ms = STORE_DEADLINE_MS,
                   .client_deadline_ms = CLIENT_DEADLINE_MS,
               });
    for (int i = 0; i < CONNECTIONS; i++) {
        fuzz.connections[i].fd = -1;
        fuzz.connections[i].is_over = false;
        fuzz.connections[i].out_size = fuzz.connections[i].sent = 0;
        fuzz.connections[i].in_size = 0;
    }
    fuzz.current = &fuzz.connections[0];
    fuzz.current->fd = world_connect(&fuzz.world);
    for (int i = 0; i < ACTIONS_MOST && fuzz.chance.left > 0; i++) {
        act(&fuzz);
    }
    finish(&fuzz);
    return 0;
}
