#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How many grants a second, and how much CPU each costs: grants of one discount, a new user each, over
# keep-alive connections, against a release build and a redis-server without persistence.
#
#   bench/grants.sh [BINARY [WORKERS [CONNECTIONS [SECONDS]]]]
#
# Needs wrk, redis-server and curl. On a busy machine compare two binaries in turns, and by CPU.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=${1:-$here/../build/release/discountd} workers=${2:-1} connections=${3:-64} seconds=${4:-5}

work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); ss -Hltn "sport = :$port" | grep -q .; do :; done
    echo "$port"
}
# User and system time of a process so far, in hundredths of a second.
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
wait_for() {
    for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
    echo "gave up on: $*" >&2
    exit 1
}

redis_port=$(free_port) port=$(free_port) url=http://127.0.0.1:$port
redis-server --port "$redis_port" --save '' --dir "$work" --logfile "$work/redis" &
redis=$!
pids+=("$redis")
wait_for redis-cli -p "$redis_port" ping
DISCOUNT_STORE=redis://127.0.0.1:$redis_port DISCOUNT_LISTEN=127.0.0.1:$port DISCOUNT_WORKERS=$workers \
    "$binary" 2>"$work/log" &
server=$!
pids+=("$server")
wait_for curl -fs "$url/healthy"
created=$(curl -fs "$url/discount" -H 'Content-Type: application/json' \
    -d '{"brand_id":"bench","discount_code":"bench","total_count":1000000000}')
DISCOUNT=$(grep -o 'dsc-[A-Za-z0-9_-]*' <<<"$created" | head -n 1)
export DISCOUNT

server_before=$(cpu "$server") redis_before=$(cpu "$redis")
wrk -t1 -c"$connections" -d"${seconds}s" -s "$here/grants.lua" "$url" >"$work/wrk"
server_after=$(cpu "$server") redis_after=$(cpu "$redis")
requests=$(grep -o '^requests [0-9]*' "$work/wrk" | cut -d' ' -f2)
awk -v n="$requests" -v s="$seconds" -v a=$((server_after - server_before)) -v b=$((redis_after - redis_before)) \
    'BEGIN { printf "%d grants/s, CPU per grant: server %.1f us, Redis %.1f us, together %.1f us\n",
        n / s, a * 1e4 / n, b * 1e4 / n, (a + b) * 1e4 / n }'
tail -n 1 "$work/wrk"
