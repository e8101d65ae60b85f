/* SPDX-License-Identifier: MIT */
#include "support/forward_clock.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_uint_least64_t ahead_s, ahead_ns;

void forward_clock_move(uint64_t ms)
{
    uint64_t ns = atomic_load(&ahead_ns) + ms % 1000 * 1000000;

    atomic_fetch_add(&ahead_s, ms / 1000 + ns / 1000000000);
    atomic_store(&ahead_ns, ns % 1000000000);
}

/* Replaces clock_gettime for the program and its libraries. */
int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    int failed = (int)syscall(SYS_clock_gettime, id, ret_time);

    if (failed == 0 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
        ret_time->tv_sec += (time_t)atomic_load(&ahead_s);
        ret_time->tv_nsec += (long)atomic_load(&ahead_ns);
        if (ret_time->tv_nsec >= 1000000000) {
            ret_time->tv_nsec -= 1000000000;
            ret_time->tv_sec++;
        }
    }
    return failed;
}
