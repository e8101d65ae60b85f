/* SPDX-License-Identifier: MIT */
#include "sim/sim_fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void sim_fail(const char *format, ...)
{
    va_list arguments;

    fputs("found: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}
