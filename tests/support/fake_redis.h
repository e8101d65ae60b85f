/* SPDX-License-Identifier: MIT */
/* A Redis that does what a test's script says, to the byte. The script is written first, then a
 * thread plays it step by step against whoever connects. All functions are the test's own thread's;
 * what went wrong in the script fails the test in fake_redis_stop. */
#ifndef SUPPORT_FAKE_REDIS_H
#define SUPPORT_FAKE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_redis;

/* One that listens on a free loopback port and has no script yet. It is the caller's until
 * fake_redis_stop. */
struct fake_redis *fake_redis_new(void);

/* "redis://127.0.0.1:PORT"; lives as long as the fake. */
const char *fake_redis_url(const struct fake_redis *fake);
int fake_redis_port(const struct fake_redis *fake);

/* ---- The script; each call adds a step ---- */

/* Waits for the next connection. Until then there is none, or it is the one before, which stays
 * open. */
void fake_accept(struct fake_redis *fake);
/* Reads one command, whose arguments with blanks between them must begin with this text. */
void fake_expect(struct fake_redis *fake, const char *prefix);
/* One recv must bring exactly this many whole commands and nothing more. What they are is not
 * looked at. */
void fake_expect_together(struct fake_redis *fake, size_t count);
/* Reads this many commands, whatever they are. */
void fake_expect_any(struct fake_redis *fake, size_t count);
/* Reads this many bytes and leaves what comes behind them. */
void fake_expect_bytes(struct fake_redis *fake, size_t n);
/* Sends the first n bytes of this text, which is copied. */
void fake_send(struct fake_redis *fake, const char *bytes, size_t n);
void fake_send_text(struct fake_redis *fake, const char *bytes);
/* Ends the connection in an orderly way, or by a reset. */
void fake_close(struct fake_redis *fake);
void fake_reset(struct fake_redis *fake);
/* Reads and drops what comes until the client has ended the connection. */
void fake_wait_for_client_close(struct fake_redis *fake);
/* Waits until the test calls fake_redis_resume. */
void fake_pause(struct fake_redis *fake);

/* What a store sends first over a connection, and what a healthy Redis says to it: one connection
 * accepted, AUTH with this login ("PASSWORD" or "USER PASSWORD") unless it is NULL, SELECT of this
 * database and the five scripts. */
void fake_handshake(struct fake_redis *fake, const char *login, const char *db);

/* ---- The play ---- */

/* No steps can be added after this. */
void fake_redis_start(struct fake_redis *fake);
/* Lets the thread go on behind its pause, or pass the next one at once. */
void fake_redis_resume(struct fake_redis *fake);
/* How many steps have been played; and waits until it is at least this many. */
size_t fake_redis_played(struct fake_redis *fake);
bool fake_redis_wait_played(struct fake_redis *fake, size_t steps, int64_t within_ms);
/* How many steps the script has so far. */
size_t fake_redis_steps(const struct fake_redis *fake);

/* Room for what fake_redis_end says. */
#define FAKE_FAULT 640

/* Waits for the end of the script, which must come within CLOCK_PATIENCE_MS per step, closes what
 * is open and frees the fake. Fails the test when a step did not happen as the script says. */
void fake_redis_stop(struct fake_redis *fake);
/* The same, but writes what went wrong to ret_error instead; "": nothing did. */
void fake_redis_end(struct fake_redis *fake, char ret_error[FAKE_FAULT]);
/* Ends the play where it is and frees the fake, for a test that has failed already; NULL is
 * nothing.
 */
void fake_redis_abandon(struct fake_redis *fake);

#endif
