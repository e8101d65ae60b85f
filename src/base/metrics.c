/* SPDX-License-Identifier: MIT */
/* Each counter is written by one thread only: a relaxed load and store, which avoid the cost of a
 * locked instruction. */
#include "discount/metrics.h"

#include <assert.h>

const int metrics_codes[METRICS_CODES] = {200, 201, 204, 304, 400, 404, 405, 409, 410,
                                          413, 414, 415, 422, 431, 500, 501, 503, 599};
const uint64_t metrics_bounds_us[METRICS_BOUNDS] = {250,   500,   1000,   2500,   5000,    10000,
                                                    25000, 50000, 100000, 250000, 1000000, 2500000};

struct metrics *metrics_join(struct metrics_board *board)
{
    assert(board->joined < board->count);
    return &board->workers[board->joined++];
}

static void add(atomic_uint_least64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static size_t code_index(int code)
{
    size_t i = 0;

    while (i < METRICS_CODES - 1 && metrics_codes[i] != code) {
        i++;
    }
    return i;
}

static size_t bound_index(uint64_t duration_us)
{
    size_t i = 0;

    while (i < METRICS_BOUNDS && duration_us > metrics_bounds_us[i]) {
        i++;
    }
    return i;
}

void metrics_response(struct metrics *metrics, size_t route, int code, uint64_t duration_us)
{
    assert(route < METRICS_ROUTES);
    add(&metrics->responses[route][code_index(code)], 1);
    add(&metrics->durations[bound_index(duration_us)], 1);
    add(&metrics->duration_sum_us, duration_us);
}

void metrics_problem(struct metrics *metrics, enum status status)
{
    add(&metrics->problems[status], 1);
}

void metrics_count(struct metrics *metrics, enum metric counter)
{
    add(&metrics->numbers[counter], 1);
}

void metrics_set(struct metrics *metrics, enum metric gauge, uint64_t value)
{
    atomic_store_explicit(&metrics->numbers[gauge], value, memory_order_relaxed);
}
