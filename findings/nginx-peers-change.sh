#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: with "resolve", a request whose upstream fails is passed on to the addresses that the name has by now.
# What happens: if the addresses changed while it waited, it is given up with 502, "no live upstreams". The next request gets 200.
# Why it matters: replacing a replica costs the requests that wait for the old one, though the new one is ready.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian forky nginx=1.30.6-2
debian forky libc6=2.43-7 libcrypt1=1:4.5.2+20251210-1 libpcre2-8-0=10.48-3.1 libssl3t64=3.6.5-1 libzstd1=1.5.7+dfsg-4 \
    zlib1g=1:1.3.dfsg+really1.3.2-3 >/dev/null
library_path=$temp/forky/usr/lib/$(gcc -print-multiarch)

# The name leads to 127.0.0.2, which takes connections and is silent, and to 127.0.0.3 and .4, which answer. USR1 removes the former.
start python3 -I -c '
import http.server, os, signal, socket, socketserver, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        pass

class Names(socketserver.BaseRequestHandler):
    def handle(self):
        question, sock = self.request
        end = question.index(b"\0", 12) + 5
        answers = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(one) for one in addresses)
        head = question[:2] + b"\x81\x80\0\1\0" + bytes([len(addresses)]) + b"\0\0\0\0"
        sock.sendto(head + question[12:end] + answers, self.client_address)

def change(*ignored):
    addresses.remove("127.0.0.2")

addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
signal.signal(signal.SIGUSR1, change)
silent = socket.create_server(("127.0.0.2", 0))
port = silent.getsockname()[1]
names = socketserver.UDPServer(("127.0.0.1", 0), Names)
alive = [http.server.HTTPServer((one, port), Handler) for one in addresses[1:]]
for server in [names] + alive:
    threading.Thread(target=server.serve_forever, daemon=True).start()
with open(sys.argv[1] + ".new", "w") as ports:
    ports.write(f"{port} {names.server_address[1]}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    signal.pause()
' "$temp/ports"
names=$!
until_true test -e "$temp/ports"
read -r port dns <"$temp/ports" || [ -n "$dns" ]

start_nginx "$library_path"/ld-linux-*.so.* --library-path "$library_path" "$temp/forky/usr/sbin/nginx" <<T
resolver 127.0.0.1:$dns valid=1s ipv6=off;
upstream app {
    zone app 64k;
    server app.test:$port resolve max_fails=0;
}
server {
    listen unix:$temp/front;
    location / {
        proxy_read_timeout 5s;
        proxy_next_upstream error timeout;
        proxy_pass http://app;
    }
}
T
ask() { curl -s -o /dev/null -w '%{http_code}\n' --unix-socket "$temp/front" http://a/; }
# Three requests go to one address each. What changes the name comes while one of them waits.
requests() {
    local waiting
    ask >"$temp/first" & waiting=$!
    ask >"$temp/second" & waiting="$waiting $!"
    ask >"$temp/third" & waiting="$waiting $!"
    sleep 1
    "$@"
    # shellcheck disable=SC2086 # Three numbers.
    wait $waiting
    sort "$temp/first" "$temp/second" "$temp/third" | xargs
}
observe "$(cat <<'T'
three requests, the name stays: 200 200 200
three requests, it loses the address that one waits for: 200 200 502
three more requests: 200 200 200
in the error log: 1 no live upstreams
T
)" "$(
echo "three requests, the name stays: $(requests true)"
echo "three requests, it loses the address that one waits for: $(requests kill -USR1 "$names")"
echo "three more requests: $(requests true)"
echo "in the error log: $(grep -o 'no live upstreams' "$temp/errors" | uniq -c | xargs)"
)"
