/* SPDX-License-Identifier: MIT */
/* A real redis-server for one test, on a free loopback port and in a fresh directory. On the test's
 * own thread; any error fails the test. */
#ifndef SUPPORT_REDIS_SERVER_H
#define SUPPORT_REDIS_SERVER_H

#include <sys/types.h>

struct redis_server;

/* Starts a server and waits until it answers. `options` are arguments of redis-server, ended by
 * NULL; NULL means none. Without options it stores nothing on disk. Without an installed
 * redis-server the test is skipped (see need.h). The caller owns the server until
 * redis_server_stop. If a failed test leaves one, it is stopped at process exit. */
struct redis_server *redis_server_start(const char *const *options);

/* Ends the server by SIGKILL and removes its directory. NULL is allowed. */
void redis_server_stop(struct redis_server *server);

int redis_server_port(const struct redis_server *server);

/* Returns "redis://127.0.0.1:PORT", with the password if --requirepass gave one. It lives as long
 * as the server. */
const char *redis_server_url(const struct redis_server *server);

/* Kills it with SIGKILL, and waits for its end. */
void redis_server_kill(struct redis_server *server);
/* Starts a killed server again, with the same port, directory and options, and waits until it
 * answers. */
void redis_server_restart(struct redis_server *server);
/* Does the same without waiting: for a server that takes long to load its data. */
void redis_server_relaunch(struct redis_server *server);

/* Sends SIGSTOP and waits until it has stopped; thaw sends SIGCONT. */
void redis_server_freeze(struct redis_server *server);
void redis_server_thaw(struct redis_server *server);

/* Runs a command, in the format of hiredis's redisCommand, and returns its reply as text. Integers
 * are decimal, nil is "(nil)", an error begins with "(error) ", and each element of an array has
 * its own line. The server owns the text until the next command. */
const char *redis_server_command(struct redis_server *server, const char *format, ...);

#endif
