#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a 304 that is queued with an empty response has no Content-Length.
# What happens: it says "Content-Length: 0". In a 304 this is the length of the 200, so it says that the page is empty now.
# Why it matters: RFC 9110, 8.6 forbids any length but that of the 200. The library leaves it out of a 204, so one expects it here too.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libmicrohttpd12=0.9.75-6 libmicrohttpd-dev=0.9.75-6
program server libmicrohttpd.so.12 <<'C'
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum MHD_Result handle(void *closure, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *length, void **seen) {
    (void)closure; (void)method; (void)version; (void)data; (void)length; (void)seen;
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)atoi(url + 1), response);
    MHD_destroy_response(response);
    return queued;
}

int main(void) {
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, handle, NULL,
                                                 MHD_OPTION_END);
    char line[256] = "";
    if (!daemon) return 1;
    unsigned port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    static const char *const statuses[] = {"204", "304", "200"};
    printf("libmicrohttpd %s\n", MHD_get_version());
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "curl -s -i http://127.0.0.1:%u/%s", port, statuses[i]);
        FILE *curl = popen(line, "r");
        int said = 0;
        while (curl && fgets(line, sizeof line, curl)) said |= !strncmp(line, "Content-Length: 0", 17);
        if (curl) pclose(curl);
        printf("%s: Content-Length: 0 is %s\n", statuses[i], said ? "sent" : "not sent");
    }
    MHD_stop_daemon(daemon);
    return 0;
}
C
observe "$(cat <<'T'
libmicrohttpd 0.9.75
204: Content-Length: 0 is not sent
304: Content-Length: 0 is sent
200: Content-Length: 0 is sent
T
)" "$("$temp/server")"
