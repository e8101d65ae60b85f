#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares discountd with its peers in one run: what a grant costs and how long it takes. Prints
# tables in Markdown. Every single run is a line of $RESULTS/compare.tsv, from which plots are made.
#
#   bench/compare.sh [BINARY [SECONDS [ROUNDS]]]
#
#   CONTENDERS='ceiling sqlite redis redis-always nginx-1 nginx-2 nginx-4 pipelined threads nginx-lua fastify seed'
#               ceiling, pipelined, threads, nginx-lua, fastify and seed are in peers/peers.sh. nginx-N are N replicas
#               of discountd behind Nginx, over Redis without persistence. The others are in lib.sh.
#   CONNECTIONS=64   clients that each wait for their answer
#   MORE_CONNECTIONS='1 512' MORE='ceiling sqlite redis redis-always'   these contenders also with these numbers
#   WORKLOADS='hot zipf'   one discount; or DISCOUNTS=10000, of which the n-th is asked for in proportion to
#               1 / n ^ EXPONENT (1). Each grant is for a new user
#   WARM_UP=1 CALLS_S=1   seconds before the measured part; and after it, in the first round, to count system calls
#   CALLS_BY=perf or strace, or none; the default is the first that is installed
#   WORKERS=1 THREADS=32   of discountd; of the peers that have threads
#   RESULTS=build/bench   the folder of compare.tsv and compare.facts
#   PLOTS=DIR   also draws performance-WORKLOAD-cpu.svg and -rate.svg there
#
# Each round runs all contenders, each on an empty store. So other work on the machine affects all of them
# alike. The ratios are against the ceiling in the same round. If the store does not hold a run's grants
# afterwards, the run does not count and the command fails.
#
# wrk makes the load with one thread, for which it takes up to one processor. lib.sh explains LOAD_ON,
# SERVE_ON, DATA_DIR and USERS. As root it installs what the peers need.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd} seconds=${2:-5} rounds=${3:-3}
read -ra contenders <<<"${CONTENDERS:-ceiling sqlite redis redis-always nginx-1 nginx-2 nginx-4 pipelined threads nginx-lua fastify seed}"
read -ra connection_counts <<<"${CONNECTIONS-64}"
read -ra more_connections <<<"${MORE_CONNECTIONS-1 512}"
read -ra more <<<"${MORE-ceiling sqlite redis redis-always}"
read -ra workloads <<<"${WORKLOADS:-hot zipf}"
discounts=${DISCOUNTS:-10000} warm_up=${WARM_UP:-1} calls_s=${CALLS_S:-1} workers=${WORKERS:-1}
export EXPONENT=${EXPONENT:-1}
calls_by=${CALLS_BY:-}
to=${RESULTS:-$peers_built} faults=0
results=$to/compare.tsv
ulimit -n "$(ulimit -Hn)"

# ---- A contender ----

contender_start() {
    case $1 in
    sqlite | redis | redis-always) start "$binary" "$1" "$workers" ;;
    nginx-[0-9]*) start_replicas "$binary" redis "$workers" "${1#nginx-}" ;;
    *) start_peer "$1" ;;
    esac
}

# system_calls CONNECTIONS: sets calls: the system calls per grant of the server, its replicas and its balancer, in a
# separate load. perf hardly slows them. strace does, and a slower server does more in each call.
system_calls() {
    local pids tracer
    mapfile -t pids < <(processes "$server" "${replicas[@]}" "$balancer")
    rm -f "$work/calls"
    case $calls_by in
    perf)
        load "$1" "$calls_s" perf stat -x, -e raw_syscalls:sys_enter -o "$work/calls" -p "$(IFS=, && echo "${pids[*]}")"
        calls=$(sed -n 's/^\([0-9]*\),.*raw_syscalls.*/\1/p' "$work/calls")
        ;;
    strace)
        strace -qq -f -c -o "$work/calls" "${pids[@]/#/-p}" 2>/dev/null &
        tracer=$!
        load "$1" "$calls_s"
        kill -INT "$tracer"
        wait "$tracer" || true
        calls=$(awk '$NF == "total" { print $4 }' "$work/calls")
        ;;
    esac
    [ -z "$calls" ] || calls=$(awk -v n="$calls" -v grants="$grants" 'BEGIN { if (grants) printf "%.2f", n / grants }')
}
calls_find() {
    if perf stat -e raw_syscalls:sys_enter true >/dev/null 2>&1; then
        echo perf
    elif command -v strace >/dev/null; then
        echo strace
    else
        echo none
    fi
}

# ---- A run ----

