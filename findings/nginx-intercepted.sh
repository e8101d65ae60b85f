#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: proxy_intercept_errors replaces the body of an upstream's error, and headers such as Retry-After stay.
# What happens: every header of the upstream is dropped, Retry-After among them. Without intercepting it passes through.
# Why it matters: the service tells its clients when to come back, and the balancer in front of it silences that alone.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm nginx=1.22.1-9+deb12u9
start_nginx "$temp/bookworm/usr/sbin/nginx" <<T
server {
    listen unix:$temp/upstream;
    location / {
        add_header Retry-After 7 always;
        add_header X-Request-Id abc always;
        return 503;
    }
}
server {
    listen unix:$temp/plain;
    location / { proxy_pass http://unix:$temp/upstream; }
}
server {
    listen unix:$temp/intercepting;
    proxy_intercept_errors on;
    error_page 503 /problem;
    location / { proxy_pass http://unix:$temp/upstream; }
    location = /problem { internal; default_type application/json; return 200 '{"title":"busy"}'; }
}
T

ask() { curl -s -i --unix-socket "$1" http://a/ | tr -d '\r' | grep -E '^(HTTP|Retry|X-)' | paste -sd '|' | sed 's/|/, /g'; }
observe "$(cat <<'T'
passed on: HTTP/1.1 503 Service Temporarily Unavailable, Retry-After: 7, X-Request-Id: abc
intercepted: HTTP/1.1 503 Service Temporarily Unavailable
T
)" "passed on: $(ask "$temp/plain")
intercepted: $(ask "$temp/intercepting")"
