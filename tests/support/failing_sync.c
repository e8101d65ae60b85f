/* SPDX-License-Identifier: MIT */
/* A disk that loses what was written, for one process: loaded into it with LD_PRELOAD, this says
 * EIO to every fdatasync as long as there is a file called what FAILING_SYNC says. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *name = getenv("FAILING_SYNC");
    int (*system_fdatasync)(int);

    if (name != NULL && access(name, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    *(void **)&system_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    return system_fdatasync(fd);
}
