/* SPDX-License-Identifier: MIT */
/* Parses received bytes into answers, as strictly as possible. Pure; any thread. */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "discount/str.h"

struct answer {
    int code;
    size_t size;           /* of all of it, including interim answers before it */
    struct str head, body; /* within the given bytes; a chunked body includes its frames */
    struct str request_id; /* n == 0: none */
    bool is_chunked;
    bool closes;     /* nothing may follow it */
    bool is_foreign; /* worded by libmicrohttpd */
};

enum answer_end { ANSWER_WHOLE, ANSWER_PART, ANSWER_BAD };

/* Reads an answer at the front of the bytes. A refusal worded by libmicrohttpd has no request id
 * and is the last on its connection. Its headers may be doubled, and it is complete when its head
 * is. `is_head` means that the request was HEAD, so there is no body. ret_error is a static text.
 * */
enum answer_end answer_read(struct str bytes, bool is_head, struct answer *ret_answer,
                            const char **ret_error);

#endif
