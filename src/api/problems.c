/* SPDX-License-Identifier: MIT */
/* The pages that the `type` of a problem names (RFC 9457, section 3.1.1). People read them, so they
 * are HTML. */
#include "api/routes.h"

#define PAGE                                                                                       \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta "                                                  \
    "charset=\"utf-8\">\n<title>%s</title>\n<h1>%s</h1>\n"                                         \
    "<p><code>%s</code>, HTTP status %d</p>\n<p>%s</p>\n<p>%s</p>\n"

/* Returns the status whose problem has this name, or STATUS_OK if there is none. */
static enum status status_named(struct str name)
{
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        if (str_eq(name, str_of(status_name(status)))) {
            return status;
        }
    }
    return STATUS_OK;
}

/* GET /problems/{name} */
void problem_page(struct request *request)
{
    enum status status = status_named(request->params[0]);

    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
    } else if (status == STATUS_OK) {
        request_refuse(request, STATUS_NOT_FOUND);
    } else {
        request_reply(request, &(struct reply){
                                   .code = 200,
                                   .content_type = "text/html; charset=utf-8",
                                   .body = arena_printf(&request->arena, PAGE, status_title(status),
                                                        status_title(status), status_name(status),
                                                        status_code(status), status_detail(status),
                                                        status_advice(status)),
                               });
    }
}
