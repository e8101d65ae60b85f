# shellcheck shell=bash disable=SC2034 # variables set here are used by the scripts that source it
# SPDX-License-Identifier: MIT
# The common part of the benchmarks, which source it. It has a store and a server on it, a load, its cost, and a check that
# the server's answers were true. It stops the processes that it starts by their ids, and removes $work when the shell ends.
#
#   STORE       sqlite        a file, every commit on the disk
#               redis         without persistence
#               redis-always  appendonly yes, appendfsync always
#   DATA_DIR    the folder of the data; on a real disk, since an fsync in memory costs nothing
#   PROBE_S     seconds for measuring the disk
#   LOAD_ON     processors for wrk, and SERVE_ON those for everything else (in taskset's form); by default all
#   USERS       scattered (each new user falls anywhere among the others, as with UUIDs) or sequential

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
data_dir=${DATA_DIR:-${TMPDIR:-/var/tmp}}
export LC_ALL=C USERS=${USERS:-scattered}

die() {
    echo "$0: $*" >&2
    exit 1
}

for tool in wrk redis-server redis-cli curl ss findmnt; do
    command -v "$tool" >/dev/null || die "needs $tool"
done

case $(findmnt -no FSTYPE -T "$data_dir") in
tmpfs | ramfs) die "$data_dir is a tmpfs, where an fsync is nothing: set DATA_DIR to a disk" ;;
esac
work=$(mktemp -d "$data_dir/discount-bench.XXXXXX")
server='' redis='' balancer='' replicas=()
wrk=(${LOAD_ON:+taskset -c "$LOAD_ON"} wrk)

# stop PID: asks one of our processes to end, and waits until it has.
stop() {
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
stop_both() {
    local pid
    for pid in "$balancer" "$server" "${replicas[@]}" "$redis"; do
        stop "$pid"
    done
    server='' redis='' balancer='' replicas=()
}
logs_show() { tail -n 20 "$work/log" "$work/redis" >&2 2>/dev/null || true; }
trap '[ $? -eq 0 ] || logs_show; stop_both; rm -rf "$work"' EXIT

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); ss -Hltn "sport = :$port" | grep -q .; do :; done
    echo "$port"
}
wait_for() {
    for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
    die "gave up on: $*"
}

# shellcheck source=bench/peers/peers.sh
source "$here/peers/peers.sh"

# ---- The machine ----

# syncs_per_second NAME DD-OPTION...: writes blocks of 4 KiB, each synced before the next.
syncs_per_second() {
    local file=$work/$1
    shift
    timeout -s INT "${PROBE_S:-1}" dd if=/dev/zero of="$file" bs=4k oflag=dsync "$@" 2>"$work/dd" || true
    awk '/records out/ { n = $1 + 0 } /copied/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s,/) s = $i }
        END { printf "%.0f", n / s }' "$work/dd"
}

# Prints the facts on which the figures depend.
facts() {
    local appends overwrites
    appends=$(syncs_per_second appended)
    dd if=/dev/zero of="$work/overwritten" bs=1M count=16 conv=fsync 2>/dev/null
    overwrites=$(syncs_per_second overwritten count=4096 conv=notrunc)
    rm -f "$work/appended" "$work/overwritten"
    echo "machine   $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, Linux $(uname -r)"
    echo "disk      $(findmnt -no FSTYPE,SOURCE,OPTIONS -T "$data_dir" | tr -s ' ')"
    echo "          4 KiB on the disk, one after the other: $appends/s appended, $overwrites/s in place"
    echo "versions  discountd $(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)," \
        "SQLite $(version_of sqlite3), libmicrohttpd $(version_of libmicrohttpd), libuv $(version_of libuv)," \
        "$(redis-server --version | sed 's/.*v=\([^ ]*\).*/Redis \1/')"
}
version_of() { pkg-config --modversion "$1" 2>/dev/null || echo unknown; }

# ---- A store and a server ----

