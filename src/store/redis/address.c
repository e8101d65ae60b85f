/* SPDX-License-Identifier: MIT */
/* In: a redis:// URL. Out: its parts, validated. */
#include "store/redis/address.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Copies and percent-decodes a part of the URL. False when it is too long or badly encoded. */
static bool part_copy(const char *from, size_t n, char *to, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        char c = from[i];

        if (c == '%') {
            char digits[3] = {0};

            if (i + 2 >= n || !isxdigit((unsigned char)from[i + 1]) ||
                !isxdigit((unsigned char)from[i + 2])) {
                return false;
            }
            memcpy(digits, from + i + 1, 2);
            c = (char)strtol(digits, NULL, 16);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size) {
            return false;
        }
        to[used++] = c;
    }
    to[used] = '\0';
    return true;
}

static bool login_parse(const char *from, size_t n, struct redis_address *address)
{
    const char *colon = memchr(from, ':', n);

    return colon != NULL &&
           part_copy(from, (size_t)(colon - from), address->user, sizeof(address->user)) &&
           part_copy(colon + 1, n - (size_t)(colon + 1 - from), address->password,
                     sizeof(address->password)) &&
           address->password[0] != '\0';
}

static bool number_parse(const char *from, size_t n, long least, long most, char ret_text[6])
{
    if (n < 1 || n > 5 || strspn(from, "0123456789") < n) {
        return false;
    }
    memcpy(ret_text, from, n);
    ret_text[n] = '\0';
    return strtol(ret_text, NULL, 10) >= least && strtol(ret_text, NULL, 10) <= most;
}

/* Parses HOST or [IPv6], with an optional :PORT. */
static bool host_parse(const char *from, size_t n, struct redis_address *address)
{
    const char *end = from + n;
    const char *host_end;

    if (n > 0 && from[0] == '[') {
        host_end = memchr(from, ']', n);
        if (host_end == NULL || !part_copy(from + 1, (size_t)(host_end - from - 1), address->host,
                                           sizeof(address->host))) {
            return false;
        }
        host_end++;
    } else {
        host_end = memchr(from, ':', n);
        host_end = host_end == NULL ? end : host_end;
        if (!part_copy(from, (size_t)(host_end - from), address->host, sizeof(address->host))) {
            return false;
        }
    }
    if (address->host[0] == '\0' || strpbrk(address->host, "@[]") != NULL) {
        return false;
    }
    return host_end == end ||
           (*host_end == ':' &&
            number_parse(host_end + 1, (size_t)(end - host_end - 1), 1, 65535, address->port));
}

bool redis_address_parse(const char *url, struct redis_address *ret_address, const char **ret_error)
{
    static const char scheme[] = "redis://";
    struct redis_address address = {.port = "6379", .db = "0"};
    const char *rest = url + sizeof(scheme) - 1;
    const char *slash, *at;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0) {
        *ret_error = "must begin with redis://";
        return false;
    }
    slash = rest + strcspn(rest, "/");
    if (slash[0] == '/' && slash[1] != '\0' &&
        !number_parse(slash + 1, strlen(slash + 1), 0, 99999, address.db)) {
        *ret_error = "names a database that is not a number";
        return false;
    }
    at = memchr(rest, '@', (size_t)(slash - rest));
    if (at != NULL && !login_parse(rest, (size_t)(at - rest), &address)) {
        *ret_error = "must give a login as USER:PASSWORD@ or :PASSWORD@, percent-encoded";
        return false;
    }
    rest = at == NULL ? rest : at + 1;
    if (!host_parse(rest, (size_t)(slash - rest), &address)) {
        *ret_error = "must be redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]";
        return false;
    }
    *ret_address = address;
    return true;
}
