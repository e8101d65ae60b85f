/* SPDX-License-Identifier: MIT */
/* Input: header lines, "name:value" with a newline after each; the first byte chooses HTTP 1.0. A
 * section that frames a body in two ways must never be accepted. */
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/header_check.h"
#include "http/reply.h"

struct seen {
    unsigned lengths, encodings, hosts;
};

static void line_add(struct header_check *check, struct seen *seen, struct str line)
{
    const char *colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);
    struct str name, value;

    if (colon == NULL) {
        return; /* a line without one does not come here */
    }
    name = (struct str){line.p, (size_t)(colon - line.p)};
    value = str_from(line, name.n + 1);
    seen->lengths += header_check_is(name, "content-length");
    seen->encodings += header_check_is(name, "transfer-encoding");
    seen->hosts += header_check_is(name, "host");
    header_check_add(check, name, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str rest = {(const char *)bytes, size};
    bool http_1_0 = size > 0 && (bytes[0] & 1) != 0;
    struct header_check check = {0};
    struct seen seen = {0};

    rest = str_from(rest, size > 0);
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);

        line_add(&check, &seen, (struct str){rest.p, n});
        rest = str_from(rest, end == NULL ? n : n + 1);
    }
    if (header_check_verdict(&check, http_1_0) == STATUS_OK) {
        MUST(seen.lengths + seen.encodings <= 1);
        MUST(!http_1_0 || seen.encodings == 0);
        MUST(seen.hosts == 1 || (http_1_0 && seen.hosts == 0));
        MUST(check.content_length <= LIMIT_BODY && check.bytes <= LIMIT_HEADERS);
    }
    if (check.request_id.p != NULL && reply_request_id_is_sane(check.request_id)) {
        MUST(memchr(check.request_id.p, '"', check.request_id.n) == NULL);
        MUST(memchr(check.request_id.p, '\r', check.request_id.n) == NULL);
    }
    return 0;
}
