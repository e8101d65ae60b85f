/* SPDX-License-Identifier: MIT */
/* TCP on 127.0.0.1. Any thread. */
#ifndef SUPPORT_LOOPBACK_H
#define SUPPORT_LOOPBACK_H

/* Returns a port on which no process listens now. It is below the range of outgoing connections, so
 * none of them gets it. Another process may still take it first, so the caller must be ready to try
 * another port. */
int loopback_free_port(void);

/* Returns a connected blocking socket, or -1 with errno. */
int loopback_connect(int port);

/* Returns a listening socket on a port that the kernel chooses, or -1. */
int loopback_listen(int *ret_port);

#endif
