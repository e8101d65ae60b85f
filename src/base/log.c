/* SPDX-License-Identifier: MIT */
/* "2026-01-02T03:04:05.678901Z info  text" on stderr. */
#include "discount/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "discount/timestamp.h"

#define LINE_SIZE 1000

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static enum log_level least_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    least_level = level;
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static int64_t now_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void write_line(enum log_level level, const char *format, va_list arguments)
{
    char line[LINE_SIZE], when[TIMESTAMP_SIZE];
    size_t used;
    int written;

    timestamp_format(now_us(), when);
    used = (size_t)snprintf(line, sizeof(line), "%s %-7s ", when, level_names[level]);
    written = vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
    if (written < 0) {
        return;
    }
    used += (size_t)written < sizeof(line) - used - 1 ? (size_t)written : sizeof(line) - used - 2;
    line[used++] = '\n';
    /* A log that cannot be written (closed pipe, full disk) must not stop the service. */
    if (write(STDERR_FILENO, line, used) < 0) {
        return;
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list arguments;

    if (level < least_level) {
        return;
    }
    va_start(arguments, format);
    write_line(level, format, arguments);
    va_end(arguments);
}

void log_announce(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    write_line(LOG_INFO, format, arguments);
    va_end(arguments);
}
