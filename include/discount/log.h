/* SPDX-License-Identifier: MIT */
/* The log: one line per event on stderr. Each line is one write(2), so lines of several threads do
 * not mix. No line contains bytes from a client. Any thread. A line that cannot be written is
 * dropped, and the service goes on. */
#ifndef DISCOUNT_LOG_H
#define DISCOUNT_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Sets the lowest level that is written. Called once by main, before there are threads; LOG_INFO
 * until then. */
void log_set_level(enum log_level level);
/* Parses the name of a level. False when no level has this name. */
bool log_level_parse(const char *name, enum log_level *ret_level);

/* Writes one line, cut after 1,000 bytes. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes a line at level info whatever the level is set to. For lines that other programs wait for:
 * ./start waits for the address. */
void log_announce(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
