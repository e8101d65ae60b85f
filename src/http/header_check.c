/* SPDX-License-Identifier: MIT */
/* Takes the header lines of one request. Returns what the handlers need of them, or why the request
 * is refused before a byte of its body is read. */
#include "http/header_check.h"

#include <stdint.h>
#include <strings.h>

#include "discount/limits.h"

/* Numbers of this many digits always fit. A longer number is over every limit, whatever its value.
 * */
#define CONTENT_LENGTH_DIGITS 19

/* Most names differ in length, so the length is compared first. */
static inline bool is(struct str name, struct str lower_case_name)
{
    return lower_case_name.n == name.n && strncasecmp(name.p, lower_case_name.p, name.n) == 0;
}

bool header_check_is(struct str name, const char *lower_case_name)
{
    return is(name, str_of(lower_case_name));
}

/* Returns whether the text has only letters, digits and these other characters. */
static bool consists_of(struct str text, const char *others)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        /* '-' and '.' are always among the others, and the most frequent of them. */
        if (!alphanumeric && c != '-' && c != '.' && (c == '\0' || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* A field name is a token (RFC 9110, section 5.1). A blank before the colon makes it invalid. */
static bool name_is_token(struct str name)
{
    return name.n > 0 && consists_of(name, "!#$%&'*+-.^_`|~");
}

/* The characters of a host and port, or of an address in brackets (RFC 3986, section 3.2). */
static bool host_is_valid(struct str host)
{
    return consists_of(host, "-._~%!$&'()*+,;=:[]");
}

/* A field value holds no control character but the tab (RFC 9110, section 5.5). */
static bool value_is_clean(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A name that only begins like one of these may have been put together from two lines before it
 * came here. It would then hide a header that matters, so it is refused. */
static bool name_hides_another(struct str name)
{
    static const struct str hidden[] = {STR_INIT("content-length"), STR_INIT("transfer-encoding"),
                                        STR_INIT("idempotency-key")};

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (name.n > hidden[i].n && is((struct str){name.p, hidden[i].n}, hidden[i])) {
            return true;
        }
    }
    return false;
}

static void content_length_add(struct header_check *check, struct str value)
{
    size_t length = 0;

    check->content_lengths++;
    check->length_is_bad = check->length_is_bad || value.n == 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            check->length_is_bad = true;
            return;
        }
        length = i < CONTENT_LENGTH_DIGITS ? length * 10 + (size_t)(value.p[i] - '0') : SIZE_MAX;
    }
    check->content_length = length;
}

static void once(struct header_check *check, struct str *field, struct str value)
{
    check->repeated = check->repeated || field->p != NULL;
    *field = value;
}

void header_check_add(struct header_check *check, struct str name, struct str value)
{
    /* ": " and the line end count too. */
    check->bytes += name.n + value.n + 4;
    check->line_is_bad = check->line_is_bad || !name_is_token(name) || !value_is_clean(value) ||
                         name_hides_another(name);
    if (is(name, STR("content-length"))) {
        content_length_add(check, value);
    } else if (is(name, STR("transfer-encoding"))) {
        check->transfer_encodings++;
        check->encoding_is_bad = check->encoding_is_bad || !is(value, STR("chunked"));
    } else if (is(name, STR("host"))) {
        check->hosts++;
        check->line_is_bad = check->line_is_bad || !host_is_valid(value);
    } else if (is(name, STR("content-type"))) {
        once(check, &check->content_type, value);
    } else if (is(name, STR("idempotency-key"))) {
        once(check, &check->idempotency_key, value);
    } else if (is(name, STR("x-request-id"))) {
        check->request_id = value;
    } else if (is(name, STR("if-none-match"))) {
        /* The last of several lines counts. A client with a wrong tag gets the whole answer, so no
         * harm is done. */
        check->if_none_match = value;
    }
}

enum status header_check_verdict(const struct header_check *check, bool http_1_0)
{
    if (check->bytes > LIMIT_HEADERS) {
        return STATUS_HEADERS_TOO_LARGE;
    }
    if (check->line_is_bad || check->repeated || check->length_is_bad || check->encoding_is_bad ||
        check->content_lengths > 1 || check->transfer_encodings > 1 || check->hosts > 1) {
        return STATUS_MALFORMED_REQUEST;
    }
    if (check->transfer_encodings > 0 && (check->content_lengths > 0 || http_1_0)) {
        return STATUS_MALFORMED_REQUEST;
    }
    if (!http_1_0 && check->hosts == 0) {
        return STATUS_MALFORMED_REQUEST;
    }
    return check->content_length > LIMIT_BODY ? STATUS_PAYLOAD_TOO_LARGE : STATUS_OK;
}