# loads CONNECTIONS ROUND: runs the three loads. The last figures are those of the measured one.
loads() {
    local line
    [ "$warm_up" -eq 0 ] || load "$1" "$warm_up"
    load "$1" "$seconds"
    line="$rate $p50_ms $p99_ms $p999_ms $server_us $balancer_us $redis_us"
    [ "$timeouts" -eq 0 ] || echo "$timeouts answers took over 2 s" >&2
    peak_mib=$(memory_peak "$server" "${replicas[@]}" "$balancer") redis_mib=$(memory_peak "$redis")
    calls=''
    [ "$2" -gt 1 ] || [ "$calls_s" -eq 0 ] || system_calls "$1"
    figures="$line ${calls:--} $peak_mib $redis_mib"
}

# one WORKLOAD CONNECTIONS CONTENDER ROUND: writes a line of the results, or sets fault.
one() {
    contender_start "$3"
    if [ "$1" = hot ]; then discounts_create 1; else discounts_create "$discounts"; fi
    loads "$2" "$4"
    [ "$3" = ceiling ] || loads_verify
    stop_both
    if [ -n "$fault" ]; then
        echo "FAULT: $3, $1, $2 connections, round $4: $fault" >&2
        faults=$((faults + 1))
        return
    fi
    echo "$1 $2 $3 $4 $figures" | tr ' ' '\t' >>"$results"
    awk -v what="$3, $1, $2 connections, round $4" '{ printf "%-46s %7d/s  %8.2f us\n", what, $1, $5 + $6 + $7 }' <<<"$figures" >&2
}
round() {
    local workload connections contender
    for workload in "${workloads[@]}"; do
        for connections in "${connection_counts[@]}"; do
            for contender in "${contenders[@]}"; do one "$workload" "$connections" "$contender" "$1"; done
        done
        for connections in "${more_connections[@]}"; do
            for contender in "${more[@]}"; do one "$workload" "$connections" "$contender" "$1"; done
        done
    done
}

# ---- All of them ----

is_peer() { [[ $1 =~ ^(ceiling|pipelined|threads|nginx-lua|fastify|seed|liar)$ ]]; }
# prepare CONTENDER...: installs or builds what they need besides the plain tools, before the first starts. Sets those
# that can run, and names those that cannot.
prepare() {
    local peers=() contender lacks
    can_run=()
    for contender in "$@"; do
        lacks=''
        case $contender in
        nginx-[0-9]*) command -v nginx >/dev/null || lacks=nginx ;;
        *) ! is_peer "$contender" || lacks=$(peer_lacks "$contender") ;;
        esac
        if [ -n "$lacks" ]; then
            echo "skipped $contender: it needs $lacks" >&2
            continue
        fi
        can_run+=("$contender")
        ! is_peer "$contender" || peers+=("$contender")
    done
    [ ${#peers[@]} -gt 0 ] || return 0
    peers_install "${peers[@]}"
    for contender in "${peers[@]}"; do peer_build "$contender"; done
}
peers_facts() {
    echo "peers     $(cc --version | head -n 1), hiredis $(version_of hiredis), jansson $(version_of jansson)," \
        "$(nginx -v 2>&1 | sed 's/.*: //'), Node $(node --version 2>/dev/null || echo none)," \
        "$(dpkg-query -W -f '${Package} ${Version}, ' libnginx-mod-http-lua gunicorn python3-flask python3-redis 2>/dev/null)" \
        "$(sed -n 's/.*"dependencies": { "\(.*\)": "\(.*\)", "\(.*\)": "\(.*\)" }.*/\1 \2, \3 \4/p' "$peers_here/package.json")"
}

mkdir -p "$to"
[ -n "$calls_by" ] || calls_by=$(calls_find)
prepare "${contenders[@]}"
contenders=("${can_run[@]}")
prepare "${more[@]}"
more=("${can_run[@]}")
{
    facts
    peers_facts
    echo "load      wrk, one thread, which takes up to one of the processors, ${LOAD_ON:+on $LOAD_ON, }${SERVE_ON:+all else on $SERVE_ON, }users: $USERS"
    echo "runs      $rounds of $seconds s each, ${warm_up} s before them to warm up; medians; workers: $workers; system calls by $calls_by in a load of $calls_s s more"
} | tee "$to/compare.facts" | sed 's/^/    /'
printf '%s\n' workload connections contender round rate p50 p99 p999 server_us balancer_us redis_us calls peak_mib redis_mib |
    paste -s >"$results"
for number in $(seq "$rounds"); do
    round "$number"
done
"$here/compare.py" table <"$results"
[ -z "${PLOTS:-}" ] || "$here/compare.py" plot "$PLOTS" <"$results"
[ "$faults" -eq 0 ] || die "$faults runs do not count"
