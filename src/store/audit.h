/* SPDX-License-Identifier: MIT */
/* For backends: how a fault gets into an audit (discount/engine.h). On the thread that verifies. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "discount/engine.h"
#include "discount/str.h"

/* The longest line that is told of a fault, with its NUL. */
#define AUDIT_LINE 1024

/* What may hold anything as one line that may go to a terminal or a log: what is not printable
 * ASCII becomes \xNN, and what is too long is cut. */
void audit_line(struct str text, char ret_line[AUDIT_LINE]);

/* Counts a fault and tells it, in such a line. */
void audit_add(struct store_audit *audit, struct str text);
/* The same for a text that is put together; data with a NUL in it ends there. */
void audit_report(struct store_audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
