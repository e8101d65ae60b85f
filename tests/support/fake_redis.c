/* SPDX-License-Identifier: MIT */
#include "support/fake_redis.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discount/store.h"
#include "support/clock.h"
#include "support/loopback.h"
#include "support/test.h"

#define MOST_STEPS 1024
#define INPUT_SIZE (1024 * 1024)
#define SCRIPTS (STORE_VERB_COUNT - 1) /* a ping has none */
/* The longest line with a number. */
#define NUMBER_LINE 24

struct fake_redis;

struct step {
    bool (*play)(struct fake_redis *fake, const struct step *step); /* false: the step failed */
    const char *name;
    char *bytes; /* owned, or NULL */
    size_t n;
};

struct fake_redis {
    int listener, port;
    int abandon[2]; /* a pipe; closing one end wakes the thread */
    char url[64];
    struct step steps[MOST_STEPS];
    size_t step_count;
    pthread_t thread;
    bool is_started;

    /* Shared by both threads. */
    atomic_size_t played;
    atomic_size_t resumed; /* how often the test has called fake_redis_resume */
    atomic_bool is_abandoned;

    /* Used by the thread, and by the test after the thread has ended. */
    int fd;        /* the connection, or -1 */
    size_t paused; /* how many pauses are over */
    char *input;
    size_t used;
    char fault[512]; /* the first error; "": none */
};

/* ---- Reading commands ---- */

static bool fault(struct fake_redis *fake, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fault(struct fake_redis *fake, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fake->fault, sizeof(fake->fault), format, arguments);
    va_end(arguments);
    return false;
}

/* Returns false if nothing comes in time, or if the script is abandoned. */
static bool wait_readable(const struct fake_redis *fake, int fd)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = fake->abandon[0]}};

    return poll(polled, 2, CLOCK_PATIENCE_MS) > 0 && polled[0].revents != 0;
}

/* Calls recv once. */
static bool input_more(struct fake_redis *fake)
{
    ssize_t n;

    if (fake->fd < 0 || fake->used == INPUT_SIZE || !wait_readable(fake, fake->fd)) {
        return fault(fake, "nothing came");
    }
    n = recv(fake->fd, fake->input + fake->used, INPUT_SIZE - fake->used, 0);
    if (n <= 0) {
        return fault(fake, "the client has gone");
    }
    fake->used += (size_t)n;
    return true;
}

/* Reads a line "<kind><number>\r\n" at *at, and moves *at after it. */
static bool number_take(const struct fake_redis *fake, size_t *at, char kind, size_t *ret_number)
{
    size_t left = fake->used - *at;
    const char *end = memmem(fake->input + *at, left < NUMBER_LINE ? left : NUMBER_LINE, "\r\n", 2);

    if (end == NULL || fake->input[*at] != kind) {
        return false;
    }
    *ret_number = strtoul(fake->input + *at + 1, NULL, 10);
    *at = (size_t)(end - fake->input) + 2;
    return true;
}

/* Returns whether a complete command begins at `from`; ret_end is its end. The beginning of its
 * arguments, separated by blanks, goes to `text`. */
static bool command_take(const struct fake_redis *fake, size_t from, size_t *ret_end, char *text,
                         size_t size)
{
    size_t at = from, count, n, used = 0;

    if (!number_take(fake, &at, '*', &count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!number_take(fake, &at, '$', &n) || fake->used - at < n + 2) {
            return false;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", i > 0 ? " " : "", (int)n,
                                 fake->input + at);
        used = used < size ? used : size - 1;
        at += n + 2;
    }
    *ret_end = at;
    return true;
}

static void input_drop(struct fake_redis *fake, size_t n)
{
    memmove(fake->input, fake->input + n, fake->used - n);
    fake->used -= n;
}

/* ---- The steps ---- */

