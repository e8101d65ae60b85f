/* SPDX-License-Identifier: MIT */
/* What a client sees when Redis fails: a table of faults and answers. After each fault the store
 * must hold what the answers said, and repeating a request must settle an uncertain one. Scripted
 * faults come from a fake Redis, the others from a real one. docs/testing.md has the same table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/service.h"
#include "support/fake_redis.h"
#include "support/loopback.h"

/* Long enough for a busy machine to give every possible answer. */
#define DEADLINE "DISCOUNT_DEADLINE_MS=1500"
#define KEYS_TO_LOAD 8000

/* ---- The faults ---- */

struct bench {
    struct service service;
    char left[SERVICE_ID];     /* ten units, of which "holder" has one */
    char sold_out[SERVICE_ID]; /* one unit, which "holder" has */
    int other;                 /* another client of Redis, or -1 */
};

static const char *tell(struct bench *bench, const char *command)
{
    return redis_server_command(bench->service.redis, command);
}

/* Ends the service's connection, so that the next one is the one with the fault. */
static void lose_connection(struct bench *bench)
{
    tell(bench, "CLIENT KILL TYPE normal SKIPME yes");
    assert_true(discountd_log_wait(bench->service.daemon, "no connection", CLOCK_PATIENCE_MS));
}

static void nothing(struct bench *bench)
{
    (void)bench;
}

static void kill_redis(struct bench *bench)
{
    redis_server_kill(bench->service.redis);
    assert_true(discountd_log_wait(bench->service.daemon, "no connection", CLOCK_PATIENCE_MS));
}

static void restart_redis(struct bench *bench)
{
    redis_server_restart(bench->service.redis);
}

static void freeze(struct bench *bench)
{
    redis_server_freeze(bench->service.redis);
}

static void thaw(struct bench *bench)
{
    redis_server_thaw(bench->service.redis);
}

static bool is_loading(void *argument)
{
    return strncmp(tell(argument, "PING"), "(error) LOADING", 15) == 0;
}

static bool is_loaded(void *argument)
{
    return strcmp(tell(argument, "PING"), "PONG") == 0;
}

/* An option slows the loading down, so it takes seconds. */
static void load_slowly(struct bench *bench)
{
    redis_server_command(bench->service.redis, "EVAL %s 0 %d",
                         "for i = 1, ARGV[1] do redis.call('SET', 'filler:' .. i, i) end",
                         KEYS_TO_LOAD);
    redis_server_kill(bench->service.redis);
    redis_server_relaunch(bench->service.redis);
    assert_true(clock_wait(is_loading, bench, CLOCK_PATIENCE_MS));
}

static void wait_until_loaded(struct bench *bench)
{
    assert_true(clock_wait(is_loaded, bench, CLOCK_PATIENCE_MS));
}

static void become_replica(struct bench *bench)
{
    tell(bench, "REPLICAOF 127.0.0.1 1");
}

static void become_silent_replica(struct bench *bench)
{
    tell(bench, "CONFIG SET replica-serve-stale-data no");
    tell(bench, "REPLICAOF 127.0.0.1 1");
}

static void become_master(struct bench *bench)
{
    tell(bench, "REPLICAOF NO ONE");
}

static void take_memory(struct bench *bench)
{
    tell(bench, "CONFIG SET maxmemory 1");
}

static void give_memory(struct bench *bench)
{
    tell(bench, "CONFIG SET maxmemory 0");
}

/* A path that even root cannot write to: there is a directory where the file should be. */
static void snapshot_path(struct bench *bench, char ret_path[512])
{
    const char *directory = strchr(tell(bench, "CONFIG GET dir"), '\n');

    assert_non_null(directory);
    snprintf(ret_path, 512, "%s/dump.rdb", directory + 1);
}

static bool is_misconfigured(void *argument)
{
    struct bench *bench = argument;

    return strncmp(tell(bench, "PING"), "(error) MISCONF", 15) == 0;
}

static void fail_snapshots(struct bench *bench)
{
    char path[512];

    snapshot_path(bench, path);
    assert_int_equal(mkdir(path, 0700), 0);
    redis_server_command(bench->service.redis, "CONFIG SET save %s", "3600 1000");
    tell(bench, "BGSAVE");
    assert_true(clock_wait(is_misconfigured, bench, CLOCK_PATIENCE_MS));
}

