#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compares SQLite with Redis on the same machine in one run: grants of one discount, each for a new user. Every run
# has an empty store. The stores take turns, so other work on the machine affects all of them alike. If a store does
# not hold what was counted, this fails.
#
#   bench/stores.sh [BINARY [SECONDS [ROUNDS]]]
#
#   STORES='sqlite redis redis-always' CONNECTIONS='1 64 512' WORKERS=1
#
# lib.sh explains the stores, DATA_DIR and USERS. Needs wrk, redis-server and curl.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd} seconds=${2:-5} rounds=${3:-3}
read -ra stores <<<"${STORES:-sqlite redis redis-always}"
read -ra connection_counts <<<"${CONNECTIONS:-1 64 512}"
workers=${WORKERS:-1}
results=$work/results faults=0

# one STORE CONNECTIONS ROUND: makes a run and writes its line of the results.
one() {
    start "$binary" "$1" "$workers"
    grants_run "$2" "$seconds"
    stop_both
    if [ -n "$fault" ]; then
        echo "FAULT: $1, $2 connections, round $3: $fault" >&2
        cat "$work/log" >&2
        faults=$((faults + 1))
        return
    fi
    [ "$timeouts" -eq 0 ] || echo "$1, $2 connections, round $3: $timeouts answers took over 2 s" >&2
    echo "$1 $2 $3 $rate $server_us $redis_us $p50_ms $p99_ms $disk_bytes" >>"$results"
}

median() {
    sort -n | awk '{ v[NR] = $1 }
        END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2; else print 0 }'
}
# column STORE CONNECTIONS AWK-EXPRESSION: prints the expression for each of its runs.
column() { awk -v store="$1" -v connections="$2" "\$1 == store && \$2 == connections { print $3 }" "$results"; }

# The ratio to Redis with an fsync for each write in the same round; the median over the rounds.
ratio() {
    awk -v store="$1" -v connections="$2" '$2 != connections { next }
        $1 == store { mine[$3] = $4 } $1 == "redis-always" { its[$3] = $4 }
        END { for (r in mine) if (its[r]) print mine[r] / its[r] }' "$results" >"$work/ratios"
    if [ -s "$work/ratios" ]; then printf '%.2f' "$(median <"$work/ratios")"; else printf -- '-'; fi
}

# shellcheck disable=SC2016 # these are awk's columns
row() {
    local -a figures
    local -a expressions=('$4' '$5' '$6' '$5 + $6' '$7' '$8' '$9 / 1024')
    local expression
    for expression in "${expressions[@]}"; do
        figures+=("$(column "$1" "$2" "$expression" | median)")
    done
    printf '| %-12s | %11d | %8.0f | %15s | %9.1f | %8.1f | %11.1f | %6.2f | %6.2f | %12.2f | %12s |\n' \
        "$1" "$2" "${figures[0]}" \
        "$(column "$1" "$2" '$4' | sort -n | awk 'NR == 1 { a = $1 } { b = $1 } END { print a "-" b }')" \
        "${figures[@]:1}" "$(ratio "$1" "$2")"
}

table() {
    printf '| %-12s | %11s | %8s | %15s | %9s | %8s | %11s | %6s | %6s | %12s | %12s |\n' store connections \
        grants/s from-to server\ us Redis\ us together\ us p50\ ms p99\ ms KiB\ written redis-always
    echo '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|'
    for connections in "${connection_counts[@]}"; do
        for store in "${stores[@]}"; do
            [ -z "$(column "$store" "$connections" 1)" ] || row "$store" "$connections"
        done
    done
}

facts
echo "runs      $rounds of $seconds s each, medians; workers: $workers; users: $USERS; CPU (user and system)" \
    'and KiB written are per grant; the last column is grants/s against redis-always, round by round'
echo
: >"$results"
for round in $(seq "$rounds"); do
    for connections in "${connection_counts[@]}"; do
        for store in "${stores[@]}"; do
            one "$store" "$connections" "$round"
        done
    done
done
table
[ "$faults" -eq 0 ] || die "$faults runs do not count"
