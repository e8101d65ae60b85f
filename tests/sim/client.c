/* SPDX-License-Identifier: MIT */
#include "sim/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/answer.h"
#include "sim/sim_fail.h"
#include "sim/virtual_clock.h"

#define PIECE 65536

void client_init(struct client *client, struct world *world, struct chance *chance, unsigned first)
{
    unsigned count = 1 + chance_below(chance, SCRIPT_REQUESTS);

    *client = (struct client){.fd = -1, .world = world, .chance = chance};
    client->drain_over_ms = UINT64_MAX;
    client->kind = (enum client_kind)(chance_below(chance, 4) * chance_below(chance, 2));
    client->kind = client->kind > CLIENT_STOPS ? CLIENT_LEAVES : client->kind;
    for (unsigned i = 0; i < count; i++) {
        script_add(&client->script, chance, first + i);
    }
    client->stop_at = chance_below(chance, (unsigned)client->script.size + 1);
}

struct wish *client_wish(struct client *client, long number)
{
    unsigned first = client->script.wishes[0].number;

    return number >= first && number < first + client->script.count
               ? &client->script.wishes[number - first]
               : NULL;
}

/* ---- Received bytes ---- */

/* Returns whether the store had room for all operations. If not, some may be refused before they
 * reach the backend. */
static bool store_had_room(const struct client *client)
{
    return client->world->fake.in_hand_most < client->world->options.in_flight;
}

static int code_of(const struct client *client, const struct wish *wish)
{
    if (wish->code != 0) {
        return wish->code;
    }
    if (!wish->is_submitted) {
        return store_had_room(client) ? 0 : 503;
    }
    if (wish->first != STATUS_OK) {
        return status_code(wish->first);
    }
    return wish->verb == STORE_CREATE || (wish->verb == STORE_GRANT && !wish->is_replayed) ? 201
                                                                                           : 200;
}

static bool code_is_right(const struct wish *wish, int expected, int code)
{
    if (wish->is_nameless) {
        return code == 200 || code == 500 || code == 503;
    }
    return code == expected || (wish->may_be_304 && expected == 200 && code == 304);
}

static void answer_check(const struct client *client, const struct wish *wish,
                         const struct answer *answer)
{
    int code = code_of(client, wish);
    char name[16];

    snprintf(name, sizeof(name), "n%05u", wish->number);
    if (!str_eq(answer->request_id, str_of(name))) {
        sim_fail("request %u is answered with the answer to %.*s", wish->number,
                 (int)answer->request_id.n, answer->request_id.p);
    }
    if (!code_is_right(wish, code, answer->code)) {
        sim_fail("request %u is answered with %d instead of %d", wish->number, answer->code, code);
    }
    /* A grant's answer names the user; other answers are matched by their request ids. */
    if (wish->verb == STORE_GRANT && wish->code == 0 && answer->code < 300 &&
        memmem(answer->body.p, answer->body.n, name, strlen(name)) == NULL) {
        sim_fail("request %u has the grant of another", wish->number);
    }
}

/* Takes one complete answer from the received bytes. Returns false if there is none. */
static bool answer_take(struct client *client)
{
    const struct wish *wish = &client->script.wishes[client->answered];
    struct answer answer;
    const char *fault;
    enum answer_end end;

    if (client->used == 0) {
        return false;
    }
    if (client->answered == client->script.count || client->is_closing) {
        sim_fail("bytes come that nobody asked for");
    }
    end = answer_read((struct str){client->bytes, client->used}, wish->is_head, &answer, &fault);
    if (end == ANSWER_BAD) {
        sim_fail("request %u is answered with %s", wish->number, fault);
    }
    if (end == ANSWER_PART) {
        return false;
    }
    answer_check(client, wish, &answer);
    client->is_closing = answer.closes;
    client->answered++;
    client->used -= answer.size;
    memmove(client->bytes, client->bytes + answer.size, client->used);
    return true;
}

/* The connection has ended. A staying client must have been told so, or the drain accepted no more
 * connections. */
static void end_check(struct client *client)
{
    const struct wish *wish = &client->script.wishes[client->answered];
    bool was_answered = client->is_closing || client->answered == client->script.count;
    /* A client that still waits for a connection after the grace time of a drain is turned away. */
    bool found_no_room = client->answered == 0 && client->used == 0 && client->world->was_full &&
                         virtual_clock_ms() >= client->drain_over_ms;
    bool may_be_cut = client->used > 0 && wish->first == STATUS_OK &&
                      (wish->last != STATUS_OK || !store_had_room(client));

    client->is_over = true;
    if (client->kind != CLIENT_STAYS || was_answered || may_be_cut || found_no_room) {
        return;
    }
    if (client->used > 0 || wish->sent_at_ms < client->drain_over_ms) {
        sim_fail("the connection ends before request %u is answered%s", wish->number,
                 client->used > 0 ? " in full" : "");
    }
}

