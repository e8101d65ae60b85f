/* SPDX-License-Identifier: MIT */
/* Lines over the control socket, and its address. */
#include "control/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

int control_wire_address(const char *path, struct sockaddr_un *ret_address)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char directory[CONTROL_WIRE_LINE];
    int n = snprintf(directory, sizeof(directory), "%.*s",
                     slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
    int fd;

    if (n < 0 || (size_t)n >= sizeof(directory)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    n = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%s", fd,
                 name);
    if (fd >= 0 && (n < 0 || (size_t)n >= sizeof(ret_address->sun_path))) {
        close(fd);
        errno = ENAMETOOLONG;
        return -1;
    }
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR) {
            return false;
        }
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        }
    }
    return true;
}

bool control_wire_send_line(int fd, const char *format, ...)
{
    char line[CONTROL_WIRE_LINE];
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return n > 0 && (size_t)n < sizeof(line) && send_all(fd, line, (size_t)n);
}

uint64_t control_wire_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Waits until there is something to receive, or the end; false when the time is over. */
static bool await(int fd, uint64_t until_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    uint64_t now;

    while ((now = control_wire_now_ms()) < until_ms) {
        int count = poll(&polled, 1, until_ms == CONTROL_WIRE_FOREVER ? -1 : (int)(until_ms - now));

        if (count > 0 || (count < 0 && errno != EINTR)) {
            return count > 0;
        }
    }
    return false;
}

bool control_wire_recv_line(int fd, uint64_t until_ms, char ret_line[CONTROL_WIRE_LINE])
{
    for (size_t n = 0; n < CONTROL_WIRE_LINE; n++) {
        ssize_t got;

        do {
            if (!await(fd, until_ms)) {
                return false;
            }
            got = recv(fd, &ret_line[n], 1, 0);
        } while (got < 0 && errno == EINTR);
        if (got != 1) {
            return false;
        }
        if (ret_line[n] == '\n') {
            ret_line[n] = '\0';
            return true;
        }
    }
    return false;
}
