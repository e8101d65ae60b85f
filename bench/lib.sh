# shellcheck shell=bash disable=SC2034 # what is set here is used where it is sourced
# SPDX-License-Identifier: MIT
# What the benchmarks share: a store and a server on it, a load, what it has cost, and whether the
# server told the truth. Sourced. What it starts it stops by pid, and $work goes with the shell.
#
#   STORE       sqlite        a file, every commit on the disk
#               redis         without persistence
#               redis-always  appendonly yes, appendfsync always
#   DATA_DIR    where the data lie; a real disk, since an fsync in memory is nothing
#   PROBE_S     seconds, how long the disk is tried out
#   USERS       scattered (each new user anywhere among the others, as with UUIDs) or sequential

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
server='' redis=''

# stop PID: asks a process of ours to end, and waits until it has.
stop() {
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
stop_both() {
    stop "$server"
    stop "$redis"
    server='' redis=''
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

# syncs_per_second NAME DD-OPTION...: writes of 4 KiB, each on the disk before the next.
syncs_per_second() {
    local file=$work/$1
    shift
    timeout -s INT "${PROBE_S:-1}" dd if=/dev/zero of="$file" bs=4k oflag=dsync "$@" 2>"$work/dd" || true
    awk '/records out/ { n = $1 + 0 } /copied/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s,/) s = $i }
        END { printf "%.0f", n / s }' "$work/dd"
}

# What the figures depend on.
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

# start BINARY STORE WORKERS: on an empty store. Sets server, redis ('' for none), url and data.
start() {
    local port
    [ -x "$1" ] || die "there is no $1: cmake --preset release -DDISCOUNT_TESTS=OFF && cmake --build --preset release"
    data_make
    case $2 in
    sqlite) store_url=sqlite:$data/discount.db ;;
    redis) redis_start ;;
    redis-always) redis_start --appendonly yes --appendfsync always ;;
    *) die "no such store: $2" ;;
    esac
    port=$(free_port) url=http://127.0.0.1:$port
    DISCOUNT_STORE=$store_url DISCOUNT_LISTEN=127.0.0.1:$port DISCOUNT_WORKERS=$3 \
        "$1" 2>"$work/log" &
    server=$!
    wait_for curl -fs "$url/healthy"
}
data_make() {
    data=$work/data
    rm -rf "$data"
    mkdir "$data"
}
redis_start() {
    local port
    port=$(free_port)
    redis-server --port "$port" --save '' --dir "$data" --logfile "$work/redis" "$@" >/dev/null &
    redis=$!
    redis_port=$port store_url=redis://127.0.0.1:$port
    wait_for redis-cli -p "$port" ping
}

# create TOTAL_COUNT: a discount; prints its id.
create() {
    curl -fs "$url/discount" -H 'Content-Type: application/json' \
        -d "{\"brand_id\":\"bench\",\"discount_code\":\"bench\",\"total_count\":$1}" |
        grep -o 'dsc-[A-Za-z0-9_-]*' | head -n 1
}
granted_count() { curl -fs "$url/discount/$1" | sed -n 's/.*"granted_count":\([0-9]*\).*/\1/p'; }

# ---- What it costs ----

# Microseconds on a processor so far: of the process's threads, and of its children that ended (a
# Redis that rewrites its log forks).
cpu_us() {
    [ -n "$1" ] || { echo 0; return; }
    [ -e "/proc/$1" ] || die "process $1 is gone"
    cat /proc/"$1"/task/*/schedstat "/proc/$1/stat" |
        awk -v tick="$(getconf CLK_TCK)" 'NF == 3 { us += $1 / 1000 }
            NF > 3 { us += ($16 + $17) * 1e6 / tick } END { printf "%.0f", us }'
}
# Bytes it sent to the disk so far.
written() { if [ -n "$1" ]; then sed -n 's/^write_bytes: //p' "/proc/$1/io"; else echo 0; fi; }

# grants_run CONNECTIONS SECONDS: grants of one discount, a new user each. Sets grants (those that
# were answered with 201), rate, server_us and redis_us of CPU and disk_bytes per grant, p50_ms,
# p99_ms and fault: why this run does not count, or ''.
grants_run() {
    local id before after count refused broken took_s
    id=$(create 1000000000)
    before="$(cpu_us "$server") $(cpu_us "$redis") $(($(written "$server") + $(written "$redis")))"
    DISCOUNT=$id wrk -t1 -c"$1" -d"${2}s" -s "$here/grants.lua" "$url" >"$work/wrk"
    after="$(cpu_us "$server") $(cpu_us "$redis") $(($(written "$server") + $(written "$redis")))"
    count=$(granted_count "$id")
    read -r grants refused broken timeouts took_s p50_ms p99_ms < <(sed -n 's/^figures //p' "$work/wrk")
    fault=''
    if [ "$refused" -gt 0 ] || [ "$broken" -gt 0 ]; then
        fault="$refused answers were no grants, $broken connections broke"
    elif [ "${count:-0}" -lt "$grants" ]; then
        fault="$grants grants were answered, ${count:-0} are in the store"
    elif [ "$count" -gt $((grants + $1)) ]; then
        fault="$grants grants were answered over $1 connections, but $count are in the store"
    elif [ "$grants" -eq 0 ]; then
        fault='nothing was granted'
    fi
    read -r rate server_us redis_us disk_bytes < <(awk -v n="$grants" -v s="$took_s" \
        '{ m = n ? n : 1; printf "%.0f %.2f %.2f %.0f\n", n / s, ($4 - $1) / m, ($5 - $2) / m, ($6 - $3) / m }' \
        <<<"$before $after")
}
