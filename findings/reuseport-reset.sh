#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: of two listeners with SO_REUSEPORT the one that stays takes over the connections that wait for the other.
# What happens: the kernel resets every connection that the closed listener had not accepted, although connect() had succeeded.
# Why it matters: a worker that closes its listener to shut down cleanly cuts off clients that the next worker could have served.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

# The kernel can be told to hand them over instead; it is not by default.
[ "$(cat /proc/sys/net/ipv4/tcp_migrate_req)" = 0 ] || { echo "net.ipv4.tcp_migrate_req is not at its default of 0." >&2; exit 1; }

program reuseport <<'C'
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { CLIENTS = 64 };

static int listener(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    socklen_t length = sizeof *address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)address, length) || listen(fd, 2 * CLIENTS) ||
        getsockname(fd, (struct sockaddr *)address, &length)) return -1;
    return fd;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct utsname system;
    int closed = listener(&address), stays = listener(&address), clients[CLIENTS], connected = 0, reset = 0, served = 0;
    char byte;
    if (closed < 0 || stays < 0) return 1;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        connected += connect(clients[i], (struct sockaddr *)&address, sizeof address) == 0;
    }
    close(closed);
    fcntl(stays, F_SETFL, O_NONBLOCK);
    for (int fd; (fd = accept(stays, NULL, NULL)) >= 0; close(fd)) served += write(fd, "x", 1) == 1;
    for (int i = 0; i < CLIENTS; i++) reset += read(clients[i], &byte, 1) < 0 && errno == ECONNRESET;
    uname(&system);
    fprintf(stderr, "%s %s: %d of %d clients reset\n", system.sysname, system.release, reset, CLIENTS);
    printf("all are connected: %s\n", connected == CLIENTS ? "yes" : "no");
    printf("some are served by the listener that stays: %s\n", served > 0 ? "yes" : "no");
    printf("all others are reset: %s\n", reset > 0 && served + reset == CLIENTS ? "yes" : "no");
    return 0;
}
C
observe "$(cat <<'T'
all are connected: yes
some are served by the listener that stays: yes
all others are reset: yes
T
)" "$("$temp/reuseport")"
