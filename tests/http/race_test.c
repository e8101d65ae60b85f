/* SPDX-License-Identifier: MIT */
/* Many clients ask for the last units at once. If the store can be shared, they use two replicas.
 * */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "http/service.h"

enum { CLIENTS = 8, USERS = 400, STOCK = 150, ATTEMPTS = 3 };

/* The answers to one client. Each user's numbers are summed over all clients afterwards. */
struct client {
    pthread_t thread;
    int ports[2], number;
    const char *id;
    int created[USERS], replayed[USERS], refused[USERS], others;
    char granted_at[USERS][32];
    bool contradicted; /* a user got two different grants */
};

static void take_in(struct client *client, int user, struct http_response *response)
{
    if (response->status == 201 || response->status == 200) {
        const char *at = strstr(response->body, "\"granted_at\":\"");
        char granted_at[32] = "";

        if (at != NULL) {
            snprintf(granted_at, sizeof(granted_at), "%.27s", at + 14);
        }
        client->created[user] += response->status == 201;
        client->replayed[user] += response->status == 200;
        client->contradicted =
            client->contradicted || (client->granted_at[user][0] != '\0' &&
                                     strcmp(client->granted_at[user], granted_at) != 0);
        strcpy(client->granted_at[user], granted_at);
    } else if (response->status == 409) {
        client->refused[user]++;
    } else {
        client->others++;
    }
}

static void *client_main(void *argument)
{
    struct client *client = argument;
    struct http_connection connections[2];

    for (int i = 0; i < 2; i++) {
        if (!http_connect(&connections[i], client->ports[i])) {
            client->others = 1;
            return NULL;
        }
    }
    for (int i = 0; i < ATTEMPTS * USERS; i++) {
        /* Every client asks for every user, each in its own order. */
        int user = (i * 7 + client->number * 53) % USERS;
        struct http_connection *connection = &connections[(i + client->number) % 2];
        struct http_response response;
        char request[512];

        snprintf(request, sizeof(request),
                 "POST /discount/%s/grant HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                 "Content-Length: 18\r\n\r\n{\"user_id\":\"u%03d\"}",
                 client->id, user);
        if (!http_send_text(connection, request) ||
            http_receive(connection, "POST", CLOCK_PATIENCE_MS, &response) != HTTP_COMPLETE) {
            client->others++;
            break;
        }
        take_in(client, user, &response);
        http_response_fini(&response);
    }
    http_disconnect(&connections[0]);
    http_disconnect(&connections[1]);
    return NULL;
}

/* Checks one user's answers over all clients: one grant, the same in every answer, or none at all.
 * */
static int check_user(const struct client *clients, int user)
{
    const char *granted_at = NULL;
    int created = 0, replayed = 0, refused = 0;

    for (int i = 0; i < CLIENTS; i++) {
        created += clients[i].created[user];
        replayed += clients[i].replayed[user];
        refused += clients[i].refused[user];
        if (clients[i].granted_at[user][0] != '\0') {
            if (granted_at != NULL) {
                assert_string_equal(granted_at, clients[i].granted_at[user]);
            }
            granted_at = clients[i].granted_at[user];
        }
    }
    assert_int_equal(created + replayed + refused, CLIENTS * ATTEMPTS);
    if (created == 0) {
        assert_int_equal(replayed, 0);
        return 0;
    }
    assert_int_equal(created, 1);
    /* "Sold out" is never answered to a holder, nor while a unit is left. */
    assert_int_equal(refused, 0);
    return 1;
}

/* Starts a second replica if the store can be shared; else returns NULL. */
static struct discountd *replica_start(const struct service *service)
{
    return service->redis == NULL ? NULL : discountd_start((const char *[]){service->store, NULL});
}

static void replica_stop(struct discountd *replica)
{
    int status = -1;

    if (replica != NULL) {
        discountd_signal(replica, SIGTERM);
        assert_true(discountd_wait_exit(replica, CLOCK_PATIENCE_MS, &status));
        assert_int_equal(status, 0);
        discountd_stop(replica);
    }
}

/* Reads the count from the discount itself. */
static long long granted_count(const struct service *service, const char *id)
{
    struct http_response response;
    char target[64];
    json_t *discount;
    long long count;

    snprintf(target, sizeof(target), "/discount/%s", id);
    response = service_request(service, "GET", target, NULL, NULL);
    discount = service_json(&response);
    count = json_integer_value(json_object_get(discount, "granted_count"));
    json_decref(discount);
    http_response_fini(&response);
    return count;
}

static void exactly_the_stock_is_granted_each_user_once(void **state)
{
    static struct client clients[CLIENTS];
    struct service service;
    struct discountd *replica;
    char id[SERVICE_ID];
    int granted = 0;

    (void)state;
    service_start(&service, NULL);
    replica = replica_start(&service);
    service_create(&service, STOCK, id);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){
            .ports = {service.port, replica == NULL ? service.port : discountd_port(replica)},
            .number = i,
            .id = id};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].others, 0);
        assert_false(clients[i].contradicted);
    }
    for (int user = 0; user < USERS; user++) {
        granted += check_user(clients, user);
    }
    assert_int_equal(granted, STOCK);
    assert_int_equal(granted_count(&service, id), STOCK);
    replica_stop(replica);
    service_stop(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_stock_is_granted_each_user_once),
    };

    return cmocka_run_group_tests_name("http race", tests, NULL, NULL);
}
