/* SPDX-License-Identifier: MIT */
/* Takes bytes that came back apart into answers, as strictly as can be. Pure; any thread. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "discount/str.h"

struct answer {
    int code;
    size_t size;           /* of all of it; interim answers before it included */
    struct str head, body; /* in the bytes that were given; a chunked body with its frames */
    struct str request_id; /* n == 0: none */
    bool is_chunked;
    bool closes;     /* nothing may come behind it */
    bool is_foreign; /* libmicrohttpd's own words */
};

enum answer_end { ANSWER_WHOLE, ANSWER_PART, ANSWER_BAD };

/* An answer at the front of the bytes. A refusal that libmicrohttpd words itself has no request id
 * and is the last on its connection; it may have its headers twice, and is whole when its head is.
 * `is_head`: the request was HEAD, so there is no body. ret_error is a static text. */
enum answer_end answer_read(struct str bytes, bool is_head, struct answer *ret_answer,
                            const char **ret_error);

#endif
