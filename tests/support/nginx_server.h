/* SPDX-License-Identifier: MIT */
/* A real nginx with the project's own nginx.conf in front of one service, as a child of a test. On
 * the test's own thread; any error fails the test. Without nginx the test is skipped, and says so.
 * */
#ifndef SUPPORT_NGINX_SERVER_H
#define SUPPORT_NGINX_SERVER_H

struct nginx_server;

/* Starts nginx on a free loopback port and waits until it accepts connections. The environment
 * variable NGINX_CONF names the configuration. Only ports, paths and replicas in it are replaced.
 * The caller owns the server until nginx_server_stop. If a failed test leaves one, it is killed at
 * process exit. */
struct nginx_server *nginx_server_start(int upstream_port);
/* Kills the server by its process id, and frees it. NULL is allowed. */
void nginx_server_stop(struct nginx_server *server);

int nginx_server_port(const struct nginx_server *server);

/* Returns its output so far; valid until the next call. */
const char *nginx_server_log(struct nginx_server *server);

#endif
