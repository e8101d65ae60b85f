/* SPDX-License-Identifier: MIT */
/* The conformance suite on a real Redis. */
#include <stddef.h>

#include "store/conformance.h"
#include "support/redis_server.h"

static const char *url(const char *directory)
{
    static struct redis_server *server; /* until the process ends */

    (void)directory; /* the server has its own */
    if (server == NULL) {
        server = redis_server_start(NULL);
    }
    return redis_server_url(server);
}

int main(void)
{
    return conformance_run(&(struct conformance_backend){.name = "redis", .url = url});
}
