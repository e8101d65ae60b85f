/* SPDX-License-Identifier: MIT */
/* Backups as an operator makes and restores them, both while the service runs and while it does
 * not. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/service.h"
#include "support/command.h"
#include "support/directory.h"
#include "support/process.h"

/* A copy of BULK discounts takes several steps. */
enum { STOCK = 1000000, BALLAST = 3000, BULK = 9000 };

struct shop {
    struct directory directory;
    struct service service; /* its `redis` stays NULL */
    char store[128];
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

/* Starts the shop for the first time, with one discount. */
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

static void verify_well(const struct shop *shop, const char *name)
{
    char store[128], output[COMMAND_OUTPUT];

    snprintf(store, sizeof(store), "DISCOUNT_STORE=sqlite:%s/%s", shop->directory.path, name);
    if (command_run((const char *[]){"verify", NULL}, (const char *[]){store, NULL}, output) != 0) {
        fail_msg("%s is not sound: %s", name, output);
    }
}

/* Makes a file with this text. */
static void put_file(const struct shop *shop, const char *name, const char *words, mode_t mode)
{
    char path[96];
    int fd;

    path_in(shop, name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, words, strlen(words)), strlen(words));
    close(fd);
}

/* Stops the shop, and fills its store. */
static void fill_shop(struct shop *shop)
{
    shop->service.directory = shop->directory;
    snprintf(shop->service.store, sizeof(shop->service.store), "%s", shop->store);
    service_fill(&shop->service, BULK);
}

/* Returns whether a user holds the shop's discount. */
static bool holds(const struct shop *shop, const char *user)
{
    char target[128];

    snprintf(target, sizeof(target), "/discount/%s/grant?user_id=%s", shop->id, user);
    return service_status(&shop->service, "GET", target, NULL, NULL) == 200;
}

/* Starts the shop on a backup alone. */
static void restore(struct shop *shop, const char *name)
{
    char store[128];

    kill_shop(shop);
    snprintf(store, sizeof(store), "DISCOUNT_STORE=sqlite:%s/%s", shop->directory.path, name);
    open_shop(shop, store);
}

/* ---- While the service runs ---- */

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

/* Inserts so much that a copy takes many steps, with grants in between. */
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
    verify_well(shop, "copy.db");
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

/* SQLite would take them for files of the copy when it is opened. */
static void what_lies_beside_the_name_is_an_obstacle(void **state)
{
    static const char *const endings[] = {"-wal", "-journal", "-partial"};
    struct shop *shop = *state;

    open_first(shop);
    for (size_t i = 0; i < 3; i++) {
        char output[COMMAND_OUTPUT], name[32], path[96];
        FILE *file;

        snprintf(name, sizeof(name), "copy-%zu.db%s", i, endings[i]);
        put_file(shop, name, "somebody's", 0644);
        path_in(shop, name, path);
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

/* ---- Clients of the socket that break its protocol ---- */

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
        /* The server may close before everything is sent. */
        if (send(fd, flood, sizeof(flood), MSG_NOSIGNAL) < 0) {
            assert_true(true);
        }
        close(fd);
    }
    back_up_well(shop, "copy.db");
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
}

struct dawdler {
    pthread_t thread;
    int fd;
    bool is_cut_off;
};

/* Sends a byte now and then until the server closes. */
static void *dawdle(void *argument)
{
    struct dawdler *dawdler = argument;
    struct pollfd hang_up = {.fd = dawdler->fd, .events = POLLIN};
    int64_t until_ms = clock_ms() + 3 * CLOCK_PATIENCE_MS;

    while (poll(&hang_up, 1, 100) == 0 && clock_ms() < until_ms) {
        if (send(dawdler->fd, "b", 1, MSG_NOSIGNAL) != 1) {
            break;
        }
    }
    dawdler->is_cut_off = clock_ms() < until_ms;
    return NULL;
}