static void save_snapshots(struct bench *bench)
{
    char path[512];

    snapshot_path(bench, path);
    assert_int_equal(rmdir(path), 0);
    assert_string_equal(tell(bench, "SAVE"), "OK");
}

static void want_replicas(struct bench *bench)
{
    tell(bench, "CONFIG SET min-replicas-to-write 1");
}

static void want_no_replicas(struct bench *bench)
{
    tell(bench, "CONFIG SET min-replicas-to-write 0");
}

static void want_password(struct bench *bench)
{
    tell(bench, "CONFIG SET requirepass other");
    lose_connection(bench);
}

static void want_no_password(struct bench *bench)
{
    redis_server_command(bench->service.redis, "CONFIG SET requirepass %s", "");
}

static void want_right_password(struct bench *bench)
{
    tell(bench, "CONFIG SET requirepass right");
}

static void forbid_scripts(struct bench *bench)
{
    assert_string_equal(tell(bench, "ACL SETUSER default -evalsha -eval"), "OK");
}

static void allow_scripts(struct bench *bench)
{
    assert_string_equal(tell(bench, "ACL SETUSER default +evalsha +eval"), "OK");
}

static bool is_busy(void *argument)
{
    return strncmp(tell(argument, "PING"), "(error) BUSY", 12) == 0;
}

static void run_for_ever(struct bench *bench)
{
    static const char busy[] = "EVAL \"while true do end\" 0\r\n";

    bench->other = loopback_connect(redis_server_port(bench->service.redis));
    assert_int_equal(send(bench->other, busy, strlen(busy), MSG_NOSIGNAL), strlen(busy));
    assert_true(clock_wait(is_busy, bench, CLOCK_PATIENCE_MS));
}

static void stop_script(struct bench *bench)
{
    tell(bench, "SCRIPT KILL");
    close(bench->other);
}

static void admit_nobody(struct bench *bench)
{
    tell(bench, "CONFIG SET maxclients 1");
    lose_connection(bench);
}

static void admit_all(struct bench *bench)
{
    tell(bench, "CONFIG SET maxclients 100");
}

static void spoil(struct bench *bench)
{
    redis_server_command(bench->service.redis, "RENAME discount:{%s}:grants kept", bench->left);
    redis_server_command(bench->service.redis, "SET discount:{%s}:grants spoilt", bench->left);
}

static void mend(struct bench *bench)
{
    redis_server_command(bench->service.redis, "RENAME kept discount:{%s}:grants", bench->left);
}

static void pause_a_while(struct bench *bench)
{
    tell(bench, "CLIENT PAUSE 200 ALL");
}

static void forget_scripts(struct bench *bench)
{
    tell(bench, "SCRIPT FLUSH");
}

/* ---- Requests and answers ---- */

enum kind { NEW, HOLDER, SOLD_OUT, CREATE, READ, READY, KIND_COUNT };

#define ALL(answer)                                                                                \
    {                                                                                              \
        answer, answer, answer, answer, answer, answer                                             \
    }
#define AWAY ALL("store-unavailable")

static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
static const char *const durable_and_slow[] = {
    "--appendonly", "yes", "--appendfsync", "always", "--key-load-delay", "500", NULL};
static const char *const with_password[] = {"--requirepass", "right", NULL};
static const char *const impatient[] = {"--busy-reply-threshold", "10", NULL};

struct fault {
    const char *name;
    const char *const *options; /* options of redis-server */
    void (*begin)(struct bench *bench);
    void (*end)(struct bench *bench);
    /* Each is a status below 400, or a problem. They answer: a new user's grant, a holder's grant,
     * another user's grant of a sold-out discount, a creation, a discount, /readyz. */
    const char *answers[KIND_COUNT];
};

/* The order matters: the first request to a Redis that hangs is in doubt, and later ones are not
 * sent. */
