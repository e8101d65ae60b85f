/* SPDX-License-Identifier: MIT */
/* In: a text made of data that may be damaged. Out: one line that is safe on a terminal. */
#include "store/audit.h"

#include <stdarg.h>
#include <stdio.h>

#define ESCAPED 4 /* "\xNN" */

/* The backslash begins an escape, so it is escaped itself. */
static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '\\';
}

void audit_line(struct str text, char ret_line[AUDIT_LINE])
{
    size_t used = 0;

    for (size_t i = 0; i < text.n && used + ESCAPED < AUDIT_LINE; i++) {
        if (is_plain(text.p[i])) {
            ret_line[used++] = text.p[i];
        } else {
            used += (size_t)sprintf(ret_line + used, "\\x%02x", (unsigned char)text.p[i]);
        }
    }
    ret_line[used] = '\0';
}

void audit_add(struct store_audit *audit, struct str text)
{
    char line[AUDIT_LINE];

    audit_line(text, line);
    audit->findings++;
    audit->found(audit->argument, line);
}

void audit_report(struct store_audit *audit, const char *format, ...)
{
    char text[AUDIT_LINE] = "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    audit_add(audit, str_of(text));
}
