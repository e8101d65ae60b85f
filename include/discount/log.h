/* SPDX-License-Identifier: MIT */
/* The log: one line per event on stderr, written with one write(2), so that lines of several
 * threads do not mix. Never given bytes a client sent. Any thread. A log that cannot be written is
 * dropped: the service goes on. */
#ifndef DISCOUNT_LOG_H
#define DISCOUNT_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Set once by main, before there are threads; LOG_INFO until then. */
void log_set_level(enum log_level level);
/* False when no level has that name. */
bool log_level_parse(const char *name, enum log_level *ret_level);

/* One line; a longer one than 1,000 bytes is cut. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as info, and whatever the level is: for what others wait for, as ./start does for the
 * address. */
void log_announce(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
