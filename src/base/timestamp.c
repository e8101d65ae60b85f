/* SPDX-License-Identifier: MIT */
/* Parses and formats RFC 3339. It computes the calendar itself, because the C library's functions
 * depend on time zones and locales, which this service must not. */
#include "discount/timestamp.h"

#include "discount/limits.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)

/* Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
 * the leap day is the last day of its year. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* Divides and rounds down, also below 0. */
static int64_t floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static void date_of_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    *ret_day = day_of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

/* Writes `width` decimal digits, with leading zeros, and returns the position after them. */
static char *digits_put(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + (char)(value % 10));
        value /= 10;
    }
    return at + width;
}

/* Writes a year. Those that do not have four digits get a sign and six (ISO 8601, 4.1.2.4). */
static char *year_put(char *at, int64_t year)
{
    if (year >= 0 && year <= 9999) {
        return digits_put(at, year, 4);
    }
    *at++ = year < 0 ? '-' : '+';
    return digits_put(at, year < 0 ? -year : year, 6);
}

bool timestamp_is_valid(int64_t us)
{
    return us > 0 && us <= LIMIT_TIME_US;
}

void timestamp_format(int64_t us, char ret_text[TIMESTAMP_SIZE])
{
    int64_t seconds = floor_divide(us, US_PER_SECOND);
    int64_t days = floor_divide(seconds, SECONDS_PER_DAY);
    int64_t of_day = seconds - days * SECONDS_PER_DAY;
    int64_t of_second = us % US_PER_SECOND;
    int64_t year, month, day;
    char *at = ret_text;

    date_of_days(days, &year, &month, &day);
    at = year_put(at, year);
    *at++ = '-';
    at = digits_put(at, month, 2);
    *at++ = '-';
    at = digits_put(at, day, 2);
    *at++ = 'T';
    at = digits_put(at, of_day / 3600, 2);
    *at++ = ':';
    at = digits_put(at, of_day / 60 % 60, 2);
    *at++ = ':';
    at = digits_put(at, of_day % 60, 2);
    *at++ = '.';
    at = digits_put(at, of_second < 0 ? of_second + US_PER_SECOND : of_second, 6);
    *at++ = 'Z';
    *at = '\0';
}

/* Reads exactly `width` digits from the front of *rest. */
static bool digits_take(struct str *rest, size_t width, int64_t *ret_value)
{
    int64_t value = 0;

    if (rest->n < width) {
        return false;
    }
    for (size_t i = 0; i < width; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9') {
            return false;
        }
        value = value * 10 + (rest->p[i] - '0');
    }
    *rest = str_from(*rest, width);
    *ret_value = value;
    return true;
}

/* Takes one character of `set` from the front of *rest; 0 when it is another one. */
static char char_take(struct str *rest, const char *set)
{
    char c = '\0';

    if (rest->n > 0) {
        c = rest->p[0];
    }
    if (c == '\0' || strchr(set, c) == NULL) {
        return '\0';
    }
    *rest = str_from(*rest, 1);
    return c;
}

/* Takes an optional fraction of a second, in microseconds. */
static bool fraction_take(struct str *rest, int64_t *ret_us)
{
    int64_t us = 0, digit;
    size_t count = 0;

    *ret_us = 0;
    if (char_take(rest, ".") == '\0') {
        return true;
    }
    while (digits_take(rest, 1, &digit)) {
        us = count < 6 ? us * 10 + digit : us;
        count++;
    }
    for (size_t i = count; i < 6; i++) {
        us *= 10;
    }
    *ret_us = us;
    return count >= 1 && count <= 9;
}

/* Takes "Z" or "+hh:mm", as seconds east of UTC. */
static bool offset_take(struct str *rest, int64_t *ret_seconds)
{
    char sign = char_take(rest, "Zz+-");
    int64_t hours = 0, minutes = 0;

    if (sign == 'Z' || sign == 'z') {
        *ret_seconds = 0;
        return true;
    }
    if (sign == '\0' || !digits_take(rest, 2, &hours) || char_take(rest, ":") == '\0' ||
        !digits_take(rest, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *ret_seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

static bool date_take(struct str *rest, int64_t *ret_days)
{
    static const int64_t lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;
    bool leap;

    if (!digits_take(rest, 4, &year) || char_take(rest, "-") == '\0' ||
        !digits_take(rest, 2, &month) || char_take(rest, "-") == '\0' ||
        !digits_take(rest, 2, &day)) {
        return false;
    }
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] ||
        (month == 2 && day == 29 && !leap)) {
        return false;
    }
    *ret_days = days_of_date(year, month, day);
    return true;
}

static bool clock_take(struct str *rest, int64_t *ret_seconds)
{
    int64_t hour, minute, second;

    if (!digits_take(rest, 2, &hour) || char_take(rest, ":") == '\0' ||
        !digits_take(rest, 2, &minute) || char_take(rest, ":") == '\0' ||
        !digits_take(rest, 2, &second) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

bool timestamp_parse(struct str text, int64_t *ret_us)
{
    struct str rest = text;
    int64_t days, clock, fraction, offset, us;

    if (!date_take(&rest, &days) || char_take(&rest, "Tt ") == '\0' || !clock_take(&rest, &clock) ||
        !fraction_take(&rest, &fraction) || !offset_take(&rest, &offset) || rest.n != 0) {
        return false;
    }
    us = (days * SECONDS_PER_DAY + clock - offset) * US_PER_SECOND + fraction;
    if (us < 0 || us > LIMIT_TIME_US) {
        return false;
    }
    *ret_us = us;
    return true;
}
