/* SPDX-License-Identifier: MIT */
#include "support/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

static FILE *proc_open(pid_t pid, const char *name, const char *mode)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

bool usage_is_plain(void)
{
    return strstr(getenv("DISCOUNTD"), "san/") == NULL;
}

long usage_memory_kib(pid_t pid, const char *name)
{
    FILE *file = proc_open(pid, "status", "r");
    char line[256];
    long kib = -1;

    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtol(line + strlen(name), NULL, 10);
        }
    }
    fclose(file);
    assert_true(kib > 0);
    return kib;
}

void usage_peak_forget(pid_t pid)
{
    FILE *file = proc_open(pid, "clear_refs", "w");

    assert_true(fputs("5", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

unsigned usage_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *at; (at = readdir(directory)) != NULL;) {
        count += at->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

unsigned usage_listeners(int port)
{
    FILE *file = proc_open(getpid(), "net/tcp", "r");
    unsigned count = 0, found_port, state;
    char line[256];

    while (fgets(line, sizeof(line), file) != NULL) {
        /* 10 is TCP_LISTEN. */
        count += sscanf(line, "%*d: %*x:%x %*x:%*x %x", &found_port, &state) == 2 &&
                 found_port == (unsigned)port && state == 10;
    }
    fclose(file);
    return count;
}

int64_t usage_cpu_ms(pid_t pid)
{
    FILE *file = proc_open(pid, "stat", "r");
    long user, system;
    int found;

    /* Fields 14 and 15 of proc(5). They follow the name, which has no blank here. */
    found =
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
    fclose(file);
    assert_int_equal(found, 2);
    return (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}
