/* SPDX-License-Identifier: MIT */
/* Makes a disk fail for one process. It is loaded into that process with LD_PRELOAD. While the file
 * named by FAILING_SYNC exists, every fdatasync returns EIO. */
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