static const struct fault faults[] = {
    {"down", durable, kill_redis, restart_redis, AWAY},
    {"hung",
     NULL,
     freeze,
     thaw,
     {"outcome-unknown", "store-unavailable", "store-unavailable", "store-unavailable",
      "store-unavailable", "store-unavailable"}},
    {"loading", durable_and_slow, load_slowly, wait_until_loaded, AWAY},
    {"a read-only replica",
     NULL,
     become_replica,
     become_master,
     {"store-unavailable", "200", "discount-exhausted", "store-unavailable", "200", "200"}},
    {"a replica without its master", NULL, become_silent_replica, become_master, AWAY},
    {"too few replicas",
     NULL,
     want_replicas,
     want_no_replicas,
     {"store-unavailable", "200", "discount-exhausted", "store-unavailable", "200", "200"}},
    {"out of memory",
     NULL,
     take_memory,
     give_memory,
     {"store-unavailable", "200", "discount-exhausted", "store-unavailable", "200", "200"}},
    {"snapshots fail",
     NULL,
     fail_snapshots,
     save_snapshots,
     {"store-unavailable", "200", "discount-exhausted", "store-unavailable", "200",
      "store-unavailable"}},
    {"a password is wanted", NULL, want_password, want_no_password, AWAY},
    {"another password is wanted", with_password, want_password, want_right_password, AWAY},
    {"scripts are forbidden",
     NULL,
     forbid_scripts,
     allow_scripts,
     {"store-unavailable", "store-unavailable", "store-unavailable", "store-unavailable",
      "store-unavailable", "200"}},
    {"a script runs for ever", impatient, run_for_ever, stop_script, AWAY},
    {"no more clients", NULL, admit_nobody, admit_all, AWAY},
    {"grants of a wrong type",
     NULL,
     spoil,
     mend,
     {"store-corrupt", "store-corrupt", "discount-exhausted", "201", "store-corrupt", "200"}},
    {"slow",
     NULL,
     pause_a_while,
     nothing,
     {"201", "200", "discount-exhausted", "201", "200", "200"}},
    {"scripts forgotten",
     NULL,
     forget_scripts,
     nothing,
     {"201", "200", "discount-exhausted", "201", "200", "200"}},
};

static struct http_response ask(const struct bench *bench, enum kind kind)
{
    static const char create[] =
        "{\"brand_id\":\"IKEA\",\"discount_code\":\"Christmas\",\"total_count\":1}";
    const char *id = kind == SOLD_OUT ? bench->sold_out : bench->left;
    const char *body = kind == HOLDER ? "{\"user_id\":\"holder\"}" : "{\"user_id\":\"new\"}";
    char target[128];

    switch (kind) {
    case CREATE:
        return service_request(&bench->service, "POST", "/discount", NULL, create);
    case READ:
        snprintf(target, sizeof(target), "/discount/%s", id);
        return service_request(&bench->service, "GET", target, NULL, NULL);
    case READY:
        return service_request(&bench->service, "GET", "/readyz", NULL, NULL);
    default:
        snprintf(target, sizeof(target), "/discount/%s/grant", id);
        return service_request(&bench->service, "POST", target, NULL, body);
    }
}

static int status_of(const char *problem)
{
    return strcmp(problem, "discount-exhausted") == 0 ? 409
           : strcmp(problem, "store-corrupt") == 0    ? 500
                                                      : 503;
}

static void check_answer(const struct bench *bench, enum kind kind, const char *expected)
{
    struct http_response response = ask(bench, kind);

    if (atoi(expected) > 0) {
        assert_int_equal(response.status, atoi(expected));
    } else {
        service_assert_problem(&response, status_of(expected), expected);
        /* The problem has this member only if the outcome is known. */
        assert_int_equal(strstr(response.body, "\"granted\":false") != NULL,
                         kind <= SOLD_OUT && strcmp(expected, "outcome-unknown") != 0);
    }
    http_response_fini(&response);
}

/* ---- The store afterwards ---- */

static long granted(struct bench *bench, const char *id)
{
    return atol(redis_server_command(bench->service.redis, "ZCARD discount:{%s}:grants", id));
}

static bool is_held(struct bench *bench, const char *user)
{
    const char *score = redis_server_command(bench->service.redis, "ZSCORE discount:{%s}:grants %s",
                                             bench->left, user);

    return strcmp(score, "(nil)") != 0;
}

static bool is_healthy(void *argument)
{
    const struct bench *bench = argument;

    return service_status(&bench->service, "GET", "/healthy", NULL, NULL) == 200;
}

static void check_settled(struct bench *bench, const struct fault *fault)
{
    bool is_new_there = is_held(bench, "new");
    long created = strcmp(fault->answers[CREATE], "201") == 0 ? 1 : 0;

    if (strcmp(fault->answers[NEW], "outcome-unknown") != 0) {
        assert_int_equal(is_new_there, atoi(fault->answers[NEW]) == 201);
    }
    assert_int_equal(atol(tell(bench, "ZCARD discounts")), 2 + created);
    assert_int_equal(service_grant(&bench->service, bench->left, "new"), is_new_there ? 200 : 201);
    assert_int_equal(service_grant(&bench->service, bench->left, "new"), 200);
    assert_int_equal(service_grant(&bench->service, bench->left, "holder"), 200);
    assert_int_equal(service_grant(&bench->service, bench->sold_out, "new"), 409);
    assert_int_equal(granted(bench, bench->left), 2);
    assert_int_equal(granted(bench, bench->sold_out), 1);
}