static bool play_accept(struct fake_redis *fake, const struct step *step)
{
    int fd = wait_readable(fake, fake->listener) ? accept4(fake->listener, NULL, NULL, SOCK_CLOEXEC)
                                                 : -1;
    const int at_once = 1;

    (void)step;
    if (fd < 0) {
        return fault(fake, "nobody connected");
    }
    /* Each send becomes a packet at once, even the last one before a reset. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    if (fake->fd >= 0) {
        close(fake->fd);
    }
    fake->fd = fd;
    fake->used = 0;
    return true;
}

static bool play_expect(struct fake_redis *fake, const struct step *step)
{
    char text[256] = "";
    size_t end;

    while (!command_take(fake, 0, &end, text, sizeof(text))) {
        if (!input_more(fake)) {
            return false;
        }
    }
    input_drop(fake, end);
    return strncmp(text, step->bytes, step->n) == 0 || fault(fake, "\"%s\" came", text);
}

static bool play_expect_together(struct fake_redis *fake, const struct step *step)
{
    char text[64];
    size_t at = 0, count = 0;

    if (fake->used > 0) {
        return fault(fake, "something had come before");
    }
    if (!input_more(fake)) {
        return false;
    }
    while (at < fake->used && command_take(fake, at, &at, text, sizeof(text))) {
        count++;
    }
    if (at < fake->used || count != step->n) {
        return fault(fake, "%zu commands came together, %zu bytes behind them", count,
                     fake->used - at);
    }
    fake->used = 0;
    return true;
}

static bool play_expect_any(struct fake_redis *fake, const struct step *step)
{
    char text[64];
    size_t count = 0;

    for (;;) {
        size_t at = 0;

        while (count < step->n && command_take(fake, at, &at, text, sizeof(text))) {
            count++;
        }
        input_drop(fake, at);
        if (count == step->n) {
            return true;
        }
        if (!input_more(fake)) {
            return false;
        }
    }
}

static bool play_expect_bytes(struct fake_redis *fake, const struct step *step)
{
    char dropped[1024];
    size_t done = fake->used;

    if (done > 0) {
        return fault(fake, "something had come before");
    }
    while (done < step->n) {
        size_t left = step->n - done;
        ssize_t n;

        if (!wait_readable(fake, fake->fd)) {
            return fault(fake, "nothing came");
        }
        n = recv(fake->fd, dropped, left < sizeof(dropped) ? left : sizeof(dropped), 0);
        if (n <= 0) {
            return fault(fake, "the client has gone");
        }
        done += (size_t)n;
    }
    return true;
}

static bool play_send(struct fake_redis *fake, const struct step *step)
{
    size_t done = 0;

    while (done < step->n) {
        ssize_t n = send(fake->fd, step->bytes + done, step->n - done, MSG_NOSIGNAL);

        if (n < 0) {
            return fault(fake, "the client has gone");
        }
        done += (size_t)n;
    }
    return true;
}

static bool play_close(struct fake_redis *fake, const struct step *step)
{
    (void)step;
    if (shutdown(fake->fd, SHUT_WR) != 0) {
        return fault(fake, "the client has gone");
    }
    /* If bytes were unread, close would reset the connection. */
    while (recv(fake->fd, fake->input, INPUT_SIZE, MSG_DONTWAIT) > 0) {
    }
    close(fake->fd);
    fake->fd = -1;
    return true;
}

static bool play_reset(struct fake_redis *fake, const struct step *step)
{
    const struct linger at_once = {.l_onoff = 1};

    (void)step;
    setsockopt(fake->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fake->fd);
    fake->fd = -1;
    return true;
}

static bool play_wait_for_client_close(struct fake_redis *fake, const struct step *step)
{
    (void)step;
    for (;;) {
        if (!wait_readable(fake, fake->fd)) {
            return fault(fake, "the client keeps the connection");
        }
        if (recv(fake->fd, fake->input, INPUT_SIZE, 0) <= 0) {
            fake->used = 0;
            return true;
        }
    }
}