# start BINARY STORE WORKERS: starts a server on an empty store. Sets server, redis ('' for none), url and data.
start() {
    [ -x "$1" ] || die "there is no $1: cmake --preset release -DDISCOUNT_TESTS=OFF && cmake --build --preset release"
    data_make
    case $2 in
    sqlite) store_url=sqlite:$data/discount.db ;;
    redis) redis_start ;;
    redis-always) redis_start --appendonly yes --appendfsync always ;;
    *) die "no such store: $2" ;;
    esac
    server_start "$1" "$3"
}
# start_replicas BINARY STORE WORKERS COUNT: starts this many servers on one store behind Nginx, as in
# docker-compose.yml. Also sets balancer, and replicas: those besides server.
start_replicas() {
    local ports=() first
    start "$1" "$2" "$3"
    ports=("$port") first=$server
    while [ ${#ports[@]} -lt "$4" ]; do
        server_start "$1" "$3"
        replicas+=("$server") ports+=("$port")
    done
    server=$first
    balancer_start "${ports[@]}"
}
# server_start BINARY WORKERS: starts a server. Sets server, port and url.
server_start() {
    port=$(free_port) url=http://127.0.0.1:$port
    DISCOUNT_STORE=$store_url DISCOUNT_LISTEN=127.0.0.1:$port DISCOUNT_WORKERS=$2 \
        "$1" 2>>"$work/log" &
    server=$!
    wait_for curl -fs "$url/healthy"
    serve_on "$server"
}
# balancer_start PORT...: starts Nginx with this tree's nginx.conf, in which only paths and addresses are changed.
balancer_start() {
    local servers
    port=$(free_port) url=http://127.0.0.1:$port
    servers=$(printf 'server 127.0.0.1:%s max_fails=0; ' "$@")
    sed -e "s|server app:8080 resolve max_fails=0;|$servers|; s|listen 8080 |listen 127.0.0.1:$port |; s|/tmp/|$work/nginx-|" \
        "$here/../nginx.conf" >"$work/nginx.conf"
    grep -q "127.0.0.1:$1 max_fails" "$work/nginx.conf" || die 'nginx.conf has no server app:8080 any more'
    nginx -p "$work" -e stderr -c "$work/nginx.conf" -g 'daemon off;' >/dev/null 2>>"$work/log" &
    balancer=$!
    wait_for curl -fs "$url/healthy"
    serve_on "$balancer"
}
# serve_on PID: binds it to the processors in SERVE_ON.
serve_on() {
    local pid
    [ -n "${SERVE_ON:-}" ] || return 0
    for pid in $(processes "$1"); do taskset -acp "$SERVE_ON" "$pid" >/dev/null; done
}
data_make() {
    data=$work/data
    rm -rf "$data"
    mkdir "$data"
    : >"$work/log"
}
redis_start() {
    local port
    port=$(free_port)
    redis-server --port "$port" --save '' --dir "$data" --logfile "$work/redis" "$@" >/dev/null &
    redis=$!
    redis_port=$port store_url=redis://127.0.0.1:$port
    wait_for redis-cli -p "$port" ping
    serve_on "$redis"
}

# create TOTAL_COUNT: creates a discount; prints its id.
create() {
    curl -fs "$url/discount" -H 'Content-Type: application/json' \
        -d "{\"brand_id\":\"bench\",\"discount_code\":\"bench\",\"total_count\":$1}" |
        grep -o 'dsc-[A-Za-z0-9_-]*' | head -n 1
}
granted_count() { curl -fs "$url/discount/$1" | sed -n 's/.*"granted_count":\([0-9]*\).*/\1/p'; }

# ---- Cost ----

# processes PID...: prints these and all their descendants ('' is none).
processes() {
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v wanted="$*" '
        { pid = $1; sub(/.*[)] /, ""); parent[pid] = $2 }
        END {
            n = split(wanted, found, " ")
            for (i = 1; i <= n; i++) {
                if (!(found[i] in parent)) exit 1
                print found[i]
                for (pid in parent) if (parent[pid] == found[i]) found[++n] = pid
            }
        }' || die "one of the processes $* is gone"
}
# Prints the processor time so far, in microseconds. It includes the processes' threads, their descendants, and their
# children that have ended (a Redis that rewrites its log forks).
cpu_us() {
    local pid
    for pid in $(processes "$@"); do
        cat "/proc/$pid"/task/*/schedstat "/proc/$pid/stat"
    done | awk -v tick="$(getconf CLK_TCK)" 'NF == 3 { us += $1 / 1000 }
        NF > 3 { sub(/.*[)]/, ""); us += ($14 + $15) * 1e6 / tick } END { printf "%.0f", us }'
}
# Prints how many bytes they wrote to the disk so far.
written() {
    local pid
    for pid in $(processes "$@"); do cat "/proc/$pid/io"; done | awk '/^write_bytes/ { n += $2 } END { printf "%d", n }'
}
# Prints MiB: the sum of the peaks of each. Memory that two of them share counts twice.
memory_peak() {
    local pid
    for pid in $(processes "$@"); do cat "/proc/$pid/status"; done |
        awk '/^VmHWM/ { n += $2 } END { printf "%.1f", n / 1024 }'
}

# Prints the CPU of the server (with its replicas), of the balancer and of Redis, and the bytes of all.
spent() {
    echo "$(cpu_us "$server" "${replicas[@]}") $(cpu_us "$balancer") $(cpu_us "$redis")" \
        "$(written "$server" "${replicas[@]}" "$balancer" "$redis")"
}

# discounts_create COUNT: creates discounts with an unlimited stock; their ids are in $work/ids. Answers are counted
# from here on.
discounts_create() {
    COUNT=$1 TOTAL=1000000000 IDS=$work/ids timeout 120 wrk -t1 -c$(($1 < 64 ? $1 : 64)) -d3600s \
        -s "$here/discounts.lua" "$url" >"$work/wrk" || die "$1 discounts were not created"
    answered=0 in_flight=0 fault=''
}

# load CONNECTIONS SECONDS [COMMAND...]: makes grants of the discounts in $work/ids by popularity, each for a new user.
# COMMAND is put before the load's command. Sets grants (answered with 201) and rate. Sets server_us, balancer_us and
# redis_us of CPU, and disk_bytes, per grant. Sets p50_ms, p99_ms, p999_ms and timeouts.
load() {
    local before after refused broken took_s connections=$1 seconds=$2
    shift 2
    before=$(spent)
    DISCOUNTS=$work/ids "$@" "${wrk[@]}" -t1 -c"$connections" -d"${seconds}s" -s "$here/grants.lua" "$url" >"$work/wrk"
    after=$(spent)
    read -r grants refused broken timeouts took_s p50_ms p99_ms p999_ms < <(sed -n 's/^figures //p' "$work/wrk")
    if [ "$refused" -gt 0 ] || [ "$broken" -gt 0 ]; then
        fault="$refused answers were no grants, $broken connections broke"
    elif [ "$grants" -eq 0 ]; then
        fault='nothing was granted'
    fi
    answered=$((answered + grants)) in_flight=$((in_flight + connections))
    read -r rate server_us balancer_us redis_us disk_bytes < <(awk -v n="$grants" -v s="$took_s" \
        '{ m = n ? n : 1; printf "%.0f %.2f %.2f %.2f %.0f\n", n / s, ($5 - $1) / m, ($6 - $2) / m, ($7 - $3) / m,
            ($8 - $4) / m }' <<<"$before $after")
}

# Checks that the store has everything answered since discounts_create; sets fault if not. A request in progress at the
# end of a load may be stored although it was not answered.
loads_verify() {
    local count
    [ -z "$fault" ] || return 0
    count=$(DISCOUNTS=$work/ids timeout 120 wrk -t1 -c32 -d3600s -s "$here/counts.lua" "$url" | sed -n 's/^granted //p')
    if [ "${count:--1}" -lt 0 ]; then
        fault='the discounts could not be read'
    elif [ "$count" -lt "$answered" ]; then
        fault="$answered grants were answered, $count are in the store"
    elif [ "$count" -gt $((answered + in_flight)) ]; then
        fault="$answered grants were answered over $in_flight connections, but $count are in the store"
    fi
}

# grants_run CONNECTIONS SECONDS: makes grants of one discount, each for a new user. Sets the same as load, and fault:
# why this run does not count, or ''.
grants_run() {
    discounts_create 1
    load "$1" "$2"
    loads_verify
}
