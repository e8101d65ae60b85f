/* SPDX-License-Identifier: MIT */
#include "sim/virtual_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms = 1000000;

uint64_t virtual_clock_ms(void)
{
    return now_ms;
}

void virtual_clock_move(uint64_t ms)
{
    now_ms += ms;
}

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE) {
        return (int)syscall(SYS_clock_gettime, id, ret_time);
    }
    *ret_time = (struct timespec){(time_t)(now_ms / 1000), (long)(now_ms % 1000) * 1000000};
    return 0;
}