static void check_fault(void **state)
{
    const struct fault *fault = *state;
    struct bench bench = {.other = -1};
    struct service *service = &bench.service;

    service->redis = redis_server_start(fault->options);
    snprintf(service->store, sizeof(service->store), "DISCOUNT_STORE=%s",
             redis_server_url(service->redis));
    service_launch(service, (const char *[]){"DISCOUNT_WORKERS=1", DEADLINE, NULL});
    service_create(service, 10, bench.left);
    service_create(service, 1, bench.sold_out);
    assert_int_equal(service_grant(service, bench.left, "holder"), 201);
    assert_int_equal(service_grant(service, bench.sold_out, "holder"), 201);

    fault->begin(&bench);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        check_answer(&bench, (enum kind)kind, fault->answers[kind]);
    }
    assert_int_equal(service_status(service, "GET", "/livez", NULL, NULL), 200);
    fault->end(&bench);
    assert_true(clock_wait(is_healthy, &bench, CLOCK_PATIENCE_MS));
    check_settled(&bench, fault);
    service_stop(service);
}

/* ---- A node of a cluster ---- */

static void a_node_of_a_cluster_is_unavailable(void **state)
{
    static const char *const options[] = {"--cluster-enabled", "yes", NULL};
    struct bench bench = {.service.redis = redis_server_start(options)};
    struct http_response response;

    (void)state;
    snprintf(bench.service.store, sizeof(bench.service.store), "DISCOUNT_STORE=%s",
             redis_server_url(bench.service.redis));
    service_launch(&bench.service, (const char *[]){"DISCOUNT_WORKERS=1", DEADLINE, NULL});
    /* It has no slots, and then all of them. */
    for (int i = 0; i < 2; i++) {
        response = ask(&bench, CREATE);
        service_assert_problem(&response, 503, "store-unavailable");
        http_response_fini(&response);
        assert_int_equal(service_status(&bench.service, "GET", "/healthy", NULL, NULL), 503);
        tell(&bench, "CLUSTER ADDSLOTSRANGE 0 16383");
    }
    assert_true(discountd_log_wait(bench.service.daemon,
                                   "redis: not used: it is a node of a Redis Cluster",
                                   CLOCK_PATIENCE_MS));
    service_stop(&bench.service);
}

/* ---- Scripted ---- */

#define ID "dsc-AAAAAAAAAAAAAAAAAAAAAA"
#define AT "1700000000000001"
#define OUTCOME(n, words)                                                                          \
    "*5\r\n$16\r\n" AT "\r\n$6\r\nA CODE\r\n$-1\r\n:0\r\n$" #n "\r\n" words "\r\n"
#define GRANTED OUTCOME(1, "g")
#define HELD OUTCOME(17, "h" AT)

/* Starts the script of the fake, and a service on it. */
static struct service play(struct fake_redis *fake, const char *deadline)
{
    struct service service = {0};

    fake_redis_start(fake);
    snprintf(service.store, sizeof(service.store), "DISCOUNT_STORE=%s", fake_redis_url(fake));
    service_launch(&service, (const char *[]){"DISCOUNT_WORKERS=1", deadline, NULL});
    return service;
}

/* Asks for one grant, then ends the service and the script. */
static struct http_response grant_and_end(struct service *service, struct fake_redis *fake)
{
    struct http_response response =
        service_request(service, "POST", "/discount/" ID "/grant", NULL, "{\"user_id\":\"ann\"}");

    discountd_stop(service->daemon);
    fake_redis_stop(fake);
    return response;
}

static void check_granted(struct http_response *response, int status)
{
    const char *replayed = http_header(response, "Idempotent-Replayed");

    assert_int_equal(response->status, status);
    assert_int_equal(replayed != NULL, status == 200);
    assert_non_null(strstr(response->body, "2023-11-14T22:13:20.000001Z"));
    http_response_fini(response);
}

/* The grant exists, but it is unknown which request made it. So it is not reported as new
 * (docs/adr/0011). */