static void who_dawdles_holds_up_others_for_seconds_only(void **state)
{
    struct shop *shop = *state;
    struct dawdler dawdler = {.fd = -1};

    open_first(shop);
    dawdler.fd = connect_to_control(shop);
    assert_int_equal(pthread_create(&dawdler.thread, NULL, dawdle, &dawdler), 0);
    back_up_well(shop, "copy.db");
    assert_int_equal(pthread_join(dawdler.thread, NULL), 0);
    assert_true(dawdler.is_cut_off);
    close(dawdler.fd);
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
    /* A slow client is given ten seconds, which this must not take. */
    assert_true(clock_ms() - began_ms < 9000);
    close(fd);
}

/* ---- Names ---- */

static void refused(const struct shop *shop, const char *name, const char *why)
{
    char output[COMMAND_OUTPUT];

    assert_int_equal(back_up(shop, name, output), 1);
    if (strstr(output, why) == NULL) {
        fail_msg("%s is refused with other words than \"%s\": %s", name, why, output);
    }
}

static void a_name_that_belongs_to_the_store_is_refused(void **state)
{
    static const char *const endings[] = {"-control", "-journal", "-shm", "-wal"};
    struct shop *shop = *state;
    char link[96], name[96];

    path_in(shop, "linked", link);
    assert_int_equal(symlink(shop->directory.path, link), 0);
    open_first(shop);
    for (int is_served = 1; is_served >= 0; is_served--) {
        for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
            snprintf(name, sizeof(name), "discount.db%s", endings[i]);
            refused(shop, name, "belongs to the store");
            snprintf(name, sizeof(name), "linked/discount.db%s", endings[i]);
            refused(shop, name, "belongs to the store");
        }
        if (is_served) {
            int status = 0;

            discountd_signal(shop->service.daemon, SIGTERM);
            assert_true(discountd_wait_exit(shop->service.daemon, CLOCK_PATIENCE_MS, &status));
            kill_shop(shop);
        }
    }
    assert_false(exists(shop, "discount.db-control"));
    assert_false(exists(shop, "discount.db-journal"));
}

/* SQLite's files are beside the file, and the socket is beside the link. */
static void a_name_that_belongs_to_a_linked_store_is_refused(void **state)
{
    struct shop *shop = *state;
    char link[96];

    fill_shop(shop);
    path_in(shop, "link.db", link);
    assert_int_equal(symlink("discount.db", link), 0);
    snprintf(shop->store, sizeof(shop->store), "DISCOUNT_STORE=sqlite:%s", link);
    refused(shop, "link.db-control", "belongs to the store");
    refused(shop, "discount.db-journal", "belongs to the store");
}

/* A name that is too long for a socket's address has no socket; the error says so. */
static void a_long_name_is_no_riddle(void **state)
{
    struct shop *shop = *state;
    char store[256];

    snprintf(store, sizeof(store), "DISCOUNT_STORE=sqlite:%s/%0120d.db", shop->directory.path, 7);
    open_shop(shop, store);
    assert_true(discountd_log_wait(shop->service.daemon, "control: ", CLOCK_PATIENCE_MS));
    assert_non_null(strstr(discountd_log(shop->service.daemon), "File name too long"));
}

/* ---- Leftovers of a killed backup ---- */