static bool is_resumed(void *argument)
{
    const struct fake_redis *fake = argument;

    return atomic_load(&fake->resumed) > fake->paused || atomic_load(&fake->is_abandoned);
}

static bool play_pause(struct fake_redis *fake, const struct step *step)
{
    (void)step;
    if (!clock_wait(is_resumed, fake, CLOCK_PATIENCE_MS)) {
        return fault(fake, "the test did not resume it");
    }
    fake->paused++;
    return true;
}

/* ---- The script ---- */

static void step_add(struct fake_redis *fake, const char *name,
                     bool (*play)(struct fake_redis *, const struct step *), const char *bytes,
                     size_t n)
{
    struct step *step = &fake->steps[fake->step_count];

    assert_true(fake->step_count < MOST_STEPS && !fake->is_started);
    *step = (struct step){.play = play, .name = name, .n = n};
    if (bytes != NULL) {
        step->bytes = malloc(n + 1);
        assert_non_null(step->bytes);
        memcpy(step->bytes, bytes, n);
        step->bytes[n] = '\0';
    }
    fake->step_count++;
}

void fake_accept(struct fake_redis *fake)
{
    step_add(fake, "accept", play_accept, NULL, 0);
}

void fake_expect(struct fake_redis *fake, const char *prefix)
{
    step_add(fake, "expect", play_expect, prefix, strlen(prefix));
}

void fake_expect_together(struct fake_redis *fake, size_t count)
{
    step_add(fake, "expect together", play_expect_together, NULL, count);
}

void fake_expect_any(struct fake_redis *fake, size_t count)
{
    step_add(fake, "expect any", play_expect_any, NULL, count);
}

void fake_expect_bytes(struct fake_redis *fake, size_t n)
{
    step_add(fake, "expect bytes", play_expect_bytes, NULL, n);
}

void fake_send(struct fake_redis *fake, const char *bytes, size_t n)
{
    step_add(fake, "send", play_send, bytes, n);
}

void fake_send_text(struct fake_redis *fake, const char *bytes)
{
    fake_send(fake, bytes, strlen(bytes));
}

void fake_close(struct fake_redis *fake)
{
    step_add(fake, "close", play_close, NULL, 0);
}

void fake_reset(struct fake_redis *fake)
{
    step_add(fake, "reset", play_reset, NULL, 0);
}

void fake_wait_for_client_close(struct fake_redis *fake)
{
    step_add(fake, "wait for the client's close", play_wait_for_client_close, NULL, 0);
}

void fake_pause(struct fake_redis *fake)
{
    step_add(fake, "pause", play_pause, NULL, 0);
}

/* What a Redis that suits the service says of itself. */
#define FIT_INFO                                                                                   \
    "redis_version:7.0.15\r\ncluster_enabled:0\r\naof_enabled:1\r\nmaxmemory:0\r\n"                \
    "maxmemory_policy:noeviction\r\nevicted_keys:0\r\n"

void fake_settings(struct fake_redis *fake, const char *info)
{
    char reply[512];

    snprintf(reply, sizeof(reply), "$%zu\r\n%s\r\n", strlen(info), info);
    fake_expect(fake, "INFO");
    fake_send_text(fake, reply);
    fake_expect(fake, "CONFIG GET appendfsync");
    fake_send_text(fake, "*2\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n");
}

void fake_login(struct fake_redis *fake, const char *login, const char *db)
{
    char command[256];

    fake_accept(fake);
    if (login != NULL) {
        snprintf(command, sizeof(command), "AUTH %s", login);
        fake_expect(fake, command);
        fake_send_text(fake, "+OK\r\n");
    }
    snprintf(command, sizeof(command), "SELECT %s", db);
    fake_expect(fake, command);
    fake_send_text(fake, "+OK\r\n");
    for (int i = 0; i < SCRIPTS; i++) {
        fake_expect(fake, "SCRIPT LOAD ");
        fake_send_text(fake, "$40\r\n0123456789012345678901234567890123456789\r\n");
    }
}

