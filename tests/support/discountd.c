/* SPDX-License-Identifier: MIT */
#include "support/discountd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/loopback.h"
#include "support/process.h"
#include "support/test.h"

#define VARIABLES 256
#define ADDRESS " on http://127.0.0.1:"

extern char **environ;

struct discountd {
    struct discountd *next; /* next in `running` */
    pid_t pid;              /* 0: it has ended */
    int status;             /* wait status, after it has ended */
    int output;             /* a file in memory; the child writes its output there */
    int port;               /* 0: not yet known */
    char *log;              /* owned; the output as last read */
};

/* The services that are not stopped yet. They are killed if a test ends before it stops its own. */
static struct discountd *running;

/* ---- Start and stop ---- */

static void environment_make(const char *const *variables, char *ret_environment[VARIABLES])
{
    static char listen[] = "DISCOUNT_LISTEN=127.0.0.1:0";
    size_t count = 0;

    for (char **at = environ; *at != NULL; at++) {
        if (strncmp(*at, "DISCOUNT_", strlen("DISCOUNT_")) != 0) {
            assert_true(count + 1 < VARIABLES);
            ret_environment[count++] = *at;
        }
    }
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++) {
        assert_true(count + 2 < VARIABLES);
        ret_environment[count] = strdup(variables[i]);
        assert_non_null(ret_environment[count]);
        count++;
    }
    ret_environment[count++] = listen;
    ret_environment[count] = NULL;
}

static void environment_free(const char *const *variables, char *environment[VARIABLES])
{
    size_t given = 0, count = 0;

    while (variables != NULL && variables[given] != NULL) {
        given++;
    }
    while (environment[count] != NULL) {
        count++;
    }
    for (size_t i = 0; i < given; i++) {
        free(environment[count - 2 - i]);
    }
}

static void dispose_all(void)
{
    while (running != NULL) {
        discountd_stop(running);
    }
}

struct discountd *discountd_launch(const char *const *variables)
{
    static bool is_registered;
    static char name[] = "discountd";
    struct discountd *service = calloc(1, sizeof(*service));
    const char *path = getenv("DISCOUNTD");
    char *arguments[] = {name, NULL};
    char *environment[VARIABLES];

    if (path == NULL) {
        fail_msg("the environment variable DISCOUNTD must name the binary");
    }
    assert_non_null(service);
    if (!is_registered) {
        assert_int_equal(atexit(dispose_all), 0);
        is_registered = true;
    }
    service->output = memfd_create("discountd.log", MFD_CLOEXEC);
    assert_true(service->output >= 0);
    service->next = running;
    running = service;
    environment_make(variables, environment);
    service->pid = process_start(path, arguments, environment, service->output);
    environment_free(variables, environment);
    assert_true(service->pid > 0);
    return service;
}

void discountd_stop(struct discountd *service)
{
    if (service == NULL) {
        return;
    }
    for (struct discountd **at = &running; *at != NULL; at = &(*at)->next) {
        if (*at == service) {
            *at = service->next;
            break;
        }
    }
    if (service->pid > 0) {
        process_kill(service->pid);
    }
    close(service->output);
    free(service->log);
    free(service);
}

/* ---- State ---- */

static bool accepts(void *argument)
{
    const struct discountd *service = argument;
    int fd = loopback_connect(service->port);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

struct discountd *discountd_start(const char *const *variables)
{
    struct discountd *service = discountd_launch(variables);

    discountd_port(service);
    if (!clock_wait(accepts, service, CLOCK_PATIENCE_MS)) {
        fail_msg("discountd accepts no connections; its log:\n%s", discountd_log(service));
    }
    return service;
}

int discountd_port(struct discountd *service)
{
    if (service->port == 0) {
        const char *at;

        if (!discountd_log_wait(service, ADDRESS, CLOCK_PATIENCE_MS)) {
            fail_msg("discountd does not start; its log:\n%s", discountd_log(service));
        }
        at = strstr(discountd_log(service), ADDRESS);
        service->port = at == NULL ? 0 : atoi(at + strlen(ADDRESS));
    }
    return service->port;
}

pid_t discountd_pid(const struct discountd *service)
{
    return service->pid;
}

void discountd_signal(struct discountd *service, int number)
{
    assert_int_equal(kill(service->pid, number), 0);
}

bool discountd_wait_exit(struct discountd *service, int64_t within_ms, int *ret_status)
{
    if (service->pid > 0) {
        if (!process_wait(service->pid, within_ms, &service->status)) {
            return false;
        }
        service->pid = 0;
    }
    *ret_status = service->status;
    return true;
}

/* ---- Its log ---- */

const char *discountd_log(struct discountd *service)
{
    struct stat about;
    ssize_t n;

    assert_int_equal(fstat(service->output, &about), 0);
    free(service->log);
    service->log = calloc(1, (size_t)about.st_size + 1);
    assert_non_null(service->log);
    n = pread(service->output, service->log, (size_t)about.st_size, 0);
    assert_true(n >= 0);
    return service->log;
}

struct log_search {
    struct discountd *service;
    const char *text;
};

/* Returns whether the text is in the log, or will never be: a process that has ended writes no
 * more. */
static bool has_logged(void *argument)
{
    struct log_search *search = argument;
    int status;
    bool is_over = discountd_wait_exit(search->service, 0, &status);

    return strstr(discountd_log(search->service), search->text) != NULL || is_over;
}

bool discountd_log_wait(struct discountd *service, const char *text, int64_t within_ms)
{
    struct log_search search = {service, text};

    return clock_wait(has_logged, &search, within_ms) &&
           strstr(discountd_log(service), text) != NULL;
}
