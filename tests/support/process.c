/* SPDX-License-Identifier: MIT */
#include "support/process.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"

#define EXIT_NO_PROGRAM 127

/* Descriptor limit of processes started from now on; 0: no limit of their own. */
static unsigned most_descriptors;

struct child {
    pid_t pid;
    int status;
};

/* Ties a child to its parent and redirects its output. It runs right after fork, when other threads
 * may have held locks. So it may only do what is safe in a signal handler. */
static bool settle(int output, pid_t parent)
{
    /* The parent may have died before prctl was called. */
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
           dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0;
}

static bool limit_descriptors(void)
{
    const struct rlimit limit = {most_descriptors, most_descriptors};

    return most_descriptors == 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

pid_t process_start(const char *path, char *const *arguments, char *const *environment, int output)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        if (settle(output, parent) && limit_descriptors()) {
            execve(path, arguments, environment);
        }
        _exit(EXIT_NO_PROGRAM);
    }
    return pid;
}

pid_t process_fork(void (*run)(void *argument), void *argument, int output)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        if (!settle(output, parent)) {
            _exit(EXIT_NO_PROGRAM);
        }
        run(argument);
        _exit(EXIT_SUCCESS);
    }
    return pid;
}

static bool has_ended(void *argument)
{
    struct child *child = argument;

    return waitpid(child->pid, &child->status, WNOHANG) == child->pid;
}

void process_limit_descriptors(unsigned most)
{
    most_descriptors = most;
}

bool process_wait(pid_t pid, int64_t within_ms, int *ret_status)
{
    struct child child = {.pid = pid};

    if (!clock_wait(has_ended, &child, within_ms)) {
        return false;
    }
    *ret_status = child.status;
    return true;
}

void process_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
