#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a client with no retries configured returns a 503 to its caller.
# What happens: urllib3's default client sleeps for Retry-After and repeats a PUT three times. A POST and a 503 without the header are not repeated.
# Why it matters: a service that says Retry-After gets four times the load from callers that configured nothing, and they sleep meanwhile.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm python3-urllib3=1.26.12-1+deb12u4 python3-six=1.16.0-4
observe "$(cat <<'T'
PUT, 503 without Retry-After: 1 sent, did not sleep, then 503
PUT, 503 with Retry-After: 4 sent, slept, then 503
POST, 503 with Retry-After: 1 sent, did not sleep, then 503
T
)" "$(python3 -I -S - "$temp/bookworm/usr/lib/python3/dist-packages" <<'P'
import http.server
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
import urllib3

requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        global requests
        requests += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503)
        if self.path == "/later":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for method, path in ("PUT", "/plain"), ("PUT", "/later"), ("POST", "/later"):
    requests, began = 0, time.monotonic()
    status = urllib3.PoolManager().request(method, f"http://127.0.0.1:{server.server_port}{path}").status
    slept = "slept" if time.monotonic() - began >= 3 else "did not sleep"
    print(f"{method}, 503 with{'' if path == '/later' else 'out'} Retry-After: {requests} sent, {slept}, then {status}")
P
)"
