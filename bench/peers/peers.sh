# shellcheck shell=bash disable=SC2034,SC2154 # shares its variables with lib.sh, which sources this
# SPDX-License-Identifier: MIT
# The peers of discountd in the benchmarks: how each is made and started. All have the same small part of its contract:
# GET /healthy, POST /discount, POST /discount/{id}/grant, GET /discount/{id}. All but the ceiling run the same script on
# Redis (grant.lua). Each has as many processes as discountd has workers: one.
#
#   ceiling     libmicrohttpd, one thread with epoll, a constant answer, no store
#   pipelined   bare epoll, asynchronous hiredis, a script per grant, those of one turn in one write
#   threads     libmicrohttpd's thread pool, blocking hiredis, a connection to Redis per thread
#   nginx-lua   Debian's nginx with Lua, cosockets that are kept
#   fastify     Node with fastify, ioredis with auto-pipelining
#   seed        the first design of this service: Flask, gunicorn with threads, redis-py
#   liar        ../liar.py, on which the benchmarks are tested
#
#   THREADS     of threads and seed (32)

peers_here=$here/peers
peers_built=$(cd "$here/.." && pwd)/build/bench
peer_threads=${THREADS:-32}

# peer_packages NAME: prints the Debian packages that it needs.
peer_packages() {
    case $1 in
    ceiling) echo gcc pkg-config libmicrohttpd-dev ;;
    pipelined) echo gcc pkg-config libhiredis-dev libjansson-dev uuid-dev ;;
    threads) echo gcc pkg-config libmicrohttpd-dev libhiredis-dev libjansson-dev uuid-dev ;;
    nginx-lua) echo nginx-light libnginx-mod-http-lua lua-cjson ;;
    fastify) ;; # not Debian 12's Node, which is too old
    seed) echo gunicorn python3-flask python3-redis python3-hiredis ;;
    liar) ;;
    *) die "no such peer: $1" ;;
    esac
}

# peer_lacks NAME: prints what it needs and no package of this Debian contains; nothing if it can run.
peer_lacks() {
    [ "$1" = fastify ] || return 0
    if ! command -v npm >/dev/null; then
        echo npm
    elif [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -lt 20 ]; then
        echo "Node 20 or later, it is $(node --version)"
    fi
}

# peers_install NAME...: as root, installs what they need and this machine lacks; otherwise prints it.
peers_install() {
    local wanted missing name
    wanted=$(for name in "$@"; do peer_packages "$name"; done | tr ' ' '\n' | sort -u)
    [ -n "$wanted" ] || return 0
    # shellcheck disable=SC2086 # one word for each package
    missing=$(grep -vxFf <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
        sed -n 's/^installed //p') <<<"$wanted" || true)
    [ -n "$missing" ] || return 0
    [ "$(id -u)" -eq 0 ] || die "the peers need: $(tr '\n' ' ' <<<"$missing")"
    echo "installing $(tr '\n' ' ' <<<"$missing")" >&2
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >&2
}

# peer_build NAME: builds its program below build/, if it has one.
peer_build() {
    mkdir -p "$peers_built"
    case $1 in
    ceiling) peer_compile ceiling libmicrohttpd ;;
    pipelined) peer_compile pipelined hiredis jansson uuid ;;
    threads) peer_compile threads libmicrohttpd hiredis jansson uuid ;;
    fastify) fastify_install ;;
    esac
}
# peer_compile NAME LIBRARY...
peer_compile() {
    local name=$1
    shift
    [ "$peers_built/$name" -nt "$peers_here/$name.c" ] && return
    # shellcheck disable=SC2046 # one word for each flag
    cc -std=gnu11 -D_GNU_SOURCE -O2 -o "$peers_built/$name" "$peers_here/$name.c" $(pkg-config --cflags --libs "$@")
}
fastify_install() {
    local to=$peers_built/fastify
    mkdir -p "$to"
    cp "$peers_here/fastify.js" "$peers_here/package.json" "$to"
    if ! cmp -s "$peers_here/package-lock.json" "$to/installed.json"; then
        cp "$peers_here/package-lock.json" "$to"
        (cd "$to" && npm ci --no-audit --no-fund --no-update-notifier --ignore-scripts) >&2
        cp "$peers_here/package-lock.json" "$to/installed.json"
    fi
}

# start_peer NAME: starts it on an empty Redis without persistence. Sets the same as start.
start_peer() {
    local port
    data_make
    store_url=''
    [ "$1" = ceiling ] || redis_start
    peer_build "$1"
    port=$(free_port) url=http://127.0.0.1:$port
    peer_run "$1" "$port"
    wait_for curl -fs "$url/healthy"
    serve_on "$server"
}
# peer_run NAME PORT: starts it in the background; its pid is $server.
peer_run() {
    export PORT=$2 REDIS_URL=$store_url THREADS=$peer_threads GRANT_LUA=$peers_here/grant.lua
    case $1 in
    ceiling | pipelined | threads) "$peers_built/$1" 2>"$work/log" & ;;
    liar) DISCOUNT_LISTEN=127.0.0.1:$2 "$here/liar.py" 2>"$work/log" & ;;
    fastify) NODE_ENV=production node "$peers_built/fastify/fastify.js" 2>"$work/log" & ;;
    nginx-lua)
        sed -e "s|@WORK@|$work|; s|@HERE@|$peers_here|; s|@PORT@|$2|; s|@MODULES@|$(nginx_modules)|" \
            "$peers_here/nginx.conf" >"$work/nginx-lua.conf"
        nginx -p "$work" -e stderr -c "$work/nginx-lua.conf" 2>"$work/log" &
        ;;
    seed)
        # Debian's own Python, even if the machine has others.
        PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 /usr/bin/gunicorn --chdir "$peers_here" --bind "127.0.0.1:$2" --workers 1 \
            --threads "$peer_threads" --log-level warning seed:app 2>"$work/log" &
        ;;
    *) die "no such peer: $1" ;;
    esac
    server=$!
}
nginx_modules() { echo /usr/lib/nginx/modules; }
