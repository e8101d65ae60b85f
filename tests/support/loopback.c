/* SPDX-License-Identifier: MIT */
#include "support/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEAST_PORT 20000
#define PORTS 12000 /* Linux gives outgoing connections ports from 32768 on */
#define BACKLOG 64

static struct sockaddr_in address_of(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int port)
{
    struct sockaddr_in address = address_of(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int loopback_free_port(void)
{
    for (;;) {
        uint32_t random;
        int port, fd;

        if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
            abort();
        }
        port = LEAST_PORT + (int)(random % PORTS);
        fd = bound(port);
        if (fd >= 0) {
            close(fd);
            return port;
        }
    }
}

int loopback_connect(int port)
{
    struct sockaddr_in address = address_of(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int loopback_listen(int *ret_port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    int fd = bound(0);

    if (fd < 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}
