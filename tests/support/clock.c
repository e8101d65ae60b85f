/* SPDX-License-Identifier: MIT */
#include "support/clock.h"

#include <time.h>

#define LOOK_EVERY_NS 2000000

int64_t clock_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool clock_wait(bool (*condition)(void *argument), void *argument, int64_t within_ms)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
    int64_t end_ms = clock_ms() + within_ms;

    while (!condition(argument)) {
        if (clock_ms() >= end_ms) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}