static void piece_read(struct client *client, size_t most)
{
    ssize_t n;

    if (client->room - client->used < most) {
        client->room = 2 * client->room + most;
        client->bytes = realloc(client->bytes, client->room);
        if (client->bytes == NULL) {
            abort();
        }
    }
    n = recv(client->fd, client->bytes + client->used, most, 0);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n > 0) {
        client->used += (size_t)n;
        while (answer_take(client)) {
        }
    } else {
        end_check(client);
    }
}

static bool reads(const struct client *client)
{
    return client->fd >= 0 && !client->is_over && !client->has_stopped;
}

void client_read(struct client *client)
{
    size_t before;

    do {
        before = client->used + client->answered;
        if (reads(client)) {
            piece_read(client, PIECE);
        }
    } while (reads(client) && client->used + client->answered != before);
}

/* ---- Actions ---- */

static void send_piece(struct client *client)
{
    size_t left = client->script.size - client->sent;
    size_t most = chance_one_in(client->chance, 3) ? left : 1 + chance_below(client->chance, 200);
    ssize_t n;

    if (client->kind != CLIENT_STAYS && client->stop_at - client->sent < most) {
        most = client->stop_at - client->sent;
    }
    if (left == 0 || most == 0 || client->has_ended_its_side) {
        return;
    }
    n = send(client->fd, client->script.bytes + client->sent, most < left ? most : left,
             MSG_NOSIGNAL);
    if (n > 0) {
        client->sent += (size_t)n;
    }
    for (unsigned i = 0; i < client->script.count; i++) {
        struct wish *wish = &client->script.wishes[i];

        if (wish->end <= client->sent && wish->sent_at_ms == UINT64_MAX) {
            wish->sent_at_ms = virtual_clock_ms();
        }
    }
}

static void hang_up(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    client->is_over = true;
}

static void leave(struct client *client)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    switch (chance_below(client->chance, 3)) {
    case 0:
        shutdown(client->fd, SHUT_WR);
        client->has_ended_its_side = true;
        return;
    case 1:
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        break;
    default:
        break;
    }
    hang_up(client);
}

static void client_connect(struct client *client)
{
    client->has_been = true;
    client->fd = world_connect(client->world);
    if (client->fd < 0) {
        client->is_over = true;
    }
}

void client_act(struct client *client)
{
    bool is_there = client->has_been && client->sent >= client->stop_at;

    if (!client->has_been) {
        client_connect(client);
    } else if (client->is_over || client->has_stopped) {
        return;
    } else if (client->kind == CLIENT_STOPS && is_there) {
        client->has_stopped = true;
    } else if (client->kind == CLIENT_LEAVES && is_there && chance_one_in(client->chance, 4)) {
        leave(client);
    } else if (client->answered == client->script.count && chance_one_in(client->chance, 8)) {
        hang_up(client); /* others may wait for its slot */
    } else if (chance_one_in(client->chance, 2)) {
        send_piece(client);
    } else if (reads(client)) {
        piece_read(client, 1 + chance_below(client->chance, 4096));
    }
}

/* ---- The end ---- */

bool client_is_content(const struct client *client)
{
    return client->kind != CLIENT_STAYS || client->is_over ||
           client->answered == client->script.count;
}

void client_check_settled(const struct client *client)
{
    const struct wish *wish = &client->script.wishes[client->answered];
    bool is_list =
        wish->verb == STORE_LIST || wish->verb == STORE_GRANTS || wish->verb == STORE_WALLET;
    bool may_be_in_the_backlog = client->answered == 0 && client->world->was_full;

    if (reads(client) && client->kind == CLIENT_STAYS && !client->is_closing &&
        !may_be_in_the_backlog && client->answered < client->script.count &&
        client->sent >= wish->end && (wish->code != 0 || (wish->is_delivered && !is_list))) {
        sim_fail("the answer to request %u is held back", wish->number);
    }
}

void client_fini(struct client *client)
{
    client_read(client);
    if (client->fd >= 0) {
        if (reads(client)) {
            sim_fail("the server is closed and the connection is not");
        }
        close(client->fd);
    }
    free(client->bytes);
}
