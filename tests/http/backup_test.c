/* SPDX-License-Identifier: MIT */
/* Backups, as an operator takes and restores them: while the service serves, and at rest. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/service.h"
#include "support/command.h"
#include "support/directory.h"

enum { STOCK = 1000000, BALLAST = 3000 };

struct shop {
    struct directory directory;
    struct service service; /* its redis stays NULL */
    char store[96];
    char id[SERVICE_ID];
};

static int setup(void **state)
{
    struct shop *shop = calloc(1, sizeof(*shop));

    *state = shop;
    if (shop == NULL) {
        return -1;
    }
    directory_make(&shop->directory);
    snprintf(shop->store, sizeof(shop->store), "DISCOUNT_STORE=sqlite:%s/discount.db",
             shop->directory.path);
    return 0;
}

static int teardown(void **state)
{
    struct shop *shop = *state;

    discountd_stop(shop->service.daemon);
    directory_remove(&shop->directory);
    free(shop);
    return 0;
}

/* ---- Steps ---- */

static void open_shop(struct shop *shop, const char *store)
{
    shop->service.daemon = discountd_start((const char *[]){store, "DISCOUNT_WORKERS=1", NULL});
    shop->service.port = discountd_port(shop->service.daemon);
}

static void kill_shop(struct shop *shop)
{
    discountd_stop(shop->service.daemon);
    shop->service.daemon = NULL;
}

/* The shop opens, with one discount. */
static void open_first(struct shop *shop)
{
    open_shop(shop, shop->store);
    service_create(&shop->service, STOCK, shop->id);
}

static void path_in(const struct shop *shop, const char *name, char ret_path[96])
{
    snprintf(ret_path, 96, "%s/%s", shop->directory.path, name);
}

static bool exists(const struct shop *shop, const char *name)
{
    char path[96];
    struct stat about;

    path_in(shop, name, path);
    return stat(path, &about) == 0;
}

static int back_up(const struct shop *shop, const char *name, char ret_output[COMMAND_OUTPUT])
{
    char path[96];

    path_in(shop, name, path);
    return command_run((const char *[]){"backup", path, NULL}, (const char *[]){shop->store, NULL},
                       ret_output);
}

static void back_up_well(const struct shop *shop, const char *name)
{
    char output[COMMAND_OUTPUT];

    if (back_up(shop, name, output) != 0) {
        fail_msg("no backup: %s", output);
    }
}

/* Whether a user holds the shop's discount. */
static bool holds(const struct shop *shop, const char *user)
{
    char target[128];

    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=%s", shop->id, user);
    return service_status(&shop->service, "GET", target, NULL, NULL) == 200;
}

/* The shop opens on a backup and nothing else. */
static void restore(struct shop *shop, const char *name)
{
    char store[128];

    kill_shop(shop);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=sqlite:%s/%s", shop->directory.path, name);
    open_shop(shop, store);
}

/* ---- While it serves ---- */

static void a_backup_of_a_serving_shop_is_started_on(void **state)
{
    struct shop *shop = *state;

    open_first(shop);
    assert_int_equal(service_grant(&shop->service, shop->id, "before"), 201);
    back_up_well(shop, "copy.db");
    assert_int_equal(service_grant(&shop->service, shop->id, "after"), 201);
    restore(shop, "copy.db");
    assert_true(holds(shop, "before"));
    assert_false(holds(shop, "after"));
    assert_int_equal(service_grant(&shop->service, shop->id, "before"), 200);
    assert_int_equal(service_grant(&shop->service, shop->id, "later"), 201);
}

struct customer {
    pthread_t thread;
    const struct shop *shop;
    atomic_bool is_done;
    atomic_int granted, failed;
};

static void *keep_buying(void *argument)
{
    struct customer *customer = argument;

    for (int i = 0; !atomic_load(&customer->is_done); i++) {
        char user[32];

        snprintf(user, sizeof(user), "customer-%d", i);
        if (service_grant(&customer->shop->service, customer->shop->id, user) == 201) {
            atomic_store(&customer->granted, i + 1);
        } else {
            atomic_fetch_add(&customer->failed, 1);
        }
    }
    return NULL;
}

