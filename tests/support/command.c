/* SPDX-License-Identifier: MIT */
#include "support/command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/process.h"
#include "support/test.h"

#define MOST 16

/* Copies texts to ret_copies from index `at` on, and ends them with NULL. */
static void copy(const char *const *texts, char *ret_copies[MOST], size_t at)
{
    for (; texts != NULL && *texts != NULL; texts++) {
        assert_true(at + 1 < MOST);
        ret_copies[at++] = strdup(*texts);
    }
    ret_copies[at] = NULL;
}

static void drop(char *copies[MOST])
{
    for (size_t i = 0; copies[i] != NULL; i++) {
        free(copies[i]);
    }
}

int command_run(const char *const *arguments, const char *const *variables,
                char ret_output[COMMAND_OUTPUT])
{
    char *all[MOST] = {strdup(getenv("DISCOUNTD"))}, *environment[MOST];
    int output = memfd_create("output", MFD_CLOEXEC), status = 0;
    ssize_t n;
    pid_t pid;

    copy(arguments, all, 1);
    copy(variables, environment, 0);
    pid = process_start(all[0], all, environment, output);
    assert_true(pid > 0);
    assert_true(process_wait(pid, CLOCK_PATIENCE_MS, &status));
    assert_true(WIFEXITED(status));
    n = pread(output, ret_output, COMMAND_OUTPUT - 1, 0);
    ret_output[n < 0 ? 0 : n] = '\0';
    close(output);
    drop(all);
    drop(environment);
    return WEXITSTATUS(status);
}