/* Half a copy called `name`, as a killed backup leaves it. */
static void leave_partial(const struct shop *shop, const char *name)
{
    char partial[64], path[96];

    snprintf(partial, sizeof(partial), "%s-partial", name);
    path_in(shop, partial, path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(partial, sizeof(partial), "%s-partial/copy-partial", name);
    put_file(shop, partial, "half a copy", 0600);
}

static void what_nobody_holds_is_removed(void **state)
{
    struct shop *shop = *state;

    open_first(shop);
    leave_partial(shop, "copy.db");
    back_up_well(shop, "copy.db");
    assert_false(exists(shop, "copy.db-partial"));
    kill_shop(shop);
    leave_partial(shop, "second.db");
    back_up_well(shop, "second.db");
    assert_false(exists(shop, "second.db-partial"));
    verify_well(shop, "second.db");
}

static void what_another_backup_holds_is_left_alone(void **state)
{
    struct shop *shop = *state;
    char path[96];
    int fd;

    open_first(shop);
    leave_partial(shop, "copy.db");
    path_in(shop, "copy.db-partial", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    refused(shop, "copy.db", "another backup");
    assert_true(exists(shop, "copy.db-partial/copy-partial"));
    close(fd);
}

/* A store of an earlier version, or of another program, that has the name which a copy grows under.
 */
static void a_store_that_is_named_like_a_part_is_left_alone(void **state)
{
    struct shop *shop = *state;
    char from[96], to[96];

    open_first(shop);
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
    back_up_well(shop, "first.db");
    path_in(shop, "first.db", from);
    path_in(shop, "shop-partial", to);
    assert_int_equal(rename(from, to), 0);
    refused(shop, "shop", "-partial");
    verify_well(shop, "shop-partial");
    kill_shop(shop);
    refused(shop, "shop", "-partial");
    verify_well(shop, "shop-partial");
    assert_false(exists(shop, "shop"));
}

/* Only what is called as a copy is, alone in a directory of that mode, is one that was left. */
static void a_directory_that_no_backup_has_made_is_left_alone(void **state)
{
    static const char *const kept[] = {"a-partial/shop.db", "b-partial/copy-partial",
                                       "b-partial/shop.db", "c-partial/copy-partial"};
    struct shop *shop = *state;
    char path[96];

    open_first(shop);
    for (int i = 0; i < 3; i++) {
        char name[] = {(char)('a' + i), '-', 'p', 'a', 'r', 't', 'i', 'a', 'l', '\0'};

        path_in(shop, name, path);
        assert_int_equal(mkdir(path, i == 2 ? 0755 : 0700), 0);
        assert_int_equal(chmod(path, i == 2 ? 0755 : 0700), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        put_file(shop, kept[i], "a store", 0600);
    }
    refused(shop, "a", "no backup has made");
    refused(shop, "b", "no backup has made");
    refused(shop, "c", "no backup has made");
    for (size_t i = 0; i < 4; i++) {
        assert_true(exists(shop, kept[i]));
    }
}

/* Nobody could start on a copy of such a name, or it would be taken for something else. */
static void a_name_that_no_store_can_have_is_refused(void **state)
{
    static const char *const names[] = {"other-wal",     "other-journal",
                                        "other-shm",     "other-control",
                                        "other-partial", "other-rescued-20261201T024500Z"};
    struct shop *shop = *state;

    open_first(shop);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        refused(shop, names[i], "has a name that a store gives to its own files");
        assert_false(exists(shop, names[i]));
    }
}

/* ---- Interruptions ---- */

/* A backup without a service, and what happens to it. That is set up before the backup begins, so
 * no test depends on speed. */
struct ended {
    const struct shop *shop;
    int number;      /* a pending signal, or 0 */
    bool is_ignored; /* whether that signal is ignored, as with nohup */
    rlim_t most;     /* limit on the size of files, or 0 */
    int output, status;
};

static void run_ended(void *argument)
{
    const struct ended *ended = argument;
    const struct rlimit limit = {ended->most, ended->most};
    char store[128], path[96];
    char *arguments[] = {(char[]){"discountd"}, (char[]){"backup"}, path, NULL};
    char *environment[] = {store, NULL};
    sigset_t signals;

    snprintf(store, sizeof(store), "%s", ended->shop->store);
    path_in(ended->shop, "copy.db", path);
    sigemptyset(&signals);
    if (ended->number != 0) {
        sigaddset(&signals, ended->number);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        signal(ended->number, ended->is_ignored ? SIG_IGN : SIG_DFL);
        raise(ended->number);
    }
    if (ended->most == 0 || setrlimit(RLIMIT_FSIZE, &limit) == 0) {
        execve(getenv("DISCOUNTD"), arguments, environment);
    }
}

static void run_to_end(struct ended *ended)
{
    pid_t pid;

    ended->output = memfd_create("output", MFD_CLOEXEC);
    pid = process_fork(run_ended, ended, ended->output);
    assert_true(pid > 0);
    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &ended->status));
}

