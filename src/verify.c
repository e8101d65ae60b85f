/* SPDX-License-Identifier: MIT */
/* In: an engine. Out: lines, and an exit code.
 *
 * A file that a process serves from is locked for everybody else. That process is asked for a copy,
 * which comes to lie in a directory of its own beside the file, where there is room or nowhere; it
 * is verified in the file's place and goes away at the end, also when a signal ends the command. */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "progress.h"

#define EXIT_FAULTS 1
#define EXIT_NOT_LOOKED 2
/* More faults than a person reads are only counted. */
#define MOST_TOLD 1000

/* ---- What is told ---- */

/* The two ends of an audit: what it calls back, and where it is shown. */
struct report {
    struct progress progress;
    uint64_t told;
};

static bool report_progress(void *argument, uint64_t done, uint64_t total)
{
    struct report *report = argument;

    return progress_show(&report->progress, done, total);
}

/* Both may go to the same terminal, so the one line leaves before the other comes. */
static void report_fault(void *argument, const char *text)
{
    struct report *report = argument;

    if (report->told > MOST_TOLD) {
        return;
    }
    progress_end(&report->progress);
    puts(report->told < MOST_TOLD ? text : "more faults are counted and not told");
    fflush(stdout);
    report->told++;
}

static int complain(const char *fault)
{
    fprintf(stderr, "discountd: %s\n", fault);
    return EXIT_NOT_LOOKED;
}

static const char *plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

/* A sum is told of the whole only. */
static int sum_up(const struct store_audit *audit)
{
    printf("%" PRIu64 " discount%s, %" PRIu64 " grant%s: ", audit->discounts,
           plural(audit->discounts), audit->grants, plural(audit->grants));
    if (audit->faults == 0) {
        puts("no fault");
    } else {
        printf("%" PRIu64 " fault%s\n", audit->faults, plural(audit->faults));
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return complain("standard output takes no more");
    }
    return audit->faults == 0 ? EXIT_SUCCESS : EXIT_FAULTS;
}

static int look_at(struct store_engine *engine)
{
    struct report report = {.told = 0};
    struct store_audit audit = {
        .argument = &report, .progress = report_progress, .found = report_fault};
    char fault[STORE_FAULT];
    bool is_whole;

    progress_init(&report.progress, "verify");
    is_whole = store_engine_verify(engine, &audit, fault);
    progress_end(&report.progress);
    return is_whole ? sum_up(&audit) : complain(fault);
}

/* ---- The copy ---- */

/* What a URL needs in front of the path, and what SQLite and a backup put behind it. */
#define SCHEME "sqlite:"

struct copy {
    char directory[PATH_MAX];
    char url[sizeof(SCHEME) + PATH_MAX + 8];
    const char *path; /* in url */
    sigset_t signals; /* what would end the command */
    pthread_t watch;
};

/* Whatever of it is there: what a backup that was cut short left, SQLite's log, and last the copy,
 * because a backup that is not cut short yet may give it its name at this moment. */
static void copy_remove(const struct copy *copy)
{
    static const char *const endings[] = {"-partial-journal", "-partial", "-journal", "-wal", ""};
    char path[PATH_MAX + 32];

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", copy->path, endings[i]);
        unlink(path);
    }
    rmdir(copy->directory);
}

/* A thread that waits for the signal. The command is in the middle of something then, which the end
 * of the process ends. */
static void *watch(void *argument)
{
    const struct copy *copy = argument;
    int number = 0;

    if (sigwait(&copy->signals, &number) != 0) {
        return NULL;
    }
    copy_remove(copy);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &copy->signals, NULL);
    raise(number);
    return NULL;
}

/* What an operator ends a command with, unless it is ignored (nohup), is the watch's from now on.
 */
static void signals_block(struct copy *copy)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};

    sigemptyset(&copy->signals);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action;

        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(&copy->signals, numbers[i]);
        }
    }
    pthread_sigmask(SIG_BLOCK, &copy->signals, NULL);
}

/* Where the file lies, links resolved. */
static bool place_of(const char *control_path, char ret_place[PATH_MAX])
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s", control_path) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return realpath(dirname(path), ret_place) != NULL;
}

/* Who serves writes the copy: where root verifies, the directory becomes that of whom the place
 * belongs to. */
static bool directory_give(const char *place, const char *directory)
{
    struct stat about;
    bool is_given;
    int fd;

    if (geteuid() != 0) {
        return true;
    }
    /* By descriptor: the place's owner could put a link there meanwhile. */
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    is_given = fd >= 0 && stat(place, &about) == 0 && fchown(fd, about.st_uid, about.st_gid) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_given;
}

/* Makes the directory, for this user only and with nothing in it, and the names of what will be
 * there. False with errno. */
static bool directory_make(const char *control_path, struct copy *copy)
{
    char place[PATH_MAX];

    if (!place_of(control_path, place)) {
        return false;
    }
    if (snprintf(copy->directory, sizeof(copy->directory), "%s/verify-XXXXXX", place) >=
        (int)sizeof(copy->directory)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return mkdtemp(copy->directory) != NULL && directory_give(place, copy->directory);
}

static bool copy_init(const char *control_path, struct copy *copy)
{
    int code;

    signals_block(copy);
    if (!directory_make(control_path, copy)) {
        return false;
    }
    snprintf(copy->url, sizeof(copy->url), SCHEME "%s/copy", copy->directory);
    copy->path = copy->url + sizeof(SCHEME) - 1;
    code = pthread_create(&copy->watch, NULL, watch, copy);
    if (code != 0) {
        copy_remove(copy);
        errno = code;
    }
    return code == 0;
}

static void copy_fini(struct copy *copy)
{
    pthread_cancel(copy->watch);
    pthread_join(copy->watch, NULL);
    copy_remove(copy);
}

static enum control_answer copy_ask(const char *control_path, const struct copy *copy,
                                    char ret_fault[STORE_FAULT])
{
    struct progress progress;
    enum control_answer answer;

    progress_init(&progress, "copy");
    answer = control_backup(control_path, copy->path, progress_show, &progress, ret_fault);
    progress_end(&progress);
    return answer;
}

static int look_at_copy(const struct copy *copy)
{
    const char *fault = "";
    struct store_engine *engine = store_engine_open(copy->url, &fault);
    int code;

    if (engine == NULL) {
        return complain(fault);
    }
    code = look_at(engine);
    store_engine_close(engine);
    return code;
}

/* In a copy if a process serves from it, else itself. */
static int look_at_file(struct store_engine *engine, const char *control_path)
{
    char fault[STORE_FAULT];
    struct copy copy;
    int code = EXIT_NOT_LOOKED;

    if (!copy_init(control_path, &copy)) {
        snprintf(fault, sizeof(fault), "no copy beside %s: %s", control_path, strerror(errno));
        return complain(fault);
    }
    switch (copy_ask(control_path, &copy, fault)) {
    case CONTROL_DONE:
        code = look_at_copy(&copy);
        break;
    case CONTROL_NOBODY:
        code = look_at(engine);
        break;
    case CONTROL_FAILED:
        code = complain(fault);
        break;
    }
    copy_fini(&copy);
    return code;
}

int verify(const struct config *config, struct store_engine *engine)
{
    const char *control_path = store_engine_control_path(engine);

    log_set_level(config->log_level);
    /* Whoever reads the faults may have read enough; the copy is to go away nevertheless. */
    signal(SIGPIPE, SIG_IGN);
    return control_path == NULL ? look_at(engine) : look_at_file(engine, control_path);
}
