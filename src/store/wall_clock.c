/* SPDX-License-Identifier: MIT */
#include "store/wall_clock.h"

#include <time.h>

#include "discount/limits.h"
#include "discount/log.h"
#include "discount/timestamp.h"

#define US_PER_SECOND 1000000
#define LOG_MS 60000

int64_t wall_clock_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

bool wall_clock_is_right(int64_t us)
{
    return us >= LIMIT_CLOCK_FIRST_US && us < LIMIT_CLOCK_END_US;
}

void wall_clock_log_wrong(struct wall_clock_log *log, const char *store, int64_t us,
                          uint64_t now_ms)
{
    uint64_t last_ms = atomic_load(&log->logged_ms);
    char time[TIMESTAMP_SIZE];

    if ((last_ms == 0 || now_ms - last_ms >= LOG_MS) &&
        atomic_compare_exchange_strong(&log->logged_ms, &last_ms, now_ms)) {
        timestamp_format(us, time);
        log_write(LOG_ERROR,
                  "%s: nothing is stored: its clock is wrong, it shows %s and not a time from 2020 "
                  "to 2254",
                  store, time);
    }
}