static void a_signal_at_rest_leaves_nothing(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct shop *shop = *state;

    fill_shop(shop);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct ended ended = {.shop = shop, .number = numbers[i]};

        run_to_end(&ended);
        close(ended.output);
        assert_true(WIFSIGNALED(ended.status));
        assert_int_equal(WTERMSIG(ended.status), numbers[i]);
        assert_false(exists(shop, "copy.db-partial"));
        assert_false(exists(shop, "copy.db"));
    }
}

static void a_signal_that_is_ignored_ends_nothing(void **state)
{
    struct shop *shop = *state;
    struct ended ended = {.shop = shop, .number = SIGHUP, .is_ignored = true};

    fill_shop(shop);
    run_to_end(&ended);
    close(ended.output);
    assert_true(WIFEXITED(ended.status));
    assert_int_equal(WEXITSTATUS(ended.status), 0);
    verify_well(shop, "copy.db");
}

static void a_limit_on_files_is_a_fault_and_leaves_nothing(void **state)
{
    struct shop *shop = *state;
    struct ended ended = {.shop = shop, .most = 1 << 18};
    char output[COMMAND_OUTPUT] = "";

    fill_shop(shop);
    run_to_end(&ended);
    assert_true(pread(ended.output, output, sizeof(output) - 1, 0) > 0);
    close(ended.output);
    assert_true(WIFEXITED(ended.status));
    assert_int_equal(WEXITSTATUS(ended.status), 1);
    assert_non_null(strstr(output, "no backup"));
    assert_false(exists(shop, "copy.db-partial"));
    assert_false(exists(shop, "copy.db"));
}

/* ---- Without a service, and without a store ---- */

static void a_store_at_rest_is_backed_up_too(void **state)
{
    struct shop *shop = *state;

    open_first(shop);
    assert_int_equal(service_grant(&shop->service, shop->id, "ann"), 201);
    kill_shop(shop); /* what it wrote is still in its log */
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

static void an_option_is_no_file(void **state)
{
    static const char *const options[] = {"--help", "-h", "-", "-copy.db"};
    struct shop *shop = *state;
    char output[COMMAND_OUTPUT];

    open_first(shop);
    assert_int_equal(chdir(shop->directory.path), 0);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        assert_int_equal(command_run((const char *[]){"backup", options[i], NULL},
                                     (const char *[]){shop->store, NULL}, output),
                         2);
        assert_non_null(strstr(output, "usage: discountd backup FILE"));
        assert_false(exists(shop, options[i]));
    }
    assert_int_equal(command_run((const char *[]){"backup", "./-copy.db", NULL},
                                 (const char *[]){shop->store, NULL}, output),
                     0);
    assert_true(exists(shop, "-copy.db"));
    assert_int_equal(chdir("/"), 0);
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
        SHOP(who_dawdles_holds_up_others_for_seconds_only),
        SHOP(a_name_that_belongs_to_the_store_is_refused),
        SHOP(a_name_that_belongs_to_a_linked_store_is_refused),
        SHOP(a_long_name_is_no_riddle),
        SHOP(what_nobody_holds_is_removed),
        SHOP(what_another_backup_holds_is_left_alone),
        SHOP(a_store_that_is_named_like_a_part_is_left_alone),
        SHOP(a_directory_that_no_backup_has_made_is_left_alone),
        SHOP(a_name_that_no_store_can_have_is_refused),
        SHOP(a_signal_at_rest_leaves_nothing),
        SHOP(a_signal_that_is_ignored_ends_nothing),
        SHOP(a_limit_on_files_is_a_fault_and_leaves_nothing),
        SHOP(a_store_at_rest_is_backed_up_too),
        SHOP(what_is_not_there_is_not_backed_up),
        cmocka_unit_test(what_is_in_memory_is_not_backed_up_from_elsewhere),
        cmocka_unit_test(a_redis_is_sent_to_its_own_means),
        cmocka_unit_test(a_backup_needs_a_file),
        SHOP(an_option_is_no_file),
    };

    return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
