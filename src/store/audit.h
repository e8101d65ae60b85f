/* SPDX-License-Identifier: MIT */
/* For backends: how a finding gets into an audit (discount/engine.h). On the thread that
 * verifies. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "discount/engine.h"
#include "discount/str.h"

/* The longest line of a finding, with its NUL. */
#define AUDIT_LINE 1024

/* Makes any bytes one line that is safe on a terminal or in a log. Bytes that are not printable
 * ASCII become \xNN; a line that is too long is cut. */
void audit_line(struct str text, char ret_line[AUDIT_LINE]);

/* Counts a finding and reports it as such a line. */
void audit_add(struct store_audit *audit, struct str text);
/* As audit_add, with a format. Data with a NUL in it ends there. */
void audit_report(struct store_audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
