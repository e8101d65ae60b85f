/* SPDX-License-Identifier: MIT */
/* UTF-8 (RFC 3629), one code point after the other. Pure; any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdint.h>

#include "discount/str.h"

/* Decodes one code point from the front of `rest`, which is not empty. Returns its length in bytes;
 * 0 when it is ill-formed. */
size_t utf8_take(struct str rest, uint32_t *ret_code_point);

#endif
