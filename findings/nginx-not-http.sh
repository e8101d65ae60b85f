#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: an upstream that does not speak HTTP is a 502.
# What happens: nginx takes what it says for HTTP/0.9. It sends it on without status line and headers, and logs status 009.
# Why it matters: with a wrong port in proxy_pass the log has no 5xx to raise an alarm, and no client understands an answer.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm nginx=1.22.1-9+deb12u9
start python3 -I -c '
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
while True:
    client = server.accept()[0]
    client.recv(65536)
    client.sendall(b"220 ready\r\n")
    client.close()
' "$temp/upstream"
until_true test -S "$temp/upstream"
start_nginx "$temp/bookworm/usr/sbin/nginx" <<T
log_format status '\$status';
server {
    listen unix:$temp/front;
    access_log $temp/log status;
    keepalive_timeout 0;
    location / {
        proxy_http_version 1.1;
        proxy_pass http://unix:$temp/upstream;
    }
}
T

code=0
curl -s -o "$temp/answer" --unix-socket "$temp/front" http://a/ || code=$?
until_true test -s "$temp/log"
logged=$(cat "$temp/log")
raw=$(curl -s --http0.9 -i --unix-socket "$temp/front" http://a/ | tr -d '\r')
observe "$(cat <<'T'
curl's exit code: 1
all that is sent: 220 ready
the status in the access log: 009
T
)" "curl's exit code: $code
all that is sent: $raw
the status in the access log: $logged"
