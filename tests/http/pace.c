/* SPDX-License-Identifier: MIT */
#include "http/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/raw_http.h"
#include "support/test.h"
#include "support/usage.h"

int64_t pace_now_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void pace_note(struct pace *pace, int64_t took_us)
{
    assert_true(pace->count < PACE_MOST);
    pace->took_us[pace->count++] = took_us;
}

void pace_request(struct pace *pace, int port)
{
    int64_t begin_us = pace_now_us();
    struct http_response response;

    assert_true(http_request(port, "GET", "/healthy", NULL, NULL, &response));
    pace_note(pace, pace_now_us() - begin_us);
    assert_int_equal(response.status, 200);
    http_response_fini(&response);
}

void pace_requests(struct pace *pace, int port, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pace_request(pace, port);
    }
}

static int by_size(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

int64_t pace_median_us(struct pace *pace)
{
    assert_true(pace->count > 0);
    qsort(pace->took_us, pace->count, sizeof(pace->took_us[0]), by_size);
    return pace->took_us[pace->count / 2];
}

void pace_assert(struct pace *pace, const char *what, int64_t most_us)
{
    int64_t median_us = pace_median_us(pace);

    fprintf(stderr, "%s: median %ld us, most %ld us of %zu\n", what, (long)median_us,
            (long)pace->took_us[pace->count - 1], pace->count);
    assert_true(median_us < (usage_is_plain() ? most_us : 10 * most_us));
}
