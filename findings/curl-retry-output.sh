#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: curl --retry shows the answer that counts, and repeats a POST as little as a proxy does.
# What happens: the bodies of all attempts come on standard output, one after the other, with exit code 0. A POST is repeated too.
# Why it matters: a script that reads JSON from curl --retry reads the error and the result as one text.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15
start python3 -I -c '
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    attempts = {}

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Handler.attempts[self.path] = Handler.attempts.get(self.path, 0) + 1
        status, body = (503, b"{\"busy\":1}") if Handler.attempts[self.path] == 1 else (200, b"{\"id\":2}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *words):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as port:
    port.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
' "$temp/port"
until_true test -e "$temp/port"
url=http://127.0.0.1:$(cat "$temp/port")
arch=$(gcc -print-multiarch)

ask() {
    local code=0
    LD_LIBRARY_PATH=$temp/bookworm/usr/lib/$arch "$temp/bookworm/usr/bin/curl" -s --retry 1 "$@" || code=$?
    echo ", exit code $code"
}
observe "$(cat <<'T'
GET: {"busy":1}{"id":2}, exit code 0
GET with --fail: {"id":2}, exit code 0
POST: {"busy":1}{"id":2}, exit code 0
POST with --output: , exit code 0 and {"id":2}
T
)" "GET: $(ask "$url/get")
GET with --fail: $(ask --fail "$url/fail")
POST: $(ask -d x "$url/post")
POST with --output: $(ask -d x -o "$temp/answer" "$url/file") and $(cat "$temp/answer")"
