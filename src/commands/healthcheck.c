/* SPDX-License-Identifier: MIT */
/* Sends one blocking request with a time limit. */
#include "commands/healthcheck.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 3

/* Returns the address to ask. It is the loopback address if the service listens on all of them. */
static const char *host_to_ask(const char *host)
{
    if (strcmp(host, "0.0.0.0") == 0) {
        return "127.0.0.1";
    }
    return strcmp(host, "::") == 0 ? "::1" : host;
}

/* Returns a connected socket, or -1. */
static int connect_to(const struct config *config)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct addrinfo *found = NULL;
    int fd;

    if (getaddrinfo(host_to_ask(config->listen_host), config->listen_port, &hints, &found) != 0) {
        return -1;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
                    connect(fd, found->ai_addr, found->ai_addrlen) != 0)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

bool command_healthcheck(const struct config *config)
{
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: healthcheck\r\nConnection: close\r\n\r\n";
    static const char good[] = "HTTP/1.1 200 ";
    char answer[sizeof(good) - 1];
    int fd = connect_to(config);
    bool healthy;

    if (fd < 0) {
        return false;
    }
    healthy =
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1 &&
        recv(fd, answer, sizeof(answer), MSG_WAITALL) == (ssize_t)sizeof(answer) &&
        memcmp(answer, good, sizeof(answer)) == 0;
    close(fd);
    return healthy;
}
