/* SPDX-License-Identifier: MIT */
/* A real redis-server of a test's own, on a free loopback port and in a fresh directory. All of it
 * on the test's own thread; what goes wrong fails the test. */
#ifndef SUPPORT_REDIS_SERVER_H
#define SUPPORT_REDIS_SERVER_H

#include <sys/types.h>

struct redis_server;

/* Starts one and waits until it answers. `options` are arguments of redis-server, a NULL at their
 * end, or NULL for none; without any it keeps nothing on disk. Skips the test where redis-server is
 * not installed (see need.h). The server is the caller's until redis_server_stop; one that a failed
 * test leaves is stopped when the process ends. */
struct redis_server *redis_server_start(const char *const *options);

/* Ends it by SIGKILL and removes its directory; NULL is nothing. */
void redis_server_stop(struct redis_server *server);

int redis_server_port(const struct redis_server *server);

/* "redis://127.0.0.1:PORT"; with a password if an option --requirepass gave one. It lives as long
 * as the server. */
const char *redis_server_url(const struct redis_server *server);

/* SIGKILL, and waits for the end. */
void redis_server_kill(struct redis_server *server);
/* Starts the killed one again, on the same port, directory and options, and waits until it answers.
 */
void redis_server_restart(struct redis_server *server);
/* The same, but does not wait: for one that takes its time to load. */
void redis_server_relaunch(struct redis_server *server);

/* SIGSTOP, which is over when this returns, and SIGCONT. */
void redis_server_freeze(struct redis_server *server);
void redis_server_thaw(struct redis_server *server);

/* Runs a command, written as for redisCommand of hiredis, and returns its reply as text: integers
 * in decimal, nil as "(nil)", an error behind "(error) ", an array's elements each on a line. The
 * text is the server's and lives until the next command. */
const char *redis_server_command(struct redis_server *server, const char *format, ...);

#endif