/* Enough that a copy takes many steps, with grants in between. */
static void load_ballast(const struct shop *shop)
{
    struct http_connection connection = service_connect(&shop->service);
    char body[512], request[1024], code[257];

    memset(code, 'c', 256);
    code[256] = '\0';
    snprintf(body, sizeof(body),
             "{\"brand_id\":\"IKEA\",\"discount_code\":\"%s\",\"total_count\":1}", code);
    snprintf(request, sizeof(request),
             "POST /discount HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    for (int i = 0; i < BALLAST; i++) {
        assert_true(http_send_text(&connection, request));
        if (i % 100 == 99) {
            for (int k = 0; k < 100; k++) {
                struct http_response response = service_receive(&connection, "POST");

                assert_int_equal(response.status, 201);
                http_response_fini(&response);
            }
        }
    }
    http_disconnect(&connection);
}

static bool has_sold(void *argument)
{
    const struct customer *customer = argument;

    return atomic_load(&customer->granted) > 10;
}

static void a_backup_under_load_has_all_that_was_granted_before_it(void **state)
{
    struct shop *shop = *state;
    struct customer customer = {.shop = shop};
    int before;

    open_first(shop);
    load_ballast(shop);
    assert_int_equal(pthread_create(&customer.thread, NULL, keep_buying, &customer), 0);
    assert_true(clock_wait(has_sold, &customer, CLOCK_PATIENCE_MS));
    before = atomic_load(&customer.granted);
    back_up_well(shop, "copy.db");
    atomic_store(&customer.is_done, true);
    pthread_join(customer.thread, NULL);
    assert_int_equal(atomic_load(&customer.failed), 0);
    restore(shop, "copy.db");
    for (int i = 0; i < before; i++) {
        char user[32];

        snprintf(user, sizeof(user), "customer-%d", i);
        assert_true(holds(shop, user));
    }
}

static void a_file_that_is_there_is_left_alone(void **state)
{
    struct shop *shop = *state;
    char output[COMMAND_OUTPUT];

    open_first(shop);
    back_up_well(shop, "copy.db");
    assert_int_equal(back_up(shop, "copy.db", output), 1);
    assert_non_null(strstr(output, "exists"));
    assert_int_equal(back_up(shop, "discount.db", output), 1);
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
    restore(shop, "copy.db");
    assert_false(holds(shop, "ann"));
}

/* Whoever opened the copy would take them for its own. */
static void what_lies_beside_the_name_is_an_obstacle(void **state)
{
    static const char *const endings[] = {"-wal", "-journal", "-partial"};
    struct shop *shop = *state;

    open_first(shop);
    for (size_t i = 0; i < 3; i++) {
        char output[COMMAND_OUTPUT], name[32], path[96];
        FILE *file;

        snprintf(name, sizeof(name), "copy-%zu.db%s", i, endings[i]);
        path_in(shop, name, path);
        file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs("somebody's", file) > 0);
        assert_int_equal(fclose(file), 0);
        snprintf(name, sizeof(name), "copy-%zu.db", i);
        assert_int_equal(back_up(shop, name, output), 1);
        assert_non_null(strstr(output, endings[i]));
        assert_false(exists(shop, name));
        file = fopen(path, "r");
        assert_non_null(file);
        assert_string_equal(fgets(output, 32, file), "somebody's");
        fclose(file);
    }
}

static void a_place_that_is_not_there_is_a_fault(void **state)
{
    struct shop *shop = *state;
    char output[COMMAND_OUTPUT];

    open_first(shop);
    assert_int_equal(back_up(shop, "nowhere/copy.db", output), 1);
    assert_non_null(strstr(output, "No such file"));
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
}

static void after_a_kill_the_next_process_takes_backups(void **state)
{
    struct shop *shop = *state;

    open_first(shop);
    discountd_signal(shop->service.daemon, SIGKILL);
    kill_shop(shop);
    assert_true(exists(shop, "discount.db-control"));
    open_shop(shop, shop->store);
    back_up_well(shop, "copy.db");
    assert_false(exists(shop, "copy.db-partial"));
}

