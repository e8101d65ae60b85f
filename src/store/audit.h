/* SPDX-License-Identifier: MIT */
/* For backends: how a fault gets into an audit (discount/engine.h). On the thread that verifies. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "discount/engine.h"
#include "discount/str.h"

/* The longest line that is told of a fault, with its NUL. */
#define AUDIT_LINE 1024

/* Counts a fault and tells it. The text may hold anything: it goes to a terminal, so what is not
 * printable ASCII is told as \xNN, and what is too long is cut. */
void audit_found(struct store_audit *audit, struct str text);
/* The same for a text that is put together; data with a NUL in it ends there. */
void audit_say(struct store_audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
