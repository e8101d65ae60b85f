/* SPDX-License-Identifier: MIT */
/* TCP on 127.0.0.1. Any thread. */
#ifndef SUPPORT_LOOPBACK_H
#define SUPPORT_LOOPBACK_H

/* A port that nobody listens on now, and that no outgoing connection will be given, because it lies
 * below the range those are taken from. Another process may still take it first: whoever listens on
 * it must be ready to try another. */
int loopback_free_port(void);

/* A connected blocking socket, or -1 with errno. */
int loopback_connect(int port);

/* A listening socket on a port of the kernel's choice, or -1. */
int loopback_listen(int *ret_port);

#endif