static void the_socket_is_for_its_own_user_and_goes_with_the_process(void **state)
{
    struct shop *shop = *state;
    char path[96];
    struct stat about;
    int status = 0;

    open_first(shop);
    path_in(shop, "discount.db-control", path);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    discountd_signal(shop->service.daemon, SIGTERM);
    assert_true(discountd_wait_exit(shop->service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    assert_false(exists(shop, "discount.db-control"));
}

/* ---- Who says something else to the socket ---- */

static int connect_to_control(const struct shop *shop)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/discount.db-control",
             shop->directory.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void other_words_are_a_fault_and_harm_nothing(void **state)
{
    static const char *const words[] = {"\n", "backup\n", "backup relative.db\n", "drop table\n",
                                        "backup /\n"};
    struct shop *shop = *state;

    open_first(shop);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        int fd = connect_to_control(shop);
        char said[6] = "";

        assert_int_equal(send(fd, words[i], strlen(words[i]), MSG_NOSIGNAL), strlen(words[i]));
        do {
            assert_true(recv(fd, said, 1, 0) == 1);
        } while (said[0] != 'f'); /* lines of progress come first */
        assert_int_equal(recv(fd, said + 1, 4, MSG_WAITALL), 4);
        assert_string_equal(said, "fault");
        close(fd);
    }
    back_up_well(shop, "copy.db");
}

static void who_hangs_up_or_sends_too_much_is_forgotten(void **state)
{
    static char flood[100000];
    struct shop *shop = *state;
    int fd;

    open_first(shop);
    memset(flood, 'x', sizeof(flood));
    for (int i = 0; i < 3; i++) {
        fd = connect_to_control(shop);
        close(fd);
        fd = connect_to_control(shop);
        /* It may be closed before all of it is sent. */
        if (send(fd, flood, sizeof(flood), MSG_NOSIGNAL) < 0) {
            assert_true(true);
        }
        close(fd);
    }
    back_up_well(shop, "copy.db");
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
}

static void who_dawdles_does_not_hold_up_the_end(void **state)
{
    struct shop *shop = *state;
    int status = 0, fd;
    int64_t began_ms;

    open_first(shop);
    fd = connect_to_control(shop);
    assert_int_equal(send(fd, "back", 4, MSG_NOSIGNAL), 4);
    began_ms = clock_ms();
    discountd_signal(shop->service.daemon, SIGTERM);
    assert_true(discountd_wait_exit(shop->service.daemon, CLOCK_PATIENCE_MS, &status));
    assert_int_equal(status, 0);
    /* It would be given ten seconds for each byte. */
    assert_true(clock_ms() - began_ms < 9000);
    close(fd);
}

/* ---- At rest, and where there is none ---- */

static void a_store_at_rest_is_backed_up_too(void **state)
{
    struct shop *shop = *state;

    open_first(shop);
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
    kill_shop(shop); /* what it wrote is in its log still */
    back_up_well(shop, "copy.db");
    restore(shop, "copy.db");
    assert_true(holds(shop, "ann"));
}

static void what_is_not_there_is_not_backed_up(void **state)
{
    struct shop *shop = *state;
    char output[COMMAND_OUTPUT];

    assert_int_equal(back_up(shop, "copy.db", output), 1);
    assert_non_null(strstr(output, "no backup"));
    assert_false(exists(shop, "discount.db"));
    assert_false(exists(shop, "copy.db"));
}

static void what_is_in_memory_is_not_backed_up_from_elsewhere(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(command_run((const char *[]){"backup", "/tmp/copy-of-memory.db", NULL},
                                 (const char *[]){"DISCOUNT_STORE=sqlite::memory:", NULL}, output),
                     1);
    assert_non_null(strstr(output, "in the memory of the process"));
}

static void a_redis_is_sent_to_its_own_means(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(command_run((const char *[]){"backup", "/tmp/copy.db", NULL},
                                 (const char *[]){"DISCOUNT_STORE=redis://127.0.0.1:1", NULL},
                                 output),
                     1);
    assert_non_null(strstr(output, "redis-cli --rdb"));
}

static void a_backup_needs_a_file(void **state)
{
    char output[COMMAND_OUTPUT];

    (void)state;
    assert_int_equal(command_run((const char *[]){"backup", NULL}, NULL, output), 2);
    assert_int_equal(command_run((const char *[]){"backup", "a", "b", NULL}, NULL, output), 2);
}

#define SHOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHOP(a_backup_of_a_serving_shop_is_started_on),
        SHOP(a_backup_under_load_has_all_that_was_granted_before_it),
        SHOP(a_file_that_is_there_is_left_alone),
        SHOP(what_lies_beside_the_name_is_an_obstacle),
        SHOP(a_place_that_is_not_there_is_a_fault),
        SHOP(after_a_kill_the_next_process_takes_backups),
        SHOP(the_socket_is_for_its_own_user_and_goes_with_the_process),
        SHOP(other_words_are_a_fault_and_harm_nothing),
        SHOP(who_hangs_up_or_sends_too_much_is_forgotten),
        SHOP(who_dawdles_does_not_hold_up_the_end),
        SHOP(a_store_at_rest_is_backed_up_too),
        SHOP(what_is_not_there_is_not_backed_up),
        cmocka_unit_test(what_is_in_memory_is_not_backed_up_from_elsewhere),
        cmocka_unit_test(a_redis_is_sent_to_its_own_means),
        cmocka_unit_test(a_backup_needs_a_file),
    };

    return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
