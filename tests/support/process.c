/* SPDX-License-Identifier: MIT */
#include "support/process.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"

#define EXIT_NO_PROGRAM 127

struct child {
    pid_t pid;
    int status;
};

/* After fork, where other threads may have held locks: only what is safe in a signal handler. */
static _Noreturn void become(const char *path, char *const *arguments, char *const *environment,
                             int output, pid_t parent)
{
    int bad = prctl(PR_SET_PDEATHSIG, SIGKILL);

    /* The parent may have died before it was asked for. */
    if (bad == 0 && getppid() == parent && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0) {
        execve(path, arguments, environment);
    }
    _exit(EXIT_NO_PROGRAM);
}

pid_t process_start(const char *path, char *const *arguments, char *const *environment, int output)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        become(path, arguments, environment, output, parent);
    }
    return pid;
}

static bool has_ended(void *argument)
{
    struct child *child = argument;

    return waitpid(child->pid, &child->status, WNOHANG) == child->pid;
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