void fake_handshake(struct fake_redis *fake, const char *login, const char *db)
{
    fake_login(fake, login, db);
    fake_settings(fake, FIT_INFO);
    fake_expect(fake, "EVAL ");
    fake_send_text(fake, "*0\r\n");
}

/* ---- The play ---- */

struct fake_redis *fake_redis_new(void)
{
    struct fake_redis *fake = calloc(1, sizeof(*fake));

    assert_non_null(fake);
    fake->fd = -1;
    fake->listener = loopback_listen(&fake->port);
    assert_true(fake->listener >= 0);
    assert_int_equal(pipe2(fake->abandon, O_CLOEXEC), 0);
    fake->input = malloc(INPUT_SIZE);
    assert_non_null(fake->input);
    snprintf(fake->url, sizeof(fake->url), "redis://127.0.0.1:%d", fake->port);
    return fake;
}

const char *fake_redis_url(const struct fake_redis *fake)
{
    return fake->url;
}

int fake_redis_port(const struct fake_redis *fake)
{
    return fake->port;
}

static void *play(void *argument)
{
    struct fake_redis *fake = argument;

    for (size_t i = 0; i < fake->step_count; i++) {
        if (!fake->steps[i].play(fake, &fake->steps[i])) {
            break;
        }
        atomic_store(&fake->played, i + 1);
    }
    return NULL;
}

void fake_redis_start(struct fake_redis *fake)
{
    assert_false(fake->is_started);
    fake->is_started = pthread_create(&fake->thread, NULL, play, fake) == 0;
    assert_true(fake->is_started);
}

void fake_redis_resume(struct fake_redis *fake)
{
    atomic_fetch_add(&fake->resumed, 1);
}

size_t fake_redis_played(struct fake_redis *fake)
{
    return atomic_load(&fake->played);
}

size_t fake_redis_steps(const struct fake_redis *fake)
{
    return fake->step_count;
}

struct progress {
    struct fake_redis *fake;
    size_t steps;
};

static bool has_played(void *argument)
{
    const struct progress *progress = argument;

    return fake_redis_played(progress->fake) >= progress->steps;
}

bool fake_redis_wait_played(struct fake_redis *fake, size_t steps, int64_t within_ms)
{
    struct progress progress = {fake, steps};

    return clock_wait(has_played, &progress, within_ms);
}

static void dispose(struct fake_redis *fake)
{
    if (fake->fd >= 0) {
        close(fake->fd);
    }
    close(fake->listener);
    close(fake->abandon[0]);
    if (fake->abandon[1] >= 0) {
        close(fake->abandon[1]);
    }
    for (size_t i = 0; i < fake->step_count; i++) {
        free(fake->steps[i].bytes);
    }
    free(fake->input);
    free(fake);
}

void fake_redis_end(struct fake_redis *fake, char ret_error[FAKE_FAULT])
{
    size_t played;

    if (fake->is_started) {
        /* Every step has its own deadline, so the thread ends. */
        pthread_join(fake->thread, NULL);
    }
    played = fake_redis_played(fake);
    ret_error[0] = '\0';
    if (played < fake->step_count) {
        snprintf(ret_error, FAKE_FAULT, "step %zu, %s: %s", played + 1, fake->steps[played].name,
                 fake->fault);
    }
    dispose(fake);
}

void fake_redis_stop(struct fake_redis *fake)
{
    char why[FAKE_FAULT];

    fake_redis_end(fake, why);
    if (why[0] != '\0') {
        fail_msg("the fake Redis stopped at %s", why);
    }
}

void fake_redis_abandon(struct fake_redis *fake)
{
    if (fake == NULL) {
        return;
    }
    atomic_store(&fake->is_abandoned, true);
    close(fake->abandon[1]);
    fake->abandon[1] = -1;
    if (fake->is_started) {
        pthread_join(fake->thread, NULL);
    }
    dispose(fake);
}
