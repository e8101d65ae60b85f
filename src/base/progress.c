/* SPDX-License-Identifier: MIT */
/* "verify: 42 % (1,234,567 of 2,900,000)". */
#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS 100
/* Return to the beginning of the line, and clear the line after the cursor. */
#define BEGIN "\r"
#define CLEAR "\x1b[K"

static int64_t now_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A progress line that cannot be written is not missed. */
static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return;
    }
}

void progress_number(uint64_t number, char ret_text[PROGRESS_NUMBER])
{
    char digits[PROGRESS_NUMBER];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    char *at = ret_text;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
}

void progress_init(struct progress *progress, const char *label)
{
    *progress = (struct progress){.label = label, .is_terminal = isatty(STDERR_FILENO) == 1};
}

/* Rounds the percentage down, so that 100 means done. */
static void show(const struct progress *progress, uint64_t done, uint64_t total)
{
    char done_text[PROGRESS_NUMBER], total_text[PROGRESS_NUMBER], line[160];

    progress_number(done, done_text);
    progress_number(total, total_text);
    if (total == 0) {
        snprintf(line, sizeof(line), BEGIN "%s: %s" CLEAR, progress->label, done_text);
    } else {
        snprintf(line, sizeof(line), BEGIN "%s: %d %% (%s of %s)" CLEAR, progress->label,
                 (int)(100.0 * (double)done / (double)total), done_text, total_text);
    }
    put(line);
}

bool progress_show(void *argument, uint64_t done, uint64_t total)
{
    struct progress *progress = argument;
    int64_t now = now_ms();

    if (progress->is_terminal &&
        (progress->shown_ms == 0 || now - progress->shown_ms >= INTERVAL_MS)) {
        show(progress, done, total);
        progress->is_shown = true;
        progress->shown_ms = now;
    }
    return true;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown) {
        put(BEGIN CLEAR);
        progress->is_shown = false;
    }
}