static void a_reply_cut_after_any_byte_is_asked_for_again(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(GRANTED); n++) {
        struct fake_redis *fake = fake_redis_new();
        struct http_response response;
        struct service service;

        fake_handshake(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send(fake, GRANTED, n);
        fake_close(fake);
        fake_handshake(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, HELD);
        service = play(fake, "DISCOUNT_DEADLINE_MS=20000");
        response = grant_and_end(&service, fake);
        check_granted(&response, 200);
    }
}

/* Redis has not received all of it, but only Redis knows that. */
static void a_request_cut_after_any_byte_is_sent_again(void **state)
{
    enum { STEP = 7, SHORTEST = 200 };

    (void)state;
    for (size_t n = 1; n < SHORTEST; n += STEP) {
        struct fake_redis *fake = fake_redis_new();
        struct http_response response;
        struct service service;

        fake_handshake(fake, NULL, "0");
        fake_expect_bytes(fake, n);
        fake_reset(fake);
        fake_handshake(fake, NULL, "0");
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, GRANTED);
        service = play(fake, "DISCOUNT_DEADLINE_MS=20000");
        response = grant_and_end(&service, fake);
        check_granted(&response, 201);
    }
}

static void a_cut_reply_that_stays_the_last_is_unknown(void **state)
{
    struct fake_redis *fake = fake_redis_new();
    struct http_response response;
    struct service service;

    (void)state;
    fake_handshake(fake, NULL, "0");
    fake_expect(fake, "EVALSHA ");
    fake_send(fake, GRANTED, 20);
    fake_close(fake);
    service = play(fake, "DISCOUNT_DEADLINE_MS=200");
    response = grant_and_end(&service, fake);
    service_assert_problem(&response, 503, "outcome-unknown");
    http_response_fini(&response);
}

static void a_clusters_errors_are_unavailable(void **state)
{
    static const char *const words[] = {"-MOVED 3999 127.0.0.1:6381\r\n",
                                        "-ASK 3999 127.0.0.1:6381\r\n",
                                        "-TRYAGAIN Multiple keys request during rehashing\r\n"};
    struct fake_redis *fake = fake_redis_new();
    struct service service;

    (void)state;
    fake_handshake(fake, NULL, "0");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        fake_expect(fake, "EVALSHA ");
        fake_send_text(fake, words[i]);
    }
    service = play(fake, DEADLINE);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct http_response response = service_request(&service, "POST", "/discount/" ID "/grant",
                                                        NULL, "{\"user_id\":\"ann\"}");

        service_assert_problem(&response, 503, "store-unavailable");
        http_response_fini(&response);
    }
    discountd_stop(service.daemon);
    fake_redis_stop(fake);
}

/* ---- A replica that lags ---- */

/* It does not have a discount that its master has, so its "not found" is no answer. */
static void a_replica_does_not_say_that_there_is_no_such_discount(void **state)
{
    struct bench bench = {.other = -1};
    struct http_response response;

    (void)state;
    service_start(&bench.service, (const char *[]){"DISCOUNT_WORKERS=1", DEADLINE, NULL});
    strcpy(bench.left, ID);
    assert_int_equal(service_grant(&bench.service, ID, "new"), 404);
    become_replica(&bench);
    response = ask(&bench, NEW);
    service_assert_problem(&response, 503, "store-unavailable");
    http_response_fini(&response);
    service_stop(&bench.service);
}

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

int main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_node_of_a_cluster_is_unavailable),
        cmocka_unit_test(a_reply_cut_after_any_byte_is_asked_for_again),
        cmocka_unit_test(a_request_cut_after_any_byte_is_sent_again),
        cmocka_unit_test(a_cut_reply_that_stays_the_last_is_unknown),
        cmocka_unit_test(a_clusters_errors_are_unavailable),
        cmocka_unit_test(a_replica_does_not_say_that_there_is_no_such_discount),
    };
    struct CMUnitTest tests[FAULTS + sizeof(others) / sizeof(others[0])];

    for (size_t i = 0; i < FAULTS; i++) {
        /* cmocka's state is not const, but the faults are only read. */
        tests[i] = (struct CMUnitTest){faults[i].name, check_fault, NULL, NULL,
                                       (void *)(uintptr_t)&faults[i]};
    }
    memcpy(tests + FAULTS, others, sizeof(others));
    return cmocka_run_group_tests_name("redis outcomes", tests, NULL, NULL);
}
