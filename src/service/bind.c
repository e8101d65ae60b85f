/* SPDX-License-Identifier: MIT */
/* Makes one bound socket for each worker from an address. */
#include "service/bind.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discount/log.h"

static bool option_set(int fd, int option)
{
    const int one = 1;

    return setsockopt(fd, SOL_SOCKET, option, &one, sizeof(one)) == 0;
}

/* Returns a bound socket, or -1 with errno. The first socket gets SO_REUSEPORT only after it is
 * bound. So a second discountd fails with "address in use" instead of taking half of the
 * connections: its first socket lacks the option too. */
static int bind_one(const struct sockaddr *address, socklen_t size, bool first)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    if (!option_set(fd, SO_REUSEADDR) || (!first && !option_set(fd, SO_REUSEPORT)) ||
        bind(fd, address, size) != 0 || (first && !option_set(fd, SO_REUSEPORT))) {
        int cause = errno;

        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static void announce(const struct config *config, const struct sockaddr *address, socklen_t size)
{
    char host[64] = "?", port[8] = "?";

    getnameinfo(address, size, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    log_announce("main: discountd " DISCOUNT_VERSION " with %u workers on http://%s%s%s:%s",
                 config->workers, strchr(host, ':') == NULL ? "" : "[", host,
                 strchr(host, ':') == NULL ? "" : "]", port);
}

/* Resolves the address of DISCOUNT_LISTEN. */
static bool resolve(const struct config *config, struct sockaddr_storage *ret_address,
                    socklen_t *ret_size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(config->listen_host, config->listen_port, &hints, &found);

    if (failure != 0) {
        log_write(LOG_ERROR, "main: DISCOUNT_LISTEN: %s", gai_strerror(failure));
        return false;
    }
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

bool bind_all(const struct config *config, int *ret_fds)
{
    struct sockaddr_storage storage;
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t size;

    if (!resolve(config, &storage, &size)) {
        return false;
    }
    for (unsigned i = 0; i < config->workers; i++) {
        ret_fds[i] = bind_one(address, size, i == 0);
        /* The first socket shows the port, even if port 0 was asked for. The others take the same
         * one. */
        if (ret_fds[i] < 0 || (i == 0 && getsockname(ret_fds[0], address, &size) != 0)) {
            log_write(LOG_ERROR, "main: cannot bind to %s port %s: %s", config->listen_host,
                      config->listen_port, strerror(errno));
            return false;
        }
    }
    announce(config, address, size);
    return true;
}
