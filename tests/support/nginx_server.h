/* SPDX-License-Identifier: MIT */
/* A real nginx with the project's own nginx.conf in front of one service, as a child of a test. All
 * of it on the test's own thread; what goes wrong fails the test, and where there is no nginx it is
 * skipped aloud. */
#ifndef SUPPORT_NGINX_SERVER_H
#define SUPPORT_NGINX_SERVER_H

struct nginx_server;

/* Starts it on a free loopback port, waits until it accepts connections. The environment variable
 * NGINX_CONF names the configuration; ports, paths and the replicas are put in their places, the
 * rest is taken as it is. It is the caller's until nginx_server_stop; one that a failed test leaves
 * is killed when the process ends. */
struct nginx_server *nginx_server_start(int upstream_port);
/* Ends it by its pid; NULL is nothing. */
void nginx_server_stop(struct nginx_server *server);

int nginx_server_port(const struct nginx_server *server);

/* What it has written so far; lives until the next call. */
const char *nginx_server_log(struct nginx_server *server);

#endif
