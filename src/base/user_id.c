/* SPDX-License-Identifier: MIT */
/* Finds user ids that people or URL parsers mistake for another id or for none. Nearly all ids are
 * decided by their first and last byte. */
#include "base/utf8.h"
#include "discount/discount.h"

struct range {
    uint32_t first, last;
};

/* White_Space of Unicode, without the control characters, which no id has. */
static const struct range white_space[] = {
    {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* Default_Ignorable_Code_Point of Unicode; and the blank of Braille, the marks of annotations and
 * the joiners of hieroglyphs. */
static const struct range invisible[] = {
    {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},     {0x115f, 0x1160},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x202a, 0x202e},
    {0x2060, 0x206f},   {0x2800, 0x2800},   {0x3164, 0x3164},   {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_among(const struct range *ranges, size_t count, uint32_t code_point)
{
    for (size_t i = 0; i < count; i++) {
        if (code_point >= ranges[i].first && code_point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool is_white_space(uint32_t code_point)
{
    return is_among(white_space, sizeof(white_space) / sizeof(white_space[0]), code_point);
}

static bool is_invisible(uint32_t code_point)
{
    return is_among(invisible, sizeof(invisible) / sizeof(invisible[0]), code_point);
}

/* An ASCII character that leaves ink. */
static bool is_ink(char c)
{
    return c > 0x20 && c < 0x7f;
}

/* Looks at the first and the last character that is not invisible. */
static const char *shape_error(struct str user_id)
{
    bool is_seen = false, begins_blank = false, ends_blank = false;

    for (size_t i = 0; i < user_id.n;) {
        uint32_t code_point = 0;
        size_t taken = utf8_take(str_from(user_id, i), &code_point);

        if (taken == 0) {
            return NULL; /* not valid, which is another error */
        }
        i += taken;
        if (is_invisible(code_point)) {
            continue;
        }
        ends_blank = is_white_space(code_point);
        begins_blank = is_seen ? begins_blank : ends_blank;
        is_seen = true;
    }
    if (!is_seen) {
        return "This must have a visible character.";
    }
    return begins_blank || ends_blank ? "This must not begin or end with white space." : NULL;
}

const char *user_id_new_error(struct str user_id)
{
    if (user_id.n == 0) {
        return NULL;
    }
    if (str_eq(user_id, STR(".")) || str_eq(user_id, STR(".."))) {
        return "This must not be . or .., which clients remove from a path.";
    }
    return is_ink(user_id.p[0]) && is_ink(user_id.p[user_id.n - 1]) ? NULL : shape_error(user_id);
}
