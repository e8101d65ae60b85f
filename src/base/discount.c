/* SPDX-License-Identifier: MIT */
/* The rules of the domain that need no store. */
#include "discount/discount.h"

#include <uuid/uuid.h>

#include "base/utf8.h"
#include "discount/limits.h"
#include "discount/timestamp.h"

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes the 22 characters of 16 bytes: five whole groups of three bytes and one byte left over. */
static void base64url_put(const unsigned char bytes[16], char *at)
{
    for (int i = 0; i < 15; i += 3) {
        unsigned group = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];

        *at++ = base64url[group >> 18];
        *at++ = base64url[group >> 12 & 63];
        *at++ = base64url[group >> 6 & 63];
        *at++ = base64url[group & 63];
    }
    *at++ = base64url[bytes[15] >> 2];
    *at = base64url[(bytes[15] & 3) << 4];
}

void discount_id_make(char ret_id[DISCOUNT_ID_LENGTH])
{
    uuid_t uuid;

    /* Not uuid_generate: it may fall back to a guessable id made of the time and the MAC
     * address. */
    uuid_generate_random(uuid);
    memcpy(ret_id, "dsc-", 4);
    base64url_put(uuid, ret_id + 4);
}

bool discount_id_is_valid(struct str text)
{
    if (text.n != DISCOUNT_ID_LENGTH || memcmp(text.p, "dsc-", 4) != 0) {
        return false;
    }
    for (size_t i = 4; i < text.n; i++) {
        char c = text.p[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alphanumeric && c != '-' && c != '_') {
            return false;
        }
    }
    /* The last character holds two bits only. Any other character would be a second name for the
     * same id. */
    return memchr("AQgw", text.p[text.n - 1], 4) != NULL;
}

/* Skips the printable ASCII at the front. Usually that is the whole text. */
static struct str behind_ascii(struct str text)
{
    size_t n = 0;

    while (n < text.n && text.p[n] >= 0x20 && text.p[n] < 0x7f) {
        n++;
    }
    return n == 0 ? text : str_from(text, n);
}

bool discount_text_is_valid(struct str text, size_t limit)
{
    struct str rest;

    if (text.n == 0 || text.n > limit) {
        return false;
    }
    rest = behind_ascii(text);
    while (rest.n > 0) {
        uint32_t code_point = 0;
        size_t taken = utf8_take(rest, &code_point);

        if (taken == 0 || code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f)) {
            return false;
        }
        rest = behind_ascii(str_from(rest, taken));
    }
    return true;
}

/* ---- Stored data ---- */

bool discount_code_is_valid(struct str discount_code)
{
    return discount_text_is_valid(discount_code, LIMIT_DISCOUNT_CODE);
}

bool user_id_is_valid(struct str user_id)
{
    return discount_text_is_valid(user_id, LIMIT_USER_ID);
}

static bool id_is_valid(const struct discount *discount)
{
    return discount_id_is_valid(discount->id);
}

static bool brand_is_valid(const struct discount *discount)
{
    return discount_text_is_valid(discount->brand_id, LIMIT_BRAND_ID);
}

static bool creation_is_valid(const struct discount *discount)
{
    return timestamp_is_valid(discount->created_at_us);
}

static bool code_is_valid(const struct discount *discount)
{
    return discount_code_is_valid(discount->discount_code);
}

static bool total_is_valid(const struct discount *discount)
{
    return discount->total_count >= 1 && discount->total_count <= LIMIT_TOTAL_COUNT;
}

static bool count_is_valid(const struct discount *discount)
{
    return discount->granted_count >= 0;
}

static bool start_is_valid(const struct discount *discount)
{
    return discount->starts_at_us == 0 || timestamp_is_valid(discount->starts_at_us);
}

static bool end_is_valid(const struct discount *discount)
{
    return discount->expires_at_us == 0 || timestamp_is_valid(discount->expires_at_us);
}

static bool window_is_valid(const struct discount *discount)
{
    return discount->expires_at_us == 0 || discount->expires_at_us > discount->starts_at_us;
}

static const struct {
    bool (*is_kept)(const struct discount *discount);
    const char *error;
} rules[] = {
    {id_is_valid, "its id does not have the form of an id"},
    {brand_is_valid, "brand_id is empty, too long or not plain text"},
    {creation_is_valid, "created_at is not a time from 1970 to 9999"},
    /* DISCOUNT_TERMS begins here. */
    {code_is_valid, "discount_code is empty, too long or not plain text"},
    {total_is_valid, "total_count is not a valid number of units"},
    {count_is_valid, "granted_count is below 0"},
    {start_is_valid, "starts_at is not a time from 1970 to 9999"},
    {end_is_valid, "expires_at is not a time from 1970 to 9999"},
    {window_is_valid, "expires_at is not later than starts_at"},
};

const char *discount_next_error(const struct discount *discount, size_t *at)
{
    while (*at < sizeof(rules) / sizeof(rules[0])) {
        size_t rule = (*at)++;

        if (!rules[rule].is_kept(discount)) {
            return rules[rule].error;
        }
    }
    return NULL;
}

bool discount_is_valid(const struct discount *discount)
{
    size_t at = 0;

    return discount_next_error(discount, &at) == NULL;
}
