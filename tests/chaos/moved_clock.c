/* SPDX-License-Identifier: MIT */
/* Moves the wall clock of one process while it runs. It is loaded into that process with
 * LD_PRELOAD, and adds the microseconds in the file MOVED_CLOCK. Monotonic clocks do not change.
 * (libfaketime does the same, but fails with the jemalloc of redis-server.) */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define US_PER_SECOND 1000000

static const volatile int64_t *offset_us;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("MOVED_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *page = mmap(NULL, sizeof(*offset_us), PROT_READ, MAP_SHARED, fd, 0);

    if (page == MAP_FAILED) {
        abort();
    }
    offset_us = page;
    close(fd);
}

static int64_t moved_us(void)
{
    struct timespec now = {0};

    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000 +
           (offset_us == NULL ? 0 : *offset_us);
}

/* The fraction of a second is never negative, also before 1970. */
static int64_t fraction_us(int64_t us)
{
    return (us % US_PER_SECOND + US_PER_SECOND) % US_PER_SECOND;
}

static int64_t seconds_of(int64_t us)
{
    return (us - fraction_us(us)) / US_PER_SECOND;
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    int64_t us;

    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) {
        return (int)syscall(SYS_clock_gettime, clock, ret_now);
    }
    us = moved_us();
    *ret_now = (struct timespec){seconds_of(us), fraction_us(us) * 1000};
    return 0;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    int64_t us = moved_us();

    (void)zone; /* obsolete */
    *ret_now = (struct timeval){seconds_of(us), fraction_us(us)};
    return 0;
}

time_t time(time_t *ret_now)
{
    time_t now = seconds_of(moved_us());

    if (ret_now != NULL) {
        *ret_now = now;
    }
    return now;
}
