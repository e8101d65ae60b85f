/* SPDX-License-Identifier: MIT */
#include "support/moved_clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

void moved_clock_open(struct moved_clock *clock)
{
    const char *library = getenv("MOVED_CLOCK_LIBRARY");
    void *page;
    int fd;

    assert_non_null(library);
    assert_int_equal(access(library, R_OK), 0); /* else the children would ignore it */
    *clock = (struct moved_clock){.path = "/tmp/moved-clock-XXXXXX"};
    fd = mkstemp(clock->path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(*clock->offset_us)), 0);
    page = mmap(NULL, sizeof(*clock->offset_us), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(page != MAP_FAILED);
    close(fd);
    clock->offset_us = page;
    setenv("MOVED_CLOCK", clock->path, 1);
    /* The address sanitizer would insist on being loaded first. */
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    setenv("LD_PRELOAD", library, 1);
}

void moved_clock_end_giving(void)
{
    unsetenv("LD_PRELOAD");
}

void moved_clock_close(struct moved_clock *clock)
{
    moved_clock_end_giving();
    munmap(clock->offset_us, sizeof(*clock->offset_us));
    unlink(clock->path);
}

void moved_clock_set(struct moved_clock *clock, int64_t us)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    *clock->offset_us = us - ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void moved_clock_shift(struct moved_clock *clock, int64_t us)
{
    *clock->offset_us = us;
}
