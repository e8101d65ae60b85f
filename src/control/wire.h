/* SPDX-License-Identifier: MIT */
/* What both ends of the control socket do. A process that has a store to itself listens on a Unix
 * socket beside its file, for its own user only. One request a connection: a line "backup PATH".
 * The answer is lines "DONE TOTAL", as often as there is progress, and at the end "ok" or "fault
 * TEXT". Any thread. */
#ifndef CONTROL_WIRE_H
#define CONTROL_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* The longest line, with its end: a path and the words around it. */
#define CONTROL_WIRE_LINE 4400
/* What a request begins with. */
#define CONTROL_WIRE_BACKUP "backup "
/* A time that never comes, for control_wire_recv_line. */
#define CONTROL_WIRE_FOREVER UINT64_MAX

/* The address of the socket at this path. It has room for 107 bytes only, so it goes through a
 * descriptor of the directory, which is returned: the caller closes it after using the address. -1
 * with errno when there is no such address. */
int control_wire_address(const char *path, struct sockaddr_un *ret_address);

/* Sends a formatted line, whose end is part of the format. False when the peer does not take it. */
bool control_wire_send_line(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Receives one line, without its end, byte by byte: there are few, and nothing after it is taken.
 * False when it has not come by `until_ms` (control_wire_now_ms), or the peer has gone. */
bool control_wire_recv_line(int fd, uint64_t until_ms, char ret_line[CONTROL_WIRE_LINE]);

/* The monotonic clock. */
uint64_t control_wire_now_ms(void);

#endif
