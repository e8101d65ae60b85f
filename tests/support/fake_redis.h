/* SPDX-License-Identifier: MIT */
/* A fake Redis that follows a test's script, byte by byte. First the test writes the script. Then a
 * thread plays it, step by step, against the client that connects. All functions are for the test's
 * own thread. If a step goes wrong, fake_redis_stop fails the test. */
#ifndef SUPPORT_FAKE_REDIS_H
#define SUPPORT_FAKE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_redis;

/* Returns a fake that listens on a free loopback port and has no script yet. The caller owns it
 * until fake_redis_stop. */
struct fake_redis *fake_redis_new(void);

/* "redis://127.0.0.1:PORT"; lives as long as the fake. */
const char *fake_redis_url(const struct fake_redis *fake);
int fake_redis_port(const struct fake_redis *fake);

/* ---- The script: each call adds a step ---- */

/* Waits for the next connection. An earlier connection stays open. */
void fake_accept(struct fake_redis *fake);
/* Reads one command. Its arguments, separated by blanks, must begin with this text. */
void fake_expect(struct fake_redis *fake, const char *prefix);
/* One recv must bring exactly this many complete commands and nothing more. Their content is not
 * checked. */
void fake_expect_together(struct fake_redis *fake, size_t count);
/* Reads this many commands of any kind. */
void fake_expect_any(struct fake_redis *fake, size_t count);
/* Reads this many bytes and leaves those after them. */
void fake_expect_bytes(struct fake_redis *fake, size_t n);
/* Sends the first n bytes of this text, which is copied. */
void fake_send(struct fake_redis *fake, const char *bytes, size_t n);
void fake_send_text(struct fake_redis *fake, const char *bytes);
/* Ends the connection: fake_close in an orderly way, fake_reset by a reset. */
void fake_close(struct fake_redis *fake);
void fake_reset(struct fake_redis *fake);
/* Reads and drops everything until the client closes the connection. */
void fake_wait_for_client_close(struct fake_redis *fake);
/* Waits until the test calls fake_redis_resume. */
void fake_pause(struct fake_redis *fake);

/* The first part of a handshake, as a healthy Redis answers it: one connection is accepted, then
 * AUTH with this login ("PASSWORD" or "USER PASSWORD") unless it is NULL, SELECT of this database
 * and the scripts. */
void fake_login(struct fake_redis *fake, const char *login, const char *db);
/* INFO, which is answered with this text, and CONFIG GET appendfsync. */
void fake_settings(struct fake_redis *fake, const char *info);
/* A whole handshake: the login, settings that suit the service, and a probe that lacks nothing. */
void fake_handshake(struct fake_redis *fake, const char *login, const char *db);

/* ---- Playing ---- */

/* Starts the thread. No steps can be added afterwards. */
void fake_redis_start(struct fake_redis *fake);
/* Ends the present pause, or else the next one as soon as it begins. */
void fake_redis_resume(struct fake_redis *fake);
/* The first returns how many steps have been played. The second waits until there are at least this
 * many. */
size_t fake_redis_played(struct fake_redis *fake);
bool fake_redis_wait_played(struct fake_redis *fake, size_t steps, int64_t within_ms);
/* Returns how many steps the script has so far. */
size_t fake_redis_steps(const struct fake_redis *fake);

/* Room for the error of fake_redis_end. */
#define FAKE_FAULT 640

/* Waits for the end of the script, at most CLOCK_PATIENCE_MS per step. Then it closes all
 * connections and frees the fake. Fails the test if a step did not happen as written. */
void fake_redis_stop(struct fake_redis *fake);
/* Does the same, but writes the error to ret_error; "" means no error. */
void fake_redis_end(struct fake_redis *fake, char ret_error[FAKE_FAULT]);
/* Stops the script where it is and frees the fake, for a test that has already failed. NULL is
 * allowed. */
void fake_redis_abandon(struct fake_redis *fake);

#endif
