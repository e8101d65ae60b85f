/* SPDX-License-Identifier: MIT */
/* The asking end of the control socket. */
#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/store_name.h"
#include "control/wire.h"

bool control_client_store_path(const char *control_path, char ret_path[PATH_MAX])
{
    size_t n = strlen(control_path) - strlen(STORE_NAME_CONTROL);

    return snprintf(ret_path, PATH_MAX, "%.*s", (int)n, control_path) < PATH_MAX;
}

/* A connected socket, or -1 with errno. `flags` may be SOCK_NONBLOCK: EAGAIN is then a process that
 * has others to listen to. */
static int connect_to(const char *path, int flags)
{
    struct sockaddr_un address;
    int directory = control_wire_address(path, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    int number = errno;

    if (fd >= 0 &&
        (directory < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)) {
        number = errno;
        close(fd);
        fd = -1;
    }
    if (directory >= 0) {
        close(directory);
    }
    errno = number;
    return fd;
}

/* Whether the process at the other end may have the store: it is of the user that the file belongs
 * to, or of our own. In a directory where others write, one of them may listen there. */
static bool is_trusted(const struct control_peer *peer, const char *control_path)
{
    char path[PATH_MAX];
    struct stat about;

    return peer->uid == geteuid() || (control_client_store_path(control_path, path) &&
                                      stat(path, &about) == 0 && peer->uid == about.st_uid);
}

static bool peer_know(struct control_peer *peer)
{
    struct ucred about;
    socklen_t size = sizeof(about);

    if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &about, &size) != 0) {
        return false;
    }
    peer->uid = about.uid;
    peer->gid = about.gid;
    return true;
}

enum control_answer control_client_connect(const char *control_path, struct control_peer *ret_peer,
                                           char ret_error[STORE_ERROR_SIZE])
{
    struct control_peer peer = {.fd = connect_to(control_path, 0)};

    if (peer.fd < 0) {
        return CONTROL_NOBODY;
    }
    if (!peer_know(&peer) || !is_trusted(&peer, control_path)) {
        snprintf(ret_error, STORE_ERROR_SIZE, "%.900s is another user's", control_path);
        close(peer.fd);
        return CONTROL_UNTRUSTED;
    }
    *ret_peer = peer;
    return CONTROL_THERE;
}

bool control_client_is_served(const char *control_path)
{
    struct control_peer peer = {.fd = connect_to(control_path, SOCK_NONBLOCK)};
    bool is_served;

    if (peer.fd < 0) {
        return errno == EAGAIN;
    }
    is_served = peer_know(&peer) && is_trusted(&peer, control_path);
    close(peer.fd);
    return is_served;
}

/* Reads what is said until the end of it. */
static bool answer_read(int fd, store_progress_fn progress, void *argument, char *ret_error)
{
    char line[CONTROL_WIRE_LINE];

    while (control_wire_recv_line(fd, CONTROL_WIRE_FOREVER, line)) {
        char *rest = line;
        uint64_t done, total;

        if (strcmp(line, "ok") == 0) {
            return true;
        }
        if (strncmp(line, "fault ", 6) == 0) {
            snprintf(ret_error, STORE_ERROR_SIZE, "%.*s", STORE_ERROR_SIZE - 1, line + 6);
            return false;
        }
        done = strtoull(line, &rest, 10);
        total = strtoull(rest, &rest, 10);
        if (*rest != '\0' || !progress(argument, done, total)) {
            break;
        }
    }
    snprintf(ret_error, STORE_ERROR_SIZE,
             "the process that serves the store did not go on with it");
    return false;
}

bool control_client_backup(const struct control_peer *peer, const char *file,
                           store_progress_fn progress, void *argument,
                           char ret_error[STORE_ERROR_SIZE])
{
    if (strchr(file, '\n') != NULL ||
        strlen(file) > CONTROL_WIRE_LINE - sizeof(CONTROL_WIRE_BACKUP) - 1) {
        snprintf(ret_error, STORE_ERROR_SIZE, "the path is too long or has a line break");
        return false;
    }
    if (!control_wire_send_line(peer->fd, CONTROL_WIRE_BACKUP "%s\n", file)) {
        snprintf(ret_error, STORE_ERROR_SIZE, "the process that serves the store: %s",
                 strerror(errno));
        return false;
    }
    return answer_read(peer->fd, progress, argument, ret_error);
}

void control_client_hang_up(const struct control_peer *peer)
{
    close(peer->fd);
}
