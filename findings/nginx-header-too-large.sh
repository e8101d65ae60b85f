#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a request with a header over the limit is answered 400, so error_page 400 decides what its client reads.
# What happens: the client does get 400, but error_page 400 is passed over and HTML is sent. It is caught as 494, which nobody sends.
# Why it matters: an API that promises JSON for every error sends HTML for this one, and the configuration looks complete.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm nginx=1.22.1-9+deb12u9
start_nginx "$temp/bookworm/usr/sbin/nginx" <<T
server {
    listen unix:$temp/without;
    error_page 400 /problem;
    location / { return 204; }
    location = /bad { return 400; }
    location = /problem { internal; default_type application/json; return 200 '{"title":"bad request"}'; }
}
server {
    listen unix:$temp/with;
    error_page 494 =400 /problem;
    location / { return 204; }
    location = /problem { internal; default_type application/json; return 200 '{"title":"bad request"}'; }
}
T

ask() { curl -s -o "$temp/answer" -w '%{http_code} %{content_type}' --unix-socket "$@"; }
header=$(printf '%09000d' 0)
observe "$(cat <<'T'
error_page 400, location that returns 400: 400 application/json
error_page 400, header of 9,000 bytes: 400 text/html
error_page 494, header of 9,000 bytes: 400 application/json
T
)" "error_page 400, location that returns 400: $(ask "$temp/without" http://a/bad)
error_page 400, header of 9,000 bytes: $(ask "$temp/without" -H "X-A: $header" http://a/)
error_page 494, header of 9,000 bytes: $(ask "$temp/with" -H "X-A: $header" http://a/)"
