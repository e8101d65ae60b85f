/* SPDX-License-Identifier: MIT */
/* Refuses overlong sequences, surrogates and numbers beyond U+10FFFF, as RFC 3629 does. */
#include "base/utf8.h"

/* Returns the length of the UTF-8 sequence that a first byte announces; 0 for an invalid one. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t utf8_take(struct str rest, uint32_t *ret_code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)rest.p[0];
    size_t length = sequence_length(first);
    uint32_t code_point;

    if (length == 0 || length > rest.n) {
        return 0;
    }
    code_point = length == 1 ? first : first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)rest.p[i];

        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        code_point = code_point << 6 | (next & 0x3f);
    }
    if (code_point < smallest[length] || code_point > 0x10ffff ||
        (code_point >= 0xd800 && code_point <= 0xdfff)) {
        return 0;
    }
    *ret_code_point = code_point;
    return length;
}
