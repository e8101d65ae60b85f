/* SPDX-License-Identifier: MIT */
/* Serves the contract, openapi.yaml, which is compiled into the binary. So every running service
 * describes itself. */
#include "api/etag.h"
#include "api/routes.h"
#include "openapi_yaml.h"

/* GET /openapi.yaml, with the media type of RFC 9512. */
void assets_contract(struct request *request)
{
    struct reply reply = {.code = 200,
                          .content_type = "application/yaml",
                          .body = {openapi_yaml, sizeof(openapi_yaml) - 1},
                          .etag = arena_printf(&request->arena, "\"%s\"", openapi_yaml_sha1).p};

    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
        return;
    }
    if (reply.etag != NULL && etag_is_among(reply.etag, request->if_none_match)) {
        reply.code = 304;
        reply.content_type = NULL;
    }
    request_reply(request, &reply);
}
