/* SPDX-License-Identifier: MIT */
/* The conformance suite on a real Redis. */
#include <stddef.h>

#include "discount/log.h"
#include "store/conformance.h"
#include "support/redis_server.h"

static struct redis_server *server;

static const char *url(void)
{
    if (server == NULL) {
        server = redis_server_start(NULL);
    }
    return redis_server_url(server);
}

int main(void)
{
    static const struct conformance_backend redis = {.name = "redis", .url = url};
    int failed;

    log_set_level(LOG_WARNING);
    failed = conformance_run(&redis);
    redis_server_stop(server);
    return failed;
}
