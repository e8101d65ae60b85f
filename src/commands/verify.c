/* SPDX-License-Identifier: MIT */
/* Prints the findings of an audit, and returns the exit code.
 *
 * A process that serves a file locks it for all others. That process is asked for a copy, in a
 * directory of its own (copy_directory.h). The copy is verified instead of the file, and removed at
 * the end, also if a signal ends the command. */
#include "commands/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interruption.h"
#include "base/progress.h"
#include "commands/copy_directory.h"
#include "control/client.h"

#define EXIT_FINDINGS 1
#define EXIT_NOT_LOOKED 2
/* Findings beyond this number are only counted: nobody reads more. */
#define REPORTED_MAX 1000

/* ---- The report ---- */

/* An audit in progress: the callbacks and where they print. */
struct report {
    struct progress progress;
    uint64_t reported;
};

static bool report_progress(void *argument, uint64_t done, uint64_t total)
{
    struct report *report = argument;

    return progress_show(&report->progress, done, total);
}

/* stdout and stderr may be the same terminal, so this line is flushed before the next is printed.
 * */
static void report_finding(void *argument, const char *text)
{
    struct report *report = argument;

    if (report->reported > REPORTED_MAX) {
        return;
    }
    progress_end(&report->progress);
    puts(report->reported < REPORTED_MAX ? text : "more findings are counted and not shown");
    fflush(stdout);
    report->reported++;
}

static int complain(const char *error)
{
    fprintf(stderr, "discountd: %s\n", error);
    return EXIT_NOT_LOOKED;
}

static const char *plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

/* Prints the summary, but only if the whole store was verified. */
static int sum_up(const struct store_audit *audit)
{
    printf("%" PRIu64 " discount%s, %" PRIu64 " grant%s: ", audit->discounts,
           plural(audit->discounts), audit->grants, plural(audit->grants));
    if (audit->findings == 0) {
        puts("no findings");
    } else {
        printf("%" PRIu64 " finding%s\n", audit->findings, plural(audit->findings));
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return complain("standard output takes no more");
    }
    return audit->findings == 0 ? EXIT_SUCCESS : EXIT_FINDINGS;
}

static int look_at(struct store_engine *engine)
{
    struct report report = {.reported = 0};
    struct store_audit audit = {
        .argument = &report, .progress = report_progress, .found = report_finding};
    char error[STORE_ERROR_SIZE];
    bool is_whole;

    progress_init(&report.progress, "verify");
    is_whole = store_engine_verify(engine, &audit, error);
    progress_end(&report.progress);
    return is_whole ? sum_up(&audit) : complain(error);
}

/* ---- The copy ---- */

/* The URL is this and the path. */
#define SCHEME "sqlite:"

struct copy {
    struct copy_directory directory;
    char url[sizeof(SCHEME) + PATH_MAX + sizeof(COPY_NAME)];
    const char *path; /* within url */
    sigset_t signals; /* the signals that end the command */
    pthread_t watch;
};

/* A thread that waits for a signal. The main thread is busy then; the end of the process stops it.
 * */
static void *watch(void *argument)
{
    const struct copy *copy = argument;
    int number = 0;

    if (sigwait(&copy->signals, &number) != 0) {
        return NULL;
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE,
                           NULL); /* the process ends, whatever the command is doing */
    copy_directory_remove(&copy->directory);
    interruption_die(&copy->signals, number);
    return NULL;
}

/* Returns false with errno. */
static bool copy_init(const char *control_path, const struct control_peer *peer, struct copy *copy)
{
    int code;

    interruption_block(&copy->signals);
    if (!copy_directory_make(control_path, peer, &copy->directory)) {
        return false;
    }
    snprintf(copy->url, sizeof(copy->url), SCHEME "%s/" COPY_NAME, copy->directory.path);
    copy->path = copy->url + sizeof(SCHEME) - 1;
    code = pthread_create(&copy->watch, NULL, watch, copy);
    if (code != 0) {
        copy_directory_remove(&copy->directory);
        errno = code;
    }
    return code == 0;
}

static void copy_fini(struct copy *copy)
{
    pthread_cancel(copy->watch);
    pthread_join(copy->watch, NULL);
    copy_directory_remove(&copy->directory);
}

static bool copy_ask(const struct control_peer *peer, const struct copy *copy,
                     char ret_error[STORE_ERROR_SIZE])
{
    struct progress progress;
    bool is_made;

    progress_init(&progress, "copy");
    is_made = control_client_backup(peer, copy->path, progress_show, &progress, ret_error);
    progress_end(&progress);
    return is_made;
}

static int look_at_copy(const struct copy *copy)
{
    const char *error = "";
    struct store_engine *engine = store_engine_open(copy->url, &error);
    int code;

    if (engine == NULL) {
        return complain(error);
    }
    code = look_at(engine);
    store_engine_close(engine);
    return code;
}

static int look_at_served(const char *control_path, const struct control_peer *peer)
{
    char error[STORE_ERROR_SIZE];
    struct copy copy;
    int code;

    if (!copy_init(control_path, peer, &copy)) {
        snprintf(error, sizeof(error), "no copy beside %s: %s", control_path, strerror(errno));
        return complain(error);
    }
    code = copy_ask(peer, &copy, error) ? look_at_copy(&copy) : complain(error);
    copy_fini(&copy);
    return code;
}

/* Verifies a copy if a process serves the file, else the file itself: its directory may be
 * read-only. */
static int look_at_file(struct store_engine *engine, const char *control_path)
{
    char error[STORE_ERROR_SIZE];
    struct control_peer peer;
    int code = EXIT_NOT_LOOKED;

    copy_directory_remove_leftovers(control_path);
    switch (control_client_connect(control_path, &peer, error)) {
    case CONTROL_THERE:
        code = look_at_served(control_path, &peer);
        control_client_hang_up(&peer);
        break;
    case CONTROL_NOBODY:
        code = look_at(engine);
        break;
    case CONTROL_UNTRUSTED:
        code = complain(error);
        break;
    }
    return code;
}

int command_verify(const struct config *config, struct store_engine *engine)
{
    const char *control_path = store_engine_control_path(engine);

    log_set_level(config->log_level);
    return control_path == NULL ? look_at(engine) : look_at_file(engine, control_path);
}
